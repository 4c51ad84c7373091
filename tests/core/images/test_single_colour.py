from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.images.single_colour import single_colour_as_grey

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

GREY, _ = draw_nuclei(0, (200, 220), 12)


def in_colour(red: Any, green: Any, blue: Any, offset: Any = 0) -> Any:
    light = GREY[..., np.newaxis].astype(float) * (red, green, blue) + offset
    return light.round().astype(np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        in_colour(0, 0, 1),
        in_colour(0, 0.9, 0),
        in_colour(0.2, 0.5, 1),
        in_colour(0.6, 0.6, 0.6),
        in_colour(0.1, 0, 0.8, offset=20),
    ],
    ids=["blue", "green", "azure", "grey", "magenta on a veil"],
)
def test_one_colour_becomes_its_strongest_channel(image: NDArray[Any]) -> None:
    channels = single_colour_as_grey(image)
    strongest = image[..., np.argmax(np.ptp(image, axis=(0, 1)))]
    assert channels.dtype == image.dtype
    for channel in range(3):
        np.testing.assert_array_equal(channels[..., channel], strongest)


def two_dyes() -> Any:
    image = in_colour(0, 0, 1)
    image[..., 0] = GREY[::-1]
    return image


@pytest.mark.parametrize(
    "image",
    [two_dyes(), 255 - in_colour(0.3, 0.8, 0.5), np.full((9, 9, 3), 7, np.uint8)],
    ids=["two dyes", "a stain on white", "nothing"],
)
def test_other_colours_stay(image: NDArray[Any]) -> None:
    assert single_colour_as_grey(image) is image


def test_extreme_values_are_left_alone() -> None:
    image = np.zeros((30, 30, 3))
    image[3:9, 3:9] = 1e308, -1e308, 0
    assert single_colour_as_grey(image) is image
