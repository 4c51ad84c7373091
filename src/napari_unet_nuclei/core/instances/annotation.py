"""What a user says is annotated → labels that are ignored everywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.labels import IGNORED, check_labels, label_areas
from napari_unet_nuclei.core.settings.choices import Annotated, parse_annotated

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_RING = 0.25  # of the diameter: less than most gaps to a neighbour that is not painted
_NARROWEST_RING = 3  # px; boundaries are not known within 2 px of what is ignored


def annotated_area(
    labels: ArrayLike,
    how: Annotated | str = Annotated.WHOLE_IMAGE,
    area: NDArray[np.bool_] | None = None,
) -> NDArray[np.int32]:
    """Return labels that are -1 where nothing is annotated.

    Parameters
    ----------
    labels : (Y, X) array_like of int
        Painted nuclei, 0 = background, -1 = not annotated, which stays so.
    how : {"whole-image", "area", "painted"} or Annotated
        What is annotated: the whole image; the area; or the nuclei and a ring of a
        quarter of their median diameter around each, 3 px or more.
    area : (Y, X) ndarray of bool, optional
        True where all nuclei are painted; for ``Annotated.AREA`` only.

    Returns
    -------
    (Y, X) ndarray of int32
        A new array.

    Raises
    ------
    LabelsError
        If these are no labels, an area is missing or not as large, or nothing is
        annotated.
    SettingsError
        If there is no such choice.

    Examples
    --------
    >>> annotated_area([[0, 0, 0, 0, 0, 4]], "painted")
    array([[-1, -1,  0,  0,  0,  4]], dtype=int32)
    """
    checked = check_labels(labels, may_ignore=True)
    match parse_annotated(how):
        case Annotated.WHOLE_IMAGE:
            return checked.copy()
        case Annotated.AREA:
            is_annotated = _check_area(area, checked.shape)
        case Annotated.PAINTED:
            is_annotated = _surround(checked)
    return np.where(is_annotated, checked, np.int32(IGNORED))


def _check_area(
    area: NDArray[np.bool_] | None, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    if area is None or area.shape != shape or not area.any():
        received = "none" if area is None else f"{area.shape} with {area.sum()} pixels"
        raise LabelsError(
            "The annotated area must be as high and wide as the labels and hold some "
            f"pixels. Received: area {received}, labels {shape}. Draw the area on the "
            "image."
        )
    return np.asarray(area, bool)


def _surround(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Find the nuclei and the ring around them."""
    areas = label_areas(labels)[1]
    if not areas.size:
        raise LabelsError(
            "At least one nucleus must be painted where only painted nuclei count. "
            "Received: none. Paint some nuclei first."
        )
    diameter = 2 * np.sqrt(np.median(areas) / np.pi)
    ring = max(_NARROWEST_RING, round(_RING * diameter))
    return np.asarray(ndimage.distance_transform_edt(labels <= 0) <= ring, bool)
