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
    labels: NDArray[np.integer], axes: str = "YX"
) -> Iterator[OutlinedNucleus]:
    """Yield the outline of each nucleus in each plane.

    Parameters
    ----------
    labels : ndarray of integers
        Label image or stack of them, 0 = background.
    axes : str
        Its axes, out of T, Z, Y and X; Y and X last.

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
        for label, polygons in iter_contours(plane):
            yield OutlinedNucleus(label=label, polygons=polygons, place=place)
