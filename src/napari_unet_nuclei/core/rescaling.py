"""Images and maps at another size: nuclei brought to the size a model knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rescale(planes: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Bring planes to another height and width.

    Parameters
    ----------
    planes : (Y, X, n) ndarray of float32
        Planes in the last axis.
    shape : tuple of int
        Height and width to get, in px.

    Returns
    -------
    (*shape, n) ndarray of float32
        Linearly interpolated; where it shrinks, averaged over what a pixel covers.
    """
    height, width = shape
    rescaled = np.empty((height, width, planes.shape[-1]), np.float32)
    is_grey = planes.strides[-1] == 0
    for index in range(planes.shape[-1]):
        if is_grey and index > 0:
            rescaled[..., index] = rescaled[..., 0]
            continue
        plane = Image.fromarray(np.ascontiguousarray(planes[..., index]))
        resized = plane.resize((width, height), Image.Resampling.BILINEAR)
        rescaled[..., index] = np.asarray(resized)
    return rescaled
