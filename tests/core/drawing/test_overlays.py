from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.drawing.overlays import (
    add_outlines,
    dim,
    draw_outlines,
    draw_side_by_side,
    find_outlines,
    stretch,
    write_png,
)
from napari_unet_nuclei.core.errors import ImageError, LabelsError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any


def square() -> np.ndarray:
    labels = np.zeros((8, 8), np.int32)
    labels[1:7, 1:7] = 1
    return labels


def test_outlines_are_coloured_and_all_else_stays_grey() -> None:
    image = np.arange(64, dtype=np.uint16).reshape(8, 8)
    overlay = draw_outlines(image, square())
    assert (overlay.dtype, overlay.shape) == (np.uint8, (8, 8, 3))
    outline = square().astype(bool)
    outline[2:6, 2:6] = False
    is_coloured = np.ptp(overlay, axis=-1) > 0
    np.testing.assert_array_equal(is_coloured, outline)
    assert (overlay.min(), overlay.max()) == (0, 255)


def test_each_of_two_touching_nuclei_has_its_own_outline() -> None:
    labels = np.repeat([[1, 1, 1, 2, 2, 2]], 6, axis=0)
    overlay = draw_outlines(np.zeros((6, 6)), labels)
    is_coloured = (overlay > 0).any(axis=-1)
    assert is_coloured[3].tolist() == [False, False, True, True, False, False]
    assert (overlay[3, 2] != overlay[3, 3]).any()


def test_neighbouring_labels_have_bright_colours_that_differ() -> None:
    labels = np.zeros((3, 60), np.int32)
    labels[1, 1::2] = np.arange(1, 31)
    colours = draw_outlines(np.zeros((3, 60)), labels)[1, 1::2].astype(int)
    assert (colours.max(axis=-1) == 255).all()
    assert np.abs(np.diff(colours, axis=0)).sum(axis=-1).min() > 150


def test_colour_images_keep_their_colours_inside() -> None:
    image = np.zeros((8, 8, 4), np.uint8)
    image[..., 0], image[..., 3] = 200, 255
    assert draw_outlines(image, square())[4, 4].tolist() == [255, 0, 0]


def test_input_is_left_as_it_is() -> None:
    image, labels = draw_nuclei(0, (64, 64), 3)
    before = image.copy(), labels.copy()
    draw_outlines(image, labels)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(labels, before[1])


def test_no_nuclei_leave_the_image_grey() -> None:
    overlay = draw_outlines(np.eye(8), np.zeros((8, 8), int))
    assert (np.ptp(overlay, axis=-1) == 0).all()


@pytest.mark.parametrize("draw", [draw_outlines, draw_side_by_side])
def test_labels_must_be_as_large_as_the_image(draw: Callable[..., Any]) -> None:
    with pytest.raises(LabelsError, match=r"labels \(8, 8\), image \(8, 9\)"):
        draw(np.zeros((8, 9)), square())


def test_image_and_prediction_stand_side_by_side() -> None:
    image, labels = draw_nuclei(0, (400, 300), 9)
    picture = draw_side_by_side(image, labels)
    assert (picture.dtype, picture.shape) == (np.uint8, (400, 2 * 300 + 8, 3))
    np.testing.assert_array_equal(picture[:, :300], stretch(image))
    assert (picture[:, 300:308] == 255).all()
    found = picture[:, 308:]
    is_coloured = np.ptp(found, axis=-1) > 0
    np.testing.assert_array_equal(is_coloured, find_outlines(labels))
    np.testing.assert_array_equal(
        found[~is_coloured], dim(stretch(image))[~is_coloured]
    )


def test_small_images_are_enlarged_side_by_side() -> None:
    image, labels = draw_nuclei(0, (128, 160), 9)
    picture = draw_side_by_side(image, labels)
    assert picture.shape == (4 * 128, 2 * 4 * 160 + 8, 3)
    np.testing.assert_array_equal(picture[::4, : 4 * 160 : 4], stretch(image))
    found = picture[:, 4 * 160 + 8 :]
    large = labels.repeat(4, axis=0).repeat(4, axis=1)
    np.testing.assert_array_equal(np.ptp(found, axis=-1) > 0, find_outlines(large, 2))


def test_a_coloured_image_keeps_its_colours_on_the_left_alone() -> None:
    image = np.zeros((800, 800, 3), np.uint8)
    image[:400, :, 0] = 200
    picture = draw_side_by_side(image, np.zeros((800, 800), int))
    assert picture[0, 0].tolist() == [255, 0, 0]
    assert picture[0, -1].tolist() == [55, 55, 55]  # 255 / 3, dimmed


def test_outlines_are_as_deep_as_asked_and_stay_inside() -> None:
    labels = square()
    for width in (1, 2, 3):
        inside = labels[1 + width : 7 - width, 1 + width : 7 - width]
        outlines = find_outlines(labels, width)
        assert outlines.sum() == 36 - inside.size
        assert not outlines[labels == 0].any()


def test_outlines_are_drawn_on_the_picture_itself() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    add_outlines(picture, square(), width=2)
    np.testing.assert_array_equal(picture.any(axis=-1), find_outlines(square(), 2))


def test_stacks_are_refused() -> None:
    with pytest.raises(ImageError, match="shape"):
        draw_outlines(np.zeros((5, 8, 8, 3)), square())


def test_png_holds_the_picture(tmp_path: Path) -> None:
    overlay = draw_outlines(*draw_nuclei(0, (64, 80), 3))
    write_png(tmp_path / "overlay.png", overlay)
    with Image.open(tmp_path / "overlay.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), overlay)


def test_png_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"overlay\.png"):
        write_png(tmp_path / "file" / "overlay.png", np.zeros((2, 2, 3), np.uint8))
