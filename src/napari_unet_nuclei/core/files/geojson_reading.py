"""Outlines in GeoJSON, as QuPath and others write them.

They are written in ``geojson``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files.stored_outlines import (
    ObjectNotes,
    StoredOutline,
    StoredOutlines,
)
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_DAMAGED = "Damaged, so left out"
_NO_AREA = "Points, lines or nothing, which have no area, so left out"
_ANNOTATION = "Annotations beside detections, so left out"
_CELL = "Cells, of which the nucleus was read"
_DETECTIONS = {"detection", "cell"}
_FEWEST_CORNERS = 3


def read_geojson(content: bytes, name: str) -> StoredOutlines:
    """Return the polygons in GeoJSON.

    Parameters
    ----------
    content : bytes
        A FeatureCollection, a list of features, one feature, or a bare geometry.
    name : str
        What messages call the file.

    Returns
    -------
    StoredOutlines
        Of polygons and multi-polygons, with holes.  Of a cell of QuPath, the nucleus;
        annotations only where there are no detections.

    Raises
    ------
    LabelsError
        If it is no GeoJSON.

    References
    ----------
    RFC 7946, doi:10.17487/RFC7946.
    """
    try:
        features = _find_features(json.loads(content))
    except DECODING_ERRORS as error:
        raise _no_geojson(name, error) from error
    if features is None:
        raise _no_geojson(name, "JSON of another kind")
    notes = ObjectNotes()
    has_detections = any(_object_type(each) in _DETECTIONS for each in features)
    outlines = []
    for number, feature in enumerate(features, 1):
        if has_detections and _object_type(feature) == "annotation":
            notes.add(_ANNOTATION, number)
            continue
        try:
            outline = _as_outline(feature, number, notes)
        except DECODING_ERRORS:
            notes.add(_DAMAGED, number)
            continue
        if outline.pieces:
            outlines.append(outline)
        else:
            notes.add(_NO_AREA, number)
    return StoredOutlines(outlines=tuple(outlines), notes=notes.sentences())


def _no_geojson(name: str, reason: object) -> LabelsError:
    return LabelsError(
        f"Expected outlines as GeoJSON. Received: {name}, which holds none: {reason}. "
        "Export the objects again, as a FeatureCollection."
    )


def _find_features(content: Any) -> list[Any] | None:
    if isinstance(content, list):
        return content
    if not isinstance(content, dict):
        return None
    if isinstance(content.get("features"), list):
        return list(content["features"])
    is_one = "geometry" in content or "coordinates" in content
    return [content] if is_one or "geometries" in content else None


def _object_type(feature: Any) -> str | None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict):
        return None
    # QuPath called it object_type before version 0.3.
    kind = properties.get("objectType", properties.get("object_type"))
    return kind if isinstance(kind, str) else None


def _as_outline(feature: Any, number: int, notes: ObjectNotes) -> StoredOutline:
    geometry = feature.get("geometry", feature)
    if isinstance(feature.get("nucleusGeometry"), dict):
        notes.add(_CELL, number)
        geometry = feature["nucleusGeometry"]
    properties = feature.get("properties") or {}
    return StoredOutline(
        number=number,
        name=str(properties.get("name", "")),
        pieces=tuple(_iter_pieces(geometry or {})),
        place=_place((geometry or {}).get("plane") or {}),
    )


def _place(plane: Any) -> dict[str, int]:
    """Return the plane; without one, QuPath means the first."""
    place = {axis: int(plane.get(axis.lower(), 0)) for axis in "TZ"}
    if min(place.values()) < 0:
        raise ValueError(f"plane {place}")
    return place


def _iter_pieces(geometry: Any) -> Iterator[tuple[NDArray[np.float64], ...]]:
    match geometry.get("type"):
        case "Polygon":
            yield _rings(geometry["coordinates"])
        case "MultiPolygon":
            yield from map(_rings, geometry["coordinates"])
        case "GeometryCollection":
            for each in geometry["geometries"]:
                yield from _iter_pieces(each)


def _rings(coordinates: Sequence[Any]) -> tuple[NDArray[np.float64], ...]:
    """Return the rings of a polygon, of which the last corner repeats the first."""
    rings = []
    for points in coordinates:
        ring = np.array([point[:2] for point in points], np.float64)[:, ::-1]
        if not np.isfinite(ring).all():
            raise ValueError("a coordinate that is no number")
        if np.array_equal(ring[0], ring[-1]):
            ring = ring[:-1]
        if len(ring) < _FEWEST_CORNERS:
            raise ValueError(f"a ring of {len(ring)} corners")
        rings.append(ring)
    if not rings:
        raise ValueError("a polygon without rings")
    return tuple(rings)
