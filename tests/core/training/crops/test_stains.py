"""Stained crops in other dyes, and their nuclear dye alone."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.images.dyes import EOSIN, HEMATOXYLIN, dye_matrix
from napari_unet_nuclei.core.training.crops.stains import (
    change_dyes,
    is_stained,
    separate_nuclear_dye,
)


@pytest.fixture(scope="module")
def stained() -> tuple[np.ndarray, np.ndarray]:
    image, labels = draw_nuclei(3, (128, 128), 14, diameter=18)
    nuclear = image / np.float32(image[labels > 0].mean())
    tissue = np.random.default_rng(0).uniform(0.2, 0.5, image.shape)
    tissue[:16] = nuclear[:16] = 0
    dyes = dye_matrix(HEMATOXYLIN, EOSIN)
    density = nuclear[..., None] * dyes[0] + tissue[..., None] * dyes[1]
    return np.exp(-density).astype(np.float32), labels


def test_colour_on_a_bright_background_is_a_stain(
    stained: tuple[np.ndarray, np.ndarray],
) -> None:
    image, _ = stained
    assert is_stained(image)
    assert not is_stained(np.repeat(image[..., 1:2], 3, axis=-1))
    assert not is_stained(1 - image)


def test_other_dyes_have_other_hues_and_nuclei_stay_dark(
    stained: tuple[np.ndarray, np.ndarray],
) -> None:
    image, labels = stained
    hues, tints = [], []
    for seed in range(30):
        seen = change_dyes(image, labels, np.random.default_rng(seed))
        assert seen.dtype == np.float32
        assert 0 <= seen.min() <= seen.max() <= 1
        inside, between = seen[labels > 0].mean(axis=0), seen[labels == 0].mean(axis=0)
        assert inside.mean() < 0.9 * between.mean()
        hues.append(inside - inside.mean())
        tints.append(seen[:16].reshape(-1, 3).max(axis=0))
    assert np.std(hues, axis=0).min() > 0.03
    assert np.std(tints, axis=0).min() > 0.03


def test_dyes_that_would_hide_nuclei_are_not_taken() -> None:
    labels = np.zeros((64, 64), np.int32)
    labels[20:40, 20:40] = 1
    image = np.full((64, 64, 3), 0.6, np.float32)
    image[labels > 0] = (0.59, 0.58, 0.6)
    for seed in range(30):
        seen = change_dyes(image, labels, np.random.default_rng(seed))
        darker = seen[labels == 0].mean() - seen[labels > 0].mean()
        assert darker > 0


def test_the_nuclear_dye_alone_is_grey_and_bright(
    stained: tuple[np.ndarray, np.ndarray],
) -> None:
    image, labels = stained
    for seed in range(20):
        seen = separate_nuclear_dye(image, np.random.default_rng(seed))
        assert seen.dtype == np.float32
        assert np.ptp(seen, axis=-1).max() == 0
        assert (seen.min(), seen.max()) == (0, 1)
        assert np.median(seen[labels > 0]) > np.median(seen[labels == 0]) + 0.1
