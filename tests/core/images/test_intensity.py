from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.images.channels import distinct_channels, to_channels
from napari_unet_nuclei.core.images.intensity import (
    fine_detail,
    intensity_limits,
    normalise,
)

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

rng = np.random.default_rng(0)


def test_limits_are_percentiles_over_all_channels() -> None:
    image = rng.normal(50, 20, (60, 70, 3)).astype(np.float32)
    low, high = intensity_limits(to_channels(image))
    assert (low, high) == pytest.approx(np.percentile(image, (0.1, 99.8)))


def test_a_grey_image_has_the_limits_of_its_colour_version() -> None:
    grey = rng.integers(0, 4000, (50, 60), np.uint16)
    colour = np.repeat(grey[..., np.newaxis], 3, axis=-1)
    grey_limits, colour_limits = (
        intensity_limits(to_channels(image)) for image in (grey, colour)
    )
    assert grey_limits == pytest.approx(colour_limits, rel=0.01)


def test_limits_of_a_large_image_come_from_a_sample_of_it() -> None:
    image = rng.integers(0, 4000, (2000, 1500), np.uint16)
    channels = to_channels(image)
    limits = intensity_limits(channels)
    assert limits == intensity_limits(channels)
    assert limits == intensity_limits(to_channels(image[::4, ::4]))
    assert limits == pytest.approx(np.percentile(image, (0.1, 99.8)), abs=10)


def test_limits_become_zero_and_one() -> None:
    channels = to_channels(np.array([[0, 10, 20, 30, 40]], np.uint16))
    scaled = normalise(channels, (10, 30))
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled[0, :, 0], [0, 0, 0.5, 1, 1])


def test_grey_stays_one_channel() -> None:
    grey = np.arange(12.0).reshape(3, 4)
    colour = np.repeat(grey[..., np.newaxis], 3, axis=-1)
    one, three = (normalise(to_channels(image), (2, 9)) for image in (grey, colour))
    np.testing.assert_array_equal(one, three)
    assert distinct_channels(one).shape == (3, 4, 1)
    assert distinct_channels(three).shape == (3, 4, 3)


@pytest.mark.parametrize("limits", [(3, 3), (4, 3), (np.nan, 3)])
def test_an_image_without_contrast_is_black(limits: tuple[Any, ...]) -> None:
    scaled = normalise(to_channels(np.full((2, 3), 3)), limits)
    assert scaled.shape == (2, 3, 3)
    assert not scaled.any()


@pytest.mark.parametrize("scale", [1e-44, 1e-38, 1e-30, 1, 1e30, 3e38])
def test_extreme_intensities_are_stretched_too(scale: float) -> None:
    image = np.array([[-1, -0.5, 0, 0.5, 1]] * 40, np.float32) * np.float32(scale)
    channels = to_channels(image)
    low, high = intensity_limits(channels)
    assert np.isfinite([low, high]).all()
    scaled = normalise(channels, (low, high))
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[0, :, 0], [0, 0.25, 0.5, 0.75, 1], atol=0.1)


def test_a_single_extreme_pixel_is_clipped() -> None:
    image = np.linspace(0, 1e-20, 10_000, dtype=np.float32).reshape(100, 100)
    image[3, 4] = 3e38
    channels = to_channels(image)
    scaled = normalise(channels, intensity_limits(channels))[..., 0]
    assert scaled[3, 4] == 1
    assert scaled[50, 0] == pytest.approx(0.5, abs=0.01)


@given(
    image=hnp.arrays(
        st.sampled_from([np.uint8, np.int16, np.uint16, np.float32]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=8),
        elements={"min_value": 0, "max_value": 200},
    )
)
@settings(max_examples=60, deadline=None)
def test_normalised_values_keep_their_order_and_their_place(image: Any) -> None:
    channels = to_channels(image)
    limits = intensity_limits(channels)
    scaled = normalise(channels, limits)
    assert scaled.dtype == np.float32
    assert scaled.min() >= 0
    assert scaled.max() <= 1
    order = np.argsort(image.ravel(), kind="stable")
    assert (np.diff(scaled[..., 0].ravel()[order]) >= 0).all()
    # A tile is normalised like the image it is cut from.
    np.testing.assert_array_equal(normalise(channels[1:, 1:], limits), scaled[1:, 1:])


def detail_of(image: NDArray[Any]) -> float:
    channels = to_channels(image)
    return fine_detail(channels, intensity_limits(channels))


def test_a_sharp_image_has_finer_detail_than_the_same_enlarged() -> None:
    sharp = np.random.default_rng(0).random((120, 150))
    details = [detail_of(np.kron(sharp, np.ones((n, n)))) for n in (1, 4, 16)]
    assert details[0] > details[1] > details[2]


def test_detail_does_not_depend_on_brightness_or_colour() -> None:
    image = np.random.default_rng(0).integers(0, 200, (80, 90), np.uint16)
    detail = detail_of(image)
    assert detail_of(image * 7 + 300) == pytest.approx(detail, rel=1e-3)
    assert detail_of(np.dstack([image] * 3)) == pytest.approx(detail, rel=1e-6)


def test_a_slope_is_no_detail() -> None:
    assert detail_of(np.arange(100) * np.ones((100, 1))) < 0.02


def test_detail_of_a_large_image_comes_from_a_sample_of_it() -> None:
    tile = np.random.default_rng(0).random((50, 61))
    assert detail_of(np.tile(tile, (30, 30))) == pytest.approx(detail_of(tile), rel=0.1)


@pytest.mark.parametrize("shape", [(1, 1), (6, 90), (90, 90)])
def test_an_even_or_tiny_image_has_no_detail(shape: tuple[int, ...]) -> None:
    assert detail_of(np.ones(shape)) == 0
    if min(shape) < 7:
        assert detail_of(np.random.default_rng(0).random(shape)) == 0
