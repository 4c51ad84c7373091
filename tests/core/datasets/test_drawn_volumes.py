"""Drawn volumes: what their labels promise."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.drawn.volumes import VolumeLook, draw_volume


@pytest.mark.parametrize("spacing", [1.0, 4.0])
def test_labels_are_numbered_and_nuclei_shine(spacing: float) -> None:
    look = VolumeLook(spacing=spacing, diameter=16)
    image, labels = draw_volume(3, (round(64 / spacing), 64, 64), look)
    numbers, sizes = np.unique(labels[labels > 0], return_counts=True)
    assert numbers.tolist() == list(range(1, numbers.size + 1))
    assert numbers.size > 5
    whole = np.pi / 6 * 16**3 / spacing
    assert 0.4 * whole < np.median(sizes) < 1.6 * whole
    assert image[labels > 0].mean() > 2 * image[labels == 0].mean()


def test_the_seed_says_what_is_drawn() -> None:
    first, again, other = (draw_volume(seed, (6, 48, 48))[0] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
