"""Files of outlines that belong to an image → its labels."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files.label_coding import n_plane_axes, without_single_axes
from napari_unet_nuclei.core.files.outline_labels import fits_image, paint_outlines
from napari_unet_nuclei.core.files.outline_reading import read_outlines

if TYPE_CHECKING:
    import os

    import numpy as np
    from numpy.typing import NDArray

_AXES_OF_STACKS = ("YX", "ZYX", "TZYX")

_logger = logging.getLogger(__name__)


def read_outlined_labels(
    source: str | os.PathLike[str] | bytes,
    name: str,
    *,
    image_shape: tuple[int, ...],
) -> NDArray[np.int32]:
    """Return the labels that a file of outlines describes.

    What is left out or cut is written to the log.

    Parameters
    ----------
    source : path or bytes
        A file as in `read_outlines`, or its content.
    name : str
        What messages call it.
    image_shape : tuple of int
        Shape of the image that the outlines belong to, as it is stored.

    Returns
    -------
    (…, Y, X) ndarray of int32
        Of the size of the image, 0 = background.

    Raises
    ------
    LabelsError
        If the file cannot be read, outlines lie outside of the image, or it has more
        axes than T, Z, Y and X.
    """
    shape = without_single_axes(image_shape)
    n_leading = len(shape) - n_plane_axes(shape)
    if n_leading >= len(_AXES_OF_STACKS):
        raise LabelsError(
            "Expected outlines of an image with the axes Y and X, or of a stack of "
            f"them over T and Z. Received: {name} for an image of shape {image_shape}. "
            "Save one channel at a time."
        )
    shape, axes = shape[: n_leading + 2], _AXES_OF_STACKS[n_leading]
    stored = read_outlines(source, name)
    if not fits_image(stored, shape, axes):
        raise LabelsError(
            f"Expected outlines in an image of {' × '.join(map(str, shape))} px. "
            f"Received: {name}, of which some lie outside of it. Check that they "
            "belong to this image."
        )
    painted = paint_outlines(stored, shape, axes)
    for note in painted.notes:
        _logger.warning("%s: %s", name, note)
    return painted.labels
