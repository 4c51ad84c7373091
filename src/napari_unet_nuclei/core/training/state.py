"""The state of a training run: all it needs to go on where it stopped.

``nuclei.unetnuclei`` has ``nuclei.state.npz`` beside it until its run has ended.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.evaluation.scores import Scores
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.settings.old_names import with_current_names
from napari_unet_nuclei.core.training.identity import RunIdentity
from napari_unet_nuclei.core.training.set_scores import SetScores
from napari_unet_nuclei.core.writing.atomic_files import remove_file, replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.weights import Weights

_PROGRESS = "progress"
_WEIGHTS = ("model", "average", "best")


@dataclass(frozen=True, kw_only=True)
class TrainingState:
    """All a run needs to go on where it stopped.

    Parameters
    ----------
    identity : RunIdentity
        Which run this is.
    model, average, best : dict of str to ndarray of float32
        Weights that are trained, their average, and the best average so far.
    optimizer : sequence of ndarray
        What the optimiser remembers.
    step, epoch : int
        Batches and epochs done.
    seconds : float
        Time so far.
    log : list of dict
        A row for each validation; see
        :func:`~napari_unet_nuclei.core.training.log.make_row`.
    best_scores, start_scores : Scores, optional
        The best ones so far, and those of the model that training started from.
    n_rollbacks : int
        How often the learning rate has been halved, because the loss was no number.
    splitting : SplittingParameters, optional
        Thresholds that the scores are of; ``None`` for those the start came with.
    best_loss, start_loss : float, optional
        Losses on the held-out samples that go with the scores.
    """

    identity: RunIdentity
    model: Weights
    average: Weights
    best: Weights
    optimizer: Sequence[NDArray[np.generic]]
    step: int
    epoch: int
    seconds: float
    log: list[dict[str, Any]]
    best_scores: Scores | None
    start_scores: Scores | None
    n_rollbacks: int = 0
    splitting: SplittingParameters | None = None
    best_loss: float | None = None
    start_loss: float | None = None


def state_path(output: Path) -> Path:
    """Where the state of the run that writes ``output`` is kept."""
    return output.with_suffix(".state.npz")


def write_state(output: Path, state: TrainingState) -> None:
    """Save the state of a run, all of it or nothing.

    Parameters
    ----------
    output : Path
        Model the run writes.
    state : TrainingState
        What to save.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **_pack(state))
    with replacing(state_path(output)) as temporary:
        temporary.write_bytes(buffer.getvalue())


def remove_state(output: Path) -> None:
    """Remove the state of a run that has ended, or that another one replaces.

    Parameters
    ----------
    output : Path
        Model the run writes.

    Raises
    ------
    OutputError
        If it cannot be removed.
    """
    remove_file(state_path(output))


def read_state(output: Path) -> TrainingState:
    """Read the state of a run that was stopped.

    Parameters
    ----------
    output : Path
        Model the run writes.

    Returns
    -------
    TrainingState
        What was saved last.

    Raises
    ------
    TrainingError
        If there is no state, or it is damaged or of another version.
    """
    path = state_path(output)
    try:
        # Opened here, because NumPy forgets to close a file that is damaged.
        check_regular(path)
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return _unpack(dict(file))
    except FileNotFoundError as error:
        raise TrainingError(
            f"There is nothing to resume: {path} does not exist; train without "
            "{resume}.",
            resume=True,
        ) from error
    except (
        OSError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        EOFError,
        zipfile.BadZipFile,
    ) as error:
        raise TrainingError(
            f"The training state {path} is damaged or of another version ({error}); "
            "train without {resume}.",
            resume=True,
        ) from error


def _pack(state: TrainingState) -> dict[str, Any]:
    progress = {
        "identity": asdict(state.identity),
        "step": state.step,
        "epoch": state.epoch,
        "seconds": state.seconds,
        "log": state.log,
        "best_scores": _pack_scores(state.best_scores),
        "start_scores": _pack_scores(state.start_scores),
        "n_rollbacks": state.n_rollbacks,
        "splitting": None if state.splitting is None else asdict(state.splitting),
        "best_loss": state.best_loss,
        "start_loss": state.start_loss,
    }
    arrays: dict[str, Any] = {
        f"{group}/{path}": value
        for group in _WEIGHTS
        for path, value in getattr(state, group).items()
    }
    for number, value in enumerate(state.optimizer):
        arrays[f"optimizer/{number}"] = value
    arrays[_PROGRESS] = np.frombuffer(json.dumps(progress).encode(), np.uint8)
    return arrays


def _unpack(arrays: dict[str, NDArray[Any]]) -> TrainingState:
    progress = json.loads(arrays.pop(_PROGRESS).tobytes())
    weights: dict[str, Weights] = {group: {} for group in _WEIGHTS}
    optimizer: dict[int, NDArray[np.generic]] = {}
    for key, value in arrays.items():
        group, path = key.split("/", 1)
        if group == "optimizer":
            optimizer[int(path)] = value
        else:
            weights[group][path] = value
    identity = RunIdentity(**progress["identity"])
    return TrainingState(
        **{
            **progress,
            "identity": replace(
                identity, settings=with_current_names(identity.settings)
            ),
            "best_scores": _unpack_scores(progress["best_scores"]),
            "start_scores": _unpack_scores(progress["start_scores"]),
            "splitting": _unpack_splitting(progress.get("splitting")),
        },
        model=weights["model"],
        average=weights["average"],
        best=weights["best"],
        optimizer=[optimizer[number] for number in range(len(optimizer))],
    )


def _unpack_splitting(values: Mapping[str, float] | None) -> SplittingParameters | None:
    return None if values is None else SplittingParameters(**values)


def _pack_scores(scores: Scores | None) -> dict[str, Any] | None:
    return None if scores is None else asdict(scores)  # those of sets with it


def _unpack_scores(values: Mapping[str, Any] | None) -> Scores | None:
    if values is None:
        return None
    # JSON has no numbers as keys.
    by_threshold = {
        name: {float(t): ap for t, ap in values[name].items()}
        for name in ("ap", "pooled_ap")
    }
    plain = {**values, **by_threshold}
    if "by_set" not in values:
        return Scores(**plain)
    by_set = {name: _unpack_scores(each) for name, each in values["by_set"].items()}
    return SetScores(**{**plain, "by_set": by_set})
