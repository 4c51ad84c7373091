"""Every kind of ImageJ's ROIs that has an area, and those that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import roifile
from roifile import ROI_OPTIONS, ROI_SUBTYPE, ROI_TYPE

from napari_unet_nuclei.core.files.outline_labels import PaintedOutlines, paint_outlines
from napari_unet_nuclei.core.files.outline_reading import read_outlines

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHAPE = (40, 50)
SUB_PIXEL = ROI_OPTIONS.SUB_PIXEL_RESOLUTION
CORNERS = np.array([(5, 6), (15, 6), (15, 21), (5, 21)])  # x and y


def paint(
    roi: Any, shape: tuple[int, ...] = SHAPE, axes: str = "YX"
) -> PaintedOutlines:
    return paint_outlines(read_outlines(roi.tobytes(), "a.roi"), shape, axes)


def box(kind: ROI_TYPE, **fields: Any) -> Any:
    roi = roifile.ImagejRoi()
    roi.roitype, roi.left, roi.top, roi.right, roi.bottom = kind, 5, 6, 15, 21
    for name, value in fields.items():
        setattr(roi, name, value)
    return roi


def centres() -> tuple[NDArray[Any], NDArray[Any]]:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    return y, x


def rectangle() -> NDArray[np.bool_]:
    y, x = centres()
    return (y > 6) & (y < 21) & (x > 5) & (x < 15)


@pytest.mark.parametrize("kind", [ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED])
def test_lines_around(kind: ROI_TYPE) -> None:
    roi = roifile.ImagejRoi.frompoints(CORNERS)
    roi.roitype = kind
    np.testing.assert_array_equal(paint(roi).labels, rectangle())


def test_rectangle() -> None:
    np.testing.assert_array_equal(paint(box(ROI_TYPE.RECT)).labels, rectangle())


def test_oval() -> None:
    y, x = centres()
    inside = ((y - 13.5) / 7.5) ** 2 + ((x - 10) / 5) ** 2 < 1
    np.testing.assert_array_equal(paint(box(ROI_TYPE.OVAL)).labels, inside)


def test_rounded_rectangle() -> None:
    labels = paint(box(ROI_TYPE.RECT, rounded_rect_arc_size=8)).labels
    y, x = centres()
    beyond = np.hypot(
        np.maximum(abs(y - 13.5) - 3.5, 0), np.maximum(abs(x - 10) - 1, 0)
    )
    np.testing.assert_array_equal(labels, beyond < 4)


@pytest.mark.parametrize("kind", [ROI_TYPE.RECT, ROI_TYPE.OVAL])
def test_boxes_between_pixels(kind: ROI_TYPE) -> None:
    roi = box(kind, options=SUB_PIXEL, xd=5.7, yd=6.2, widthd=8.2, heightd=11.1)
    y, x = centres()
    inside = (x > 5.7) & (x < 13.9) & (y > 6.2) & (y < 17.3)
    if kind == ROI_TYPE.OVAL:
        inside = ((x - 9.8) / 4.1) ** 2 + ((y - 11.75) / 5.55) ** 2 < 1
    np.testing.assert_array_equal(paint(roi).labels, inside)


def test_corners_between_pixels() -> None:
    corners = np.array([(5.6, 6.2), (12.4, 6.2), (12.4, 9.9), (5.6, 9.9)], np.float32)
    y, x = centres()
    inside = (x > 5.6) & (x < 12.4) & (y > 6.2) & (y < 9.9)
    roi = roifile.ImagejRoi.frompoints(corners)
    np.testing.assert_array_equal(paint(roi).labels, inside)


def composite(*path: float) -> Any:
    coordinates = np.array(path, np.float32)
    return box(
        ROI_TYPE.RECT, multi_coordinates=coordinates, shape_roi_size=len(coordinates)
    )


def test_composite_with_a_hole_and_a_piece() -> None:
    outer = [0, 5, 6, 1, 15, 6, 1, 15, 21, 1, 5, 21, 4]
    hole = [0, 7, 8, 1, 7, 10, 1, 9, 10, 1, 9, 8, 4]
    piece = [0, 30, 30, 1, 33, 30, 1, 33, 33, 1, 30, 33]  # not closed
    expected = rectangle()
    expected[8:10, 7:9] = False
    expected[30:33, 30:33] = True
    roi = composite(*outer, *hole, *piece)
    np.testing.assert_array_equal(paint(roi).labels, expected)


def test_composite_of_curves() -> None:
    """A circle of Java: four cubic curves; then a quadratic one."""
    k = 0.5522847498 * 10
    circle = [0, 30, 20]
    for x, y in ((0, 1), (-1, 0), (0, -1), (1, 0)):
        before = (y, -x)
        end = 20 + 10 * x, 20 + 10 * y
        start = 20 + 10 * before[0], 20 + 10 * before[1]
        circle += [3, start[0] + k * x, start[1] + k * y]
        circle += [end[0] + k * before[0], end[1] + k * before[1], *end]
    y, x = centres()
    labels = paint(composite(*circle, 4)).labels
    np.testing.assert_array_equal(labels, np.hypot(y - 20, x - 20) < 10)
    arch = paint(composite(0, 5, 20, 2, 15, 0, 25, 20, 4)).labels
    assert abs(np.count_nonzero(arch) - 2 / 3 * 20 * 10) < 5


@pytest.mark.parametrize(
    "path", [(1, 3, 3, 4), (0, 3, 3, 1, 4), (9, 3, 3), (0, 1, 1, 1, 2, 2, 4)]
)
def test_composite_that_is_damaged(path: tuple[float, ...]) -> None:
    with pytest.raises(Exception, match="cannot be read"):
        paint(composite(*path))


@pytest.mark.parametrize(
    "roi",
    [
        box(ROI_TYPE.LINE),
        box(ROI_TYPE.RECT, subtype=ROI_SUBTYPE.TEXT, text="nucleus"),
    ],
)
def test_no_area(roi: Any) -> None:
    painted = paint(roi)
    assert not painted.labels.any()
    assert painted.notes == (
        "Lines, points, text or pictures, which have no area, so left out: object 1.",
    )


@pytest.mark.parametrize(
    "kind", [ROI_TYPE.POLYLINE, ROI_TYPE.FREELINE, ROI_TYPE.ANGLE, ROI_TYPE.POINT]
)
def test_open_lines_and_points(kind: ROI_TYPE) -> None:
    roi = roifile.ImagejRoi.frompoints(CORNERS)
    roi.roitype = kind
    test_no_area(roi)


def test_a_spline_says_so() -> None:
    roi = roifile.ImagejRoi.frompoints(CORNERS)
    roi.options |= ROI_OPTIONS.SPLINE_FIT
    (note,) = paint(roi).notes
    assert note.startswith("Splines, of which")


def test_places_in_stacks() -> None:
    shape = (3, 2, *SHAPE)
    for fields, planes in (
        ({"t_position": 3, "z_position": 2}, {(2, 1)}),
        ({"t_position": 2}, {(1, 0), (1, 1)}),
        ({"z_position": 1}, {(0, 0), (1, 0), (2, 0)}),
        ({}, set(np.ndindex(3, 2))),
        ({"position": 2, "c_position": 1}, set(np.ndindex(3, 2))),
    ):
        labels = paint(box(ROI_TYPE.RECT, **fields), shape, "TZYX").labels
        assert {place for place in np.ndindex(3, 2) if labels[place].any()} == planes
    labels = paint(box(ROI_TYPE.RECT, position=3), (4, *SHAPE), "ZYX").labels
    assert np.flatnonzero(labels.any(axis=(1, 2))).tolist() == [2]
    labels = paint(box(ROI_TYPE.RECT, position=3), (4, *SHAPE), "TYX").labels
    assert np.flatnonzero(labels.any(axis=(1, 2))).tolist() == [2]
