from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_unet_nuclei.core.training.crops import deformation
from napari_unet_nuclei.core.training.crops.deformation import (
    deform,
    margin_around,
    random_mesh,
)

if TYPE_CHECKING:
    from typing import Any

BILINEAR, NEAREST = Image.Resampling.BILINEAR, Image.Resampling.NEAREST


def source_side(side: int) -> int:
    return side + 2 * margin_around(side)


def still(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_SHIFT", "_ANGLE", "_LOG_ZOOM", "_SHEAR"):
        monkeypatch.setattr(deformation, name, 0.0)


@given(seed=st.integers(0, 10_000), side=st.sampled_from([32, 96, 160, 256]))
@settings(max_examples=60, deadline=None)
def test_squares_cover_the_result_and_come_from_inside_the_source(
    seed: int, side: Any
) -> None:
    covered = np.zeros((side, side), int)
    for (left, top, right, bottom), corners in random_mesh(
        side, np.random.default_rng(seed)
    ):
        covered[top:bottom, left:right] += 1
        assert len(corners) == 8
        assert min(corners) >= 0
        assert max(corners) <= source_side(side)
    assert (covered == 1).all()


@pytest.mark.parametrize("side", [32, 100, 256])
def test_without_randomness_the_middle_is_kept_or_mirrored(
    monkeypatch: pytest.MonkeyPatch, side: int
) -> None:
    still(monkeypatch)
    rng = np.random.default_rng(0)
    array = rng.integers(0, 255, (source_side(side), source_side(side)), np.uint8)
    margin = margin_around(side)
    middle = array[margin : margin + side, margin : margin + side]
    results = [deform(array, random_mesh(side, rng), side, NEAREST) for _ in range(20)]
    is_kept = [np.array_equal(result, middle) for result in results]
    is_mirrored = [np.array_equal(result, middle[:, ::-1]) for result in results]
    assert all(a or b for a, b in zip(is_kept, is_mirrored, strict=True))
    assert 3 < sum(is_kept) < 17


def test_results_differ_by_pixels_and_stay_close() -> None:
    side, rng = 128, np.random.default_rng(0)
    y, x = np.indices((source_side(side), source_side(side)), np.uint8)
    y_at, x_at = np.indices((side, side))
    for _ in range(20):
        mesh = random_mesh(side, rng)
        y_from, x_from = (
            deform(plane, mesh, side, BILINEAR).astype(int) - margin_around(side)
            for plane in (y, x)
        )
        if x_from[0, 0] > x_from[0, -1]:
            x_from = side - 1 - x_from
        moved = np.hypot(y_from - y_at, x_from - x_at)
        assert 1 < moved.max() < 45
        assert moved[side // 2, side // 2] < 15


def test_up_stays_up() -> None:
    side, rng = 64, np.random.default_rng(0)
    rows = np.indices((source_side(side), source_side(side)), np.uint8)[0]
    for _ in range(20):
        bent = deform(rows, random_mesh(side, rng), side, BILINEAR).astype(int)
        assert (bent[-1] - bent[0] > side / 2).all()


def test_images_and_labels_are_bent_alike() -> None:
    side, rng = 96, np.random.default_rng(0)
    labels = np.zeros((source_side(side), source_side(side)), np.int32)
    labels[30:80, 40:90] = 70_000
    image = (labels > 0).astype(np.uint8) * 255
    colour = np.repeat(image[..., np.newaxis], 3, axis=-1)
    mesh = random_mesh(side, rng)
    bent_labels = deform(labels, mesh, side, NEAREST)
    assert bent_labels.dtype == np.int32
    assert set(np.unique(bent_labels)) == {0, 70_000}
    bent = deform(colour, mesh, side, BILINEAR)
    assert bent.shape == (side, side, 3)
    assert np.mean((bent[..., 0] > 127) != (bent_labels > 0)) < 0.02
