"""Labels → outlines, plane by plane: what all formats of outlines have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.contours import Polygon, iter_contours
from napari_unet_nuclei.core.instances.labels import check_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class OutlinedNucleus:
    """A nucleus in one plane.

    Parameters
    ----------
    label : int
        Its number.
    polygons : tuple of Polygon
        Its pieces.
    place : mapping of str to int
        Where the plane lies along each leading axis, from 0; empty for a single image.
    """

    label: int
    polygons: tuple[Polygon, ...]
    place: Mapping[str, int] = field(default_factory=dict)


def iter_outlines(
    labels: NDArray[np.integer],
    axes: str = "YX",
    factors: tuple[float, float] = (1, 1),
) -> Iterator[OutlinedNucleus]:
    """Yield the outline of each nucleus in each plane.

    Parameters
    ----------
    labels : ndarray of integers
        Label image or stack of them, 0 = background.
    axes : str
        Its axes, out of T, Z, Y and X; Y and X last.
    factors : (float, float), in px of the image
        Size of a pixel along Y and X, where nuclei were found in a coarser resolution
        of their image.  Corners are then rounded to whole pixels of the image.

    Yields
    ------
    OutlinedNucleus
        Plane by plane, by ascending label.

    Raises
    ------
    LabelsError
        If the axes do not fit, or the labels are no label images.
    """
    leading = axes.removesuffix("YX")
    if len(axes) != labels.ndim or not axes.endswith("YX") or set(leading) - set("TZ"):
        raise LabelsError(
            "Outlines are those of labels with the axes Y and X, or of a stack of them "
            f"over T and Z. Received: axes {axes}, shape {labels.shape}. Save one "
            "channel at a time."
        )
    for index in np.ndindex(labels.shape[:-2]):
        plane = check_labels(labels[index], may_ignore=True)
        place = dict(zip(leading, index, strict=True))
        for label, found in iter_contours(plane):
            is_finest = tuple(factors) == (1, 1)
            polygons = found if is_finest else _enlarged(found, factors)
            yield OutlinedNucleus(label=label, polygons=polygons, place=place)


def _enlarged(
    polygons: tuple[Polygon, ...], factors: tuple[float, float]
) -> tuple[Polygon, ...]:
    def enlarge(ring: NDArray[np.intp]) -> NDArray[np.intp]:
        enlarged: NDArray[np.intp] = np.rint(ring * np.array(factors)).astype(np.intp)
        return enlarged

    return tuple(
        Polygon(outer=enlarge(each.outer), holes=tuple(map(enlarge, each.holes)))
        for each in polygons
    )
