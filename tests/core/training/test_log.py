from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.training.log import (
    LOG_COLUMNS,
    make_row,
    write_log,
    write_loss_curve,
)
from napari_unet_nuclei.core.training.steps import TrainingStep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def row(epoch: int, **changes: Any) -> dict[str, Any]:
    values = dict.fromkeys(LOG_COLUMNS, 0.5)
    return {**values, "epoch": epoch, **changes}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "my.nuclei.unetnuclei"


def test_a_row_tells_all_of_an_epoch() -> None:
    labels = np.eye(3, dtype=int)
    labels[0, 0] = 0
    scores = evaluate(np.eye(3, dtype=int), labels)
    step = TrainingStep(
        step=12,
        epoch=2,
        progress=0.5,
        seconds=3.456,
        loss=0.25,
        dice=0.8,
        iou=0.7,
        accuracy=0.9,
        learning_rate=1e-3,
        scores=scores,
    )
    assert make_row(step, scores) == {
        "epoch": 2,
        "step": 12,
        "seconds": 3.5,
        "learning_rate": 1e-3,
        "loss": 0.25,
        "dice": 0.8,
        "iou": 0.7,
        "accuracy": 0.9,
        "val_dsb2018": scores.dsb2018,
        "val_ap50": scores.ap[0.5],
        "val_dice": scores.dice,
    }
    assert list(make_row(step, scores)) == list(LOG_COLUMNS)


def test_the_log_is_a_table(output: Path) -> None:
    write_log(output, [row(0, loss=None, iou=None), row(1, seconds=3.5)])
    with output.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(LOG_COLUMNS)
    assert [line["epoch"] for line in rows] == ["0", "1"]
    assert rows[0]["loss"] == ""
    assert rows[1]["seconds"] == "3.5"


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row(0, loss=None, dice=None, iou=None, accuracy=None)],
        [row(1)],
        [row(n) for n in range(4)],
    ],
)
def test_the_curve_is_a_picture_from_the_first_epoch_on(
    output: Path, rows: list[Any]
) -> None:
    write_loss_curve(output, rows)
    with Image.open(output.with_suffix(".png")) as image:
        assert image.size == (640, 800)


@pytest.mark.parametrize(
    "write",
    [
        lambda output: write_log(output, [row(1)]),
        lambda output: write_loss_curve(output, [row(1)]),
    ],
)
def test_a_place_that_cannot_be_written_to_is_named(
    tmp_path: Path, write: Callable[..., Any]
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(OutputError, match=r"file/?\\?nuclei\."):
        write(blocked / "nuclei.unetnuclei")
