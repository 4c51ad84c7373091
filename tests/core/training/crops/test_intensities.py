from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core.training.crops import intensities
from napari_unet_nuclei.core.training.crops.intensities import (
    augment_exposure,
    augment_intensity,
)

if TYPE_CHECKING:
    from typing import Any


@given(seed=st.integers(0, 100_000), level=st.sampled_from([0.0, 0.3, 1.0]))
@settings(max_examples=60, deadline=None)
def test_exposure_changes_within_the_range(seed: int, level: Any) -> None:
    rng = np.random.default_rng(seed)
    image = (rng.random((9, 8, 3), np.float32) > 0.5) * np.float32(level)
    before = image.copy()
    changed = augment_exposure(image, rng)
    assert changed.dtype == np.float32
    assert changed.min() >= 0
    assert changed.max() <= 1
    bright, dark = before > 0, before == 0
    if level and bright.any() and dark.any():
        # Nothing is inverted, though something dim may be lost.
        assert changed[bright].mean() >= changed[dark].mean()


@given(seed=st.integers(0, 100_000), level=st.sampled_from([0.0, 0.3, 1.0]))
@settings(max_examples=100, deadline=None)
def test_looks_change_within_the_range(seed: int, level: Any) -> None:
    rng = np.random.default_rng(seed)
    image = (rng.random((9, 8, 3), np.float32) > 0.5) * np.float32(level)
    changed = augment_intensity(image, rng)
    assert changed.shape == image.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_looks_differ_from_crop_to_crop() -> None:
    image = np.random.default_rng(0).random((9, 8, 3), np.float32)
    rng = np.random.default_rng(1)
    changed = [augment_intensity(image.copy(), rng) for _ in range(50)]
    assert len({each.tobytes() for each in changed}) > 40
    assert any(
        each.std() > 0 and np.ptp(each, axis=-1).max() < 1e-6 for each in changed
    )


@given(seed=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_another_stain_leaves_grey_and_white_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grey = np.repeat(rng.random((5, 6, 1), np.float32), 3, axis=-1)
    grey[0] = 1
    colour = rng.random((5, 6, 3), np.float32)
    stained = [intensities._change_stain(each, rng) for each in (grey, colour)]
    np.testing.assert_allclose(stained[0], grey, atol=1e-3)
    assert np.abs(stained[1] - colour).max() > 0.01
    for image in stained:
        assert image.dtype == np.float32
        assert image.min() >= 0
        assert image.max() <= 1


class GreyInvertGamma:
    """A source of randomness that chooses these three changes, and no other."""

    def __init__(self) -> None:
        self._chances = iter([1, 0, 1, 0, 1, 0, 1, 1, 1, 1])

    def random(self) -> float:
        return next(self._chances)

    def uniform(self, low: float, high: float) -> float:
        return high / 2

    def dirichlet(self, alpha: np.ndarray) -> np.ndarray:
        # In single precision these sum to a little more than 1.
        return np.random.default_rng(704).dirichlet(alpha)


def test_a_saturated_crop_stays_finite() -> None:
    crop = np.ones((16, 16, 3), np.float32)
    assert np.isfinite(augment_intensity(crop, GreyInvertGamma())).all()


class OnlyRounding:
    """A source of randomness that rounds to the fewest levels and does nothing else."""

    def __init__(self) -> None:
        self._chances = iter([1] * 9 + [0])

    def random(self) -> float:
        return next(self._chances)

    def uniform(self, low: float, high: float) -> np.float64:
        return np.float64(low)


def test_a_crop_may_be_rounded_to_few_levels() -> None:
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32)[:, None], (1, 8))
    crop = np.repeat(ramp[..., None], 3, axis=-1)
    rounded = augment_intensity(crop.copy(), OnlyRounding())
    assert rounded.dtype == np.float32
    assert len(np.unique(rounded)) == 7
    np.testing.assert_allclose(rounded, crop, atol=1 / 12 + 1e-6)
