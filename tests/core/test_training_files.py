from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.errors import OutputError, TrainingError
from napari_unet_nuclei.core.training_files import (
    LOG_COLUMNS,
    TrainingState,
    read_state,
    state_path,
    write_log,
    write_loss_curve,
    write_state,
)

if TYPE_CHECKING:
    from pathlib import Path

STATE = TrainingState(
    arrays={
        "model/conv/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
        "optimizer/0": np.array(7, np.int64),
    },
    progress={"step": 12, "log": [{"loss": 0.5}], "best": None, "ö": "µ"},
)


def row(epoch: int, **changes: Any) -> dict[str, Any]:
    values = dict.fromkeys(LOG_COLUMNS, 0.5)
    return {**values, "epoch": epoch, **changes}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "my.nuclei.unetnuclei"


def test_the_state_lies_beside_the_model(output):
    assert state_path(output).name == "my.nuclei.state.npz"
    assert state_path(output).parent == output.parent


def test_the_state_comes_back(output):
    write_state(output, STATE)
    state = read_state(output)
    assert state.progress == STATE.progress
    assert state.arrays.keys() == STATE.arrays.keys()
    for name, value in STATE.arrays.items():
        assert state.arrays[name].dtype == value.dtype
        np.testing.assert_array_equal(state.arrays[name], value)


def test_without_a_state_there_is_nothing_to_resume(output):
    with pytest.raises(TrainingError, match=r"nothing to resume.*my\.nuclei\.state"):
        read_state(output)


def test_a_truncated_state_is_refused(output):
    write_state(output, STATE)
    content = state_path(output).read_bytes()
    for length in range(0, len(content), 41):
        state_path(output).write_bytes(content[:length])
        with pytest.raises(TrainingError, match=r"is damaged.*without --resume"):
            read_state(output)


def test_pickled_states_are_refused(output):
    np.savez(state_path(output), progress=np.array([{}], object))
    with pytest.raises(TrainingError, match="allow_pickle=False"):
        read_state(output)


def test_foreign_states_are_refused(output):
    np.savez(state_path(output), weights=np.zeros(3))
    with pytest.raises(TrainingError, match="is damaged"):
        read_state(output)


def test_the_log_is_a_table(output):
    write_log(output, [row(0, loss=None, dice=None), row(1, seconds=3.5)])
    with output.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(LOG_COLUMNS)
    assert [line["epoch"] for line in rows] == ["0", "1"]
    assert rows[0]["loss"] == ""
    assert rows[1]["seconds"] == "3.5"


@pytest.mark.parametrize(
    "rows", [[], [row(0, loss=None)], [row(1)], [row(n) for n in range(4)]]
)
def test_the_curve_is_a_picture_from_the_first_epoch_on(output, rows):
    write_loss_curve(output, rows)
    with Image.open(output.with_suffix(".png")) as image:
        assert image.size == (640, 640)


@pytest.mark.parametrize(
    "write",
    [
        lambda output: write_state(output, STATE),
        lambda output: write_log(output, [row(1)]),
        lambda output: write_loss_curve(output, [row(1)]),
    ],
)
def test_a_place_that_cannot_be_written_to_is_named(tmp_path, write):
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(OutputError, match=r"file/?\\?nuclei\."):
        write(blocked / "nuclei.unetnuclei")
