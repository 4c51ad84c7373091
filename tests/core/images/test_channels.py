from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.images.channels import to_channels

if TYPE_CHECKING:
    from typing import Any

rng = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1)])
def test_grey_is_repeated_without_a_copy(dtype: str, shape: tuple[int, ...]) -> None:
    image = rng.integers(0, 100, shape).astype(dtype)
    channels = to_channels(image)
    assert channels.shape == (4, 5, 3)
    assert channels.dtype == image.dtype
    assert np.shares_memory(channels, image)
    for channel in range(3):
        np.testing.assert_array_equal(channels[..., channel], image.reshape(4, 5))


@pytest.mark.parametrize("n_channels", [3, 4])
def test_colour_stays_and_alpha_goes(n_channels: int) -> None:
    image = rng.integers(0, 255, (4, 5, n_channels), np.uint8)
    np.testing.assert_array_equal(to_channels(image), image[..., :3])


def test_masks_become_numbers() -> None:
    channels = to_channels(np.eye(3, dtype=bool))
    assert channels.dtype == np.uint8
    np.testing.assert_array_equal(channels[..., 0], np.eye(3))


def test_lists_are_images_too() -> None:
    assert to_channels([[1, 2], [3, 4]]).shape == (2, 2, 3)  # type: ignore[arg-type]


def test_what_is_not_finite_becomes_the_smallest_value() -> None:
    image = np.array([[np.nan, -2.0], [np.inf, 7.0]], np.float32)
    channels = to_channels(image)
    assert channels.dtype == np.float32
    np.testing.assert_array_equal(channels[..., 0], [[-2, -2], [-2, 7]])
    assert np.isnan(image[0, 0])
    assert not to_channels(np.full((2, 2), np.nan)).any()


def test_what_single_precision_cannot_hold_is_not_finite() -> None:
    channels = to_channels(np.array([[1e200, 3.0], [-1e39, 1.0]]))
    np.testing.assert_array_equal(channels[..., 0], [[1, 3], [1, 1]])
    half = to_channels(np.array([[60000, 1]], np.float16))
    assert half.dtype == np.float16
    assert half.max() == 60000


@pytest.mark.parametrize("shape", [(), (5,), (4, 5, 2), (4, 5, 5), (2, 4, 5, 3)])
def test_shapes_that_are_no_image_are_refused(shape: tuple[Any, ...]) -> None:
    with pytest.raises(ImageError, match=r"shape \(Y, X\).*name the axes of a stack"):
        to_channels(np.zeros(shape))


@pytest.mark.parametrize("shape", [(0, 5), (4, 0, 3)])
def test_images_without_pixels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="at least one pixel"):
        to_channels(np.zeros(shape))


@pytest.mark.parametrize("dtype", ["c8", "U1", "O", "M8[s]"])
def test_dtypes_that_are_no_numbers_are_refused(dtype: str) -> None:
    with pytest.raises(ImageError, match=r"integers or real numbers.*dtype"):
        to_channels(np.zeros((2, 2), dtype))
