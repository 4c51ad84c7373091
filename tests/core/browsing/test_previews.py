"""Small pictures of all kinds of images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet_nuclei.core.browsing.previews import make_preview
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.images.staining import Staining
from napari_unet_nuclei.core.images.stored_image import StoredImage


@pytest.mark.parametrize(
    ("shape", "axes", "size", "picture"),
    [
        ((100, 200), None, "200 × 100", (32, 64, 3)),
        ((400, 300, 3), None, "300 × 400", (64, 48, 3)),
        ((5, 40, 80), None, "80 × 40, 5 planes", (32, 64, 3)),
        ((5, 40, 80), "ZYX", "80 × 40, 5 z", (32, 64, 3)),
        ((2, 3, 50, 50), "TCYX", "50 × 50, 2 t, 3 channels", (50, 50, 3)),
        ((2, 50, 40, 3), "ZYXS", "40 × 50, 2 z", (50, 40, 3)),
        ((10, 10, 3), "YXS", "10 × 10", (10, 10, 3)),
    ],
)
def test_size_and_picture(
    shape: tuple[int, ...], axes: str | None, size: str, picture: tuple[int, ...]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 4000, shape, np.uint16)
    preview = make_preview(StoredImage(pixels, axes), 64)
    assert preview.size == size
    assert preview.picture.shape == picture
    assert preview.picture.dtype == np.uint8
    assert preview.picture.min() < 60
    assert preview.picture.max() > 190


def test_the_staining_is_that_of_the_image() -> None:
    pixels = np.zeros((1000, 1200), np.uint8)
    pixels[300:400, 200:500] = 200
    preview = make_preview(StoredImage(pixels))
    assert preview.staining is Staining.GRAYSCALE_DARK
    assert preview.picture.max() == 255


@pytest.mark.parametrize(
    ("pixels", "sentence"),
    [
        (np.zeros(7), "a height and a width"),
        (np.zeros((4, 4), complex), "real numbers"),
    ],
)
def test_what_is_no_picture_is_refused(pixels: Any, sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence):
        make_preview(StoredImage(pixels))
