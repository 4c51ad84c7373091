from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei import load_model
from napari_unet_nuclei.core.instances.maps import Maps
from napari_unet_nuclei.core.segmentation.scale_policy import DEFAULT_SCALE_POLICY

if TYPE_CHECKING:
    from numpy.typing import NDArray

POLICY = DEFAULT_SCALE_POLICY
FIRST, SECOND = POLICY.coarse_scales
BLURRED, SHARP, EVEN = 0.1, 0.3, 0.0


def maps_with(confidence: float, scale: float = 1.0) -> Maps:
    """Maps of a network that is as confident as this, 0 where it sees nothing."""
    probability = (1 + confidence) / 2 if confidence else 0.0
    return Maps(np.full((40, 40), probability, np.float32), scale=scale)


@pytest.mark.parametrize(
    ("confidence", "detail", "first", "second"),
    [
        (0.5, EVEN, False, False),
        (0.5, BLURRED, True, True),
        (0.7, BLURRED, True, False),
        (0.9, BLURRED, False, False),
        (0.0, BLURRED, True, False),
        (0.5, SHARP, True, True),
        (0.7, SHARP, False, False),
        (0.0, SHARP, False, False),
    ],
)
def test_coarse_passes_are_for_where_the_network_is_in_doubt(
    confidence: float, detail: float, first: bool, second: bool
) -> None:
    maps = maps_with(confidence)
    assert POLICY.needs_coarse_pass(maps, FIRST, detail) == first
    assert POLICY.needs_coarse_pass(maps, SECOND, detail) == second


@pytest.mark.parametrize(
    ("scale", "detail", "gain", "expected"),
    [
        (FIRST, BLURRED, 0.04, False),
        (FIRST, BLURRED, 0.06, True),
        (FIRST, SHARP, 0.14, False),
        (FIRST, SHARP, 0.16, True),
        (SECOND, BLURRED, 0.14, False),
        (SECOND, SHARP, 0.16, True),
    ],
)
def test_a_coarse_pass_that_may_show_clumps_must_gain_more(
    scale: float, detail: float, gain: float, expected: bool
) -> None:
    coarse = maps_with(0.5 + gain, scale)
    assert POLICY.prefers(coarse, maps_with(0.5), detail) == expected


def textured_disc(
    spot: float, contrast: float, diameter: int = 300
) -> NDArray[np.uint8]:
    """Draw a huge nucleus, sharp enough to show its chromatin."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:512, :512]
    texture = sum(
        weight * ndimage.gaussian_filter(rng.normal(size=(512, 512)), sigma)
        for weight, sigma in ((1, spot), (2.8, 4 * spot))
    )
    texture /= texture.std()
    inside = np.clip(diameter / 2 - np.hypot(y - 256, x - 256), 0, 1)
    image = 10 + inside * np.clip(110 * (1 + contrast * texture), 10, None)
    noisy = image + rng.normal(0, 3, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("spot", "contrast"), [(1.5, 0.5), (2, 0.3), (3, 0.5)])
def test_a_huge_sharp_nucleus_is_whole(spot: float, contrast: float) -> None:
    labels = load_model("resnet").segment(textured_disc(spot, contrast))
    areas = np.bincount(labels.ravel())[1:]
    assert areas.size <= 2
    assert areas.max() == pytest.approx(np.pi / 4 * 300**2, rel=0.1)


def specks(confidence: float) -> Maps:
    """Maps of dots far smaller than a model knows."""
    maps = maps_with(0)
    maps.foreground[4::10, 4::10] = maps.foreground[4::10, 5::10] = (1 + confidence) / 2
    return maps


@pytest.mark.parametrize(("confidence", "expected"), [(0.7, 4.0), (0.4, None)])
def test_tiny_nuclei_are_enlarged_unless_the_network_does_not_believe_in_them(
    confidence: float, expected: float | None
) -> None:
    assert POLICY.better_scale(specks(confidence), typical=20) == expected


@pytest.mark.parametrize("model", ["resnet", "classic"])
def test_there_are_no_nuclei_in_noise(model: str) -> None:
    noise = np.random.default_rng(0).normal(100, 8, (400, 400)).astype(np.uint16)
    assert load_model(model).segment(noise).max() == 0
