from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.images.staining import Staining, staining

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


def colours(red: int, green: int, blue: int) -> np.ndarray:
    return np.full((4, 5, 3), (red, green, blue), np.uint8)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (colours(20, 20, 20), Staining.GRAYSCALE_DARK),
        (colours(99, 99, 99), Staining.GRAYSCALE_DARK),
        (colours(100, 100, 100), Staining.GRAYSCALE_BRIGHT),
        (colours(120, 120, 123), Staining.GRAYSCALE_BRIGHT),
        (colours(120, 120, 124), Staining.STAINED_BRIGHT),
        (colours(40, 10, 60), Staining.STAINED_DARK),
        (colours(10, 10, 10)[..., 0], Staining.GRAYSCALE_DARK),
        (np.zeros((4, 5), bool), Staining.GRAYSCALE_DARK),
    ],
)
def test_staining_is_told_from_the_pixels(
    image: NDArray[Any], expected: Staining
) -> None:
    assert staining(image) is expected


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_staining_does_not_depend_on_the_bit_depth(dtype: type[Any]) -> None:
    for red in 30, 130:
        image = colours(red, red, red)
        image[0, 0] = 255
        assert staining(image.astype(dtype) * dtype(16)) is staining(image)


@pytest.mark.parametrize("value", [0, -3])
def test_a_black_image_is_dark_at_any_depth(value: int) -> None:
    assert staining(np.full((4, 5), value, np.int16)) is Staining.GRAYSCALE_DARK
    assert staining(np.full((4, 5), value, np.float32)) is Staining.GRAYSCALE_DARK
