from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.training.metrics import METRICS

rng = np.random.default_rng(0)
TRUE = (rng.random((2, 5, 6, 3)) > 0.4).astype(np.float32)
PREDICTED = rng.uniform(0.01, 0.99, TRUE.shape).astype(np.float32)
TRUTH, FOUND = TRUE[..., 0] > 0.5, PREDICTED[..., 0] > 0.5

EXPECTED = {
    "dice": (2 * (TRUTH & FOUND).sum() + 1) / (TRUTH.sum() + FOUND.sum() + 1),
    "iou": ((TRUTH & FOUND).sum() + 1) / ((TRUTH | FOUND).sum() + 1),
    "accuracy": (TRUTH == FOUND).mean(),
}


def test_there_are_metrics_for_the_log() -> None:
    assert list(METRICS) == list(EXPECTED)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_that_of_the_foreground(name: str) -> None:
    assert float(METRICS[name](TRUE, PREDICTED)) == pytest.approx(EXPECTED[name])
    alone = float(METRICS[name](TRUE[..., :1], PREDICTED[..., :1]))
    assert alone == pytest.approx(EXPECTED[name])


@pytest.mark.parametrize("name", METRICS)
def test_the_best_value_is_one(name: str) -> None:
    assert float(METRICS[name](TRUE, TRUE)) == 1
    empty = np.zeros_like(TRUE)
    assert float(METRICS[name](empty, empty)) == 1


@pytest.mark.parametrize("name", METRICS)
def test_the_worst_value_is_small(name: str) -> None:
    assert 0 <= float(METRICS[name](TRUE, 1 - TRUE)) < 0.03
