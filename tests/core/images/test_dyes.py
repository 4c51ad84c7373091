"""Dyes in transmitted light."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.images.dyes import (
    DAB,
    EOSIN,
    HEMATOXYLIN,
    dye_matrix,
    optical_density,
    random_dyes,
)


def test_density_is_zero_where_all_light_passes_and_adds_up() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.uniform(0.3, 1, (2, 4, 5, 3)).astype(np.float32)
    np.testing.assert_array_equal(optical_density(np.ones((2, 2, 3), np.float32)), 0)
    np.testing.assert_allclose(
        optical_density(one * other),
        optical_density(one) + optical_density(other),
        atol=1e-5,
    )
    assert np.isfinite(optical_density(np.zeros((2, 2, 3), np.float32))).all()


@pytest.mark.parametrize("other", [EOSIN, DAB])
def test_dyes_can_be_separated(other: tuple[float, float, float]) -> None:
    dyes = dye_matrix(HEMATOXYLIN, other)
    np.testing.assert_allclose(np.linalg.norm(dyes, axis=1), 1, atol=1e-6)
    amounts = np.array([0.7, 0.4, 0], np.float32)
    np.testing.assert_allclose(amounts @ dyes @ np.linalg.inv(dyes), amounts, atol=1e-5)


def test_random_dyes_differ_and_have_two_hues() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([random_dyes(rng) for _ in range(100)])
    cosines = np.einsum("nc,nc->n", drawn[:, 0], drawn[:, 1])
    assert cosines.max() < 0.9
    assert (drawn[:, :2] > 0).all()
    assert drawn[:, 0].std(axis=0).min() > 0.03
    again = random_dyes(np.random.default_rng(0))
    np.testing.assert_array_equal(again, drawn[0])
