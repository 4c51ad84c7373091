from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import OutputError, TrainingError
from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.training.identity import RunIdentity
from napari_unet_nuclei.core.training.state import (
    TrainingState,
    read_state,
    state_path,
    write_state,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

WEIGHTS = {
    "conv/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "conv/bias": np.zeros(3, np.float32),
}
STATE = TrainingState(
    identity=RunIdentity(
        settings={"seed": 3, "loss": "dice"},
        start=["tiny", "0f"],
        train=["ö", "b"],
        validation=["µ"],
    ),
    model=WEIGHTS,
    average={path: value + 1 for path, value in WEIGHTS.items()},
    best={path: value + 2 for path, value in WEIGHTS.items()},
    optimizer=[np.array(7, np.int64), *(np.full(2, n, np.float32) for n in range(11))],
    step=12,
    epoch=2,
    seconds=1.5,
    log=[{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": None}],
    best_scores=evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int)),
    start_scores=None,
    splitting=SplittingParameters(threshold=0.4),
)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "my.nuclei.unetnuclei"


def test_the_state_lies_beside_the_model(output: Path) -> None:
    assert state_path(output).name == "my.nuclei.state.npz"
    assert state_path(output).parent == output.parent


def test_the_state_comes_back(output: Path) -> None:
    write_state(output, STATE)
    state = read_state(output)
    arrays = {"model": {}, "average": {}, "best": {}, "optimizer": []}
    assert replace(state, **arrays) == replace(STATE, **arrays)
    for group in "model", "average", "best":
        read, written = getattr(state, group), getattr(STATE, group)
        assert read.keys() == written.keys()
        for path, value in written.items():
            assert read[path].dtype == value.dtype
            np.testing.assert_array_equal(read[path], value)
    for value, expected in zip(state.optimizer, STATE.optimizer, strict=True):
        assert value.dtype == expected.dtype
        np.testing.assert_array_equal(value, expected)


def test_a_setting_that_had_another_name_comes_back_under_its_own(output: Path) -> None:
    stored = {"seed": 3, "keep": 0.25, "patience": None}
    identity = replace(STATE.identity, settings=stored)
    write_state(output, replace(STATE, identity=identity))
    settings = read_state(output).identity.settings
    assert settings == {"seed": 3, "start_weight": 0.25, "patience": None}


def test_a_state_of_an_earlier_version_has_the_thresholds_of_its_start(
    output: Path,
) -> None:
    write_state(output, STATE)
    with np.load(state_path(output)) as file:
        arrays = dict(file)
    progress = json.loads(arrays["progress"].tobytes())
    del progress["splitting"]
    np.savez(state_path(output), **{**arrays, "progress": encode(json.dumps(progress))})
    assert read_state(output).splitting is None


def test_without_a_state_there_is_nothing_to_resume(output: Path) -> None:
    with pytest.raises(TrainingError, match=r"nothing to resume.*my\.nuclei\.state"):
        read_state(output)


def test_a_truncated_state_is_refused(output: Path) -> None:
    write_state(output, STATE)
    content = state_path(output).read_bytes()
    for length in range(0, len(content), 41):
        state_path(output).write_bytes(content[:length])
        with pytest.raises(TrainingError, match=r"is damaged.*without resume=True"):
            read_state(output)


def test_pickled_states_are_refused(output: Path) -> None:
    np.savez(state_path(output), progress=np.array([{}], object))
    with pytest.raises(TrainingError, match="allow_pickle=False"):
        read_state(output)


def encode(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


@pytest.mark.parametrize(
    "arrays",
    [
        {"weights": np.zeros(3)},
        {"progress": encode("{")},
        {"progress": encode("[]")},
        {"progress": encode('{"identity": null}')},
        {"progress": encode('{"step": 3}')},
    ],
)
def test_foreign_states_are_refused(
    output: Path, arrays: dict[str, NDArray[Any]]
) -> None:
    np.savez(state_path(output), **arrays)
    with pytest.raises(TrainingError, match="is damaged or of another version"):
        read_state(output)


def test_a_state_that_lacks_an_optimizer_variable_is_refused(output: Path) -> None:
    write_state(output, STATE)
    with np.load(state_path(output)) as file:
        arrays = dict(file)
    del arrays["optimizer/4"]
    np.savez(state_path(output), **arrays)
    with pytest.raises(TrainingError, match="is damaged or of another version"):
        read_state(output)


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file/?\\?nuclei\."):
        write_state(tmp_path / "file" / "nuclei.unetnuclei", STATE)


def test_on_a_full_disk_the_earlier_state_is_kept(
    output: Path, fill_disk: Callable[..., Any]
) -> None:
    write_state(output, STATE)
    fill_disk(state_path(output))
    reason = r"Received: .*my\.nuclei\.state\.npz \(No space left on device\)"
    with pytest.raises(OutputError, match=reason):
        write_state(output, replace(STATE, step=99))
    assert read_state(output).step == STATE.step
    assert list(output.parent.iterdir()) == [state_path(output)]


def test_a_state_from_before_learning_rates_were_halved_can_be_read(
    output: Path,
) -> None:
    write_state(output, replace(STATE, n_rollbacks=3))
    assert read_state(output).n_rollbacks == 3
    with np.load(state_path(output)) as file:
        arrays = dict(file)
    progress = json.loads(arrays["progress"].tobytes())
    del progress["n_rollbacks"]
    arrays["progress"] = np.frombuffer(json.dumps(progress).encode(), np.uint8)
    with state_path(output).open("wb") as stream:
        np.savez(stream, **arrays)
    assert read_state(output).n_rollbacks == 0
