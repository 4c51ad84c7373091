"""Outlines of nuclei as GeoJSON, in the form that QuPath reads and writes.

Coordinates are pixels from the upper left corner of the image.  Each nucleus is a
detection, named by its label; holes and pieces are kept.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.files.outlined_planes import iter_outlines
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.files.outlined_planes import OutlinedNucleus
    from napari_unet_nuclei.core.instances.contours import Polygon

_NOT_MEASURED = frozenset({"label", "index", "z", "t"})


def write_geojson(
    path: str | os.PathLike[str],
    labels: NDArray[np.integer],
    *,
    axes: str = "YX",
    outlines: Sequence[OutlinedNucleus] | None = None,
    features: Mapping[str, NDArray[Any]] | None = None,
    may_replace: bool = True,
) -> None:
    """Write the outline of each nucleus as a feature of a GeoJSON collection.

    Parameters
    ----------
    path : path
        The file to write; what was there is replaced once all is written.
    labels : ndarray of integers
        Label image or stack of them, 0 = background.
    axes : str
        Its axes, out of T, Z, Y and X; Y and X last.
    outlines : sequence of OutlinedNucleus, optional
        Outlines of these labels, where `iter_outlines` has found them already.
    features : mapping of str to (N,) ndarray, optional
        Measurements by name, with the numbers of the nuclei in ``label``; what is a
        finite number becomes a measurement of QuPath.
    may_replace : bool
        Whether what is there is replaced.

    Raises
    ------
    LabelsError
        If the labels are no label images.
    OutputError
        If the file cannot be written, or is there and may not be replaced.

    References
    ----------
    GeoJSON, RFC 7946, doi:10.17487/RFC7946; QuPath's manual, "Exporting annotations".
    """
    rows = _rows_by_label(features)
    with (
        replacing(path, may_replace=may_replace) as part,
        part.open("w", encoding="utf-8") as file,
    ):
        file.write('{"type":"FeatureCollection","features":[')
        between = "\n"
        for nucleus in outlines or iter_outlines(labels, axes):
            measurements = _measurements(features, rows.get(nucleus.label))
            feature = _as_feature(nucleus, measurements)
            file.write(between)
            file.write(json.dumps(feature, separators=(",", ":"), allow_nan=False))
            between = ",\n"
        file.write("\n]}\n")


def _rows_by_label(features: Mapping[str, NDArray[Any]] | None) -> dict[int, int]:
    labels = [] if features is None else features["label"].tolist()
    return {label: row for row, label in enumerate(labels)}


def _measurements(
    features: Mapping[str, NDArray[Any]] | None, row: int | None
) -> dict[str, float]:
    """Return what is a number in a row of the table."""
    if features is None or row is None:
        return {}
    values = {
        name: column[row]
        for name, column in features.items()
        if name not in _NOT_MEASURED
    }
    return dict(_iter_numbers(values))


def _iter_numbers(values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        is_number = isinstance(value, int | float | np.number | np.bool_)
        if is_number and math.isfinite(value):
            number = float(value)
            yield name, int(number) if number.is_integer() else number


def _as_feature(
    nucleus: OutlinedNucleus, measurements: Mapping[str, float]
) -> dict[str, Any]:
    pieces = [_coordinates(polygon) for polygon in nucleus.polygons]
    geometry: dict[str, Any] = (
        {"type": "Polygon", "coordinates": pieces[0]}
        if len(pieces) == 1
        else {"type": "MultiPolygon", "coordinates": pieces}
    )
    if nucleus.place:
        plane = {"c": -1, "z": 0, "t": 0}
        geometry["plane"] = plane | {
            axis.lower(): place for axis, place in nucleus.place.items()
        }
    properties: dict[str, Any] = {
        "objectType": "detection",
        "name": str(nucleus.label),
    }
    if measurements:
        properties["measurements"] = measurements
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _coordinates(polygon: Polygon) -> list[list[list[int]]]:
    """Return closed rings of x and y, the outer one first."""
    rings = [ring[:, ::-1].tolist() for ring in (polygon.outer, *polygon.holes)]
    return [[*ring, ring[0]] for ring in rings]
