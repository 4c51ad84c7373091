"""Images and maps at another size: nuclei brought to the size a model knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.images import distinct_planes

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
        Grey stays one plane that is seen in every channel, a read-only view.
    """
    height, width = shape
    seen_once = distinct_planes(planes)
    rescaled = np.empty((seen_once.shape[-1], height, width), np.float32)
    for index, plane in enumerate(np.moveaxis(seen_once, -1, 0)):
        check_cancelled()
        picture = Image.fromarray(np.ascontiguousarray(plane))
        resized = picture.resize((width, height), Image.Resampling.BILINEAR)
        rescaled[index] = np.asarray(resized)
    last = np.moveaxis(rescaled, 0, -1)
    if seen_once.shape == planes.shape:
        return last
    return np.broadcast_to(last, (height, width, planes.shape[-1]))
