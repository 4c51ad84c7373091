from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.instances.corrections import (
    Corrections,
    correct_features,
    count_corrections,
)
from napari_unet_nuclei.core.instances.measurements import measure_nuclei

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


def values_of(
    image: NDArray[Any], foreground: NDArray[Any], y: NDArray[Any], x: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    return {
        "centroid_y": y,
        "centroid_x": x,
        "mean_intensity": image[y, x],
        "probability": foreground[y, x],
    }


def test_many_edits_equal_a_measurement_from_scratch() -> None:
    rng = np.random.default_rng(0)
    image, labels = draw_nuclei(0, (96, 128), 12)
    foreground = rng.random(labels.shape, np.float32)
    features = measure_nuclei(labels, image, foreground)
    for _ in range(50):
        y, x = rng.integers(0, 80), rng.integers(0, 110)
        box = np.s_[y : y + 16, x : x + 16]
        before = labels[box].copy()
        labels[box] = rng.choice([0, 3, 99, 2**31 - 1])
        inside = np.nonzero(before != labels[box])
        features = correct_features(
            features,
            before[inside],
            labels[box][inside],
            values_of(image, foreground, inside[0] + y, inside[1] + x),
        )
    expected = measure_nuclei(labels, image, foreground)
    assert list(features) == list(expected)
    for name, column in expected.items():
        np.testing.assert_allclose(features[name], column, err_msg=name)
    assert features["area"].dtype.kind == "i"


def test_a_nucleus_that_is_erased_has_no_row() -> None:
    features = {"label": np.array([2, 5]), "area": np.array([1, 1])}
    left = correct_features(features, np.array([5]), np.array([0]), {})
    assert left["label"].tolist() == [2]


def test_what_cannot_be_measured_is_not_a_number() -> None:
    features = {"label": np.array([2, 5]), "area": np.array([3, 1])}
    features["mean_intensity"] = np.array([7.0, 8.0])
    changed = correct_features(features, np.array([2]), np.array([0]), {})
    assert changed["area"].tolist() == [2, 1]
    np.testing.assert_array_equal(changed["mean_intensity"], [np.nan, 8])


def table(label: list[int], area: list[int], x: list[float]) -> dict[str, NDArray[Any]]:
    names = ("label", "area", "centroid_x")
    return dict(zip(names, map(np.array, (label, area, x)), strict=True))


@pytest.mark.parametrize(
    ("label", "area", "x", "expected"),
    [
        ([1, 2, 3], [9, 9, 9], [1.0, 2, 3], (0, 0, 0)),
        ([1, 2, 3], [9, 9, 9], [1.0, 2, 3 + 1e-12], (0, 0, 0)),
        ([1, 3], [9, 9], [1.0, 3], (0, 1, 0)),
        ([1, 2, 3, 7], [9, 9, 8, 4], [1.0, 2, 3, 0], (1, 0, 1)),
        ([1, 2, 3], [9, 9, 9], [1.0, 2.5, 3], (0, 0, 1)),
    ],
    ids=["same", "rounding", "removed", "added and cut", "moved"],
)
def test_corrections_are_counted(
    label: list[int], area: list[int], x: list[float], expected: tuple[int, ...]
) -> None:
    found = table([1, 2, 3], [9, 9, 9], [1.0, 2, 3])
    corrections = count_corrections(found, table(label, area, x))
    added, removed, changed = expected
    assert corrections == Corrections(
        n_added=added, n_removed=removed, n_changed=changed
    )
    assert bool(corrections) == any(expected)
