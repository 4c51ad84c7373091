from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.settings.choices import Monitor
from napari_unet_nuclei.core.training import log as run_log
from napari_unet_nuclei.core.training.log import (
    LOG_COLUMNS,
    RunLog,
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


@pytest.fixture
def ended() -> TrainingStep:
    """Return the end of an epoch."""
    labels = np.eye(3, dtype=int)
    labels[0, 0] = 0
    return TrainingStep(
        step=12,
        epoch=2,
        progress=0.5,
        seconds=3.456,
        loss=0.25,
        dice=0.8,
        iou=0.7,
        accuracy=0.9,
        learning_rate=1e-3,
        scores=evaluate(np.eye(3, dtype=int), labels),
    )


def test_a_row_tells_all_of_an_epoch(ended: TrainingStep) -> None:
    scores = ended.scores
    assert make_row(ended, scores) == {
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
    assert list(make_row(ended, scores)) == list(LOG_COLUMNS)


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


def test_the_curve_is_drawn_once_there_is_a_loss_then_now_and_then(
    output: Path, ended: TrainingStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    monkeypatch.setattr(
        run_log, "write_loss_curve", lambda output, rows: drawn.append(len(rows))
    )
    log = RunLog(output, Monitor.DSB2018)
    for step in (replace(ended, loss=None), ended, ended):
        log.add(step, ended.scores)
    assert drawn == [2]
    monkeypatch.setattr(run_log, "_SECONDS_BETWEEN_CURVES", 0.0)
    log.add(ended, ended.scores)
    assert drawn == [2, 4]
    log.draw()
    assert drawn == [2, 4]
    monkeypatch.setattr(run_log, "_SECONDS_BETWEEN_CURVES", 1e9)
    log.add(ended, ended.scores)
    log.draw()
    assert drawn == [2, 4, 5]
