"""What a training run leaves beside its model: log, loss curve, state to resume.

All are named after the model: ``nuclei.unetnuclei`` has ``nuclei.csv``,
``nuclei.png`` and, until the run has ended, ``nuclei.state.npz``.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.atomic_files import replacing
from napari_unet_nuclei.core.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LOG_COLUMNS = (
    "epoch",
    "step",
    "seconds",
    "learning_rate",
    "loss",
    "dice",
    "val_dsb2018",
    "val_ap50",
    "val_dice",
)


@dataclass(frozen=True, kw_only=True)
class TrainingState:
    """All a run needs to go on where it stopped.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Weights, averaged weights and optimizer variables.
    progress : mapping
        Step, epoch, seconds so far, best score and the log: plain JSON values.
    """

    arrays: Mapping[str, NDArray[np.floating]]
    progress: Mapping[str, Any]


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
    progress = np.frombuffer(json.dumps(dict(state.progress)).encode(), np.uint8)
    arrays: Mapping[str, Any] = state.arrays
    np.savez(buffer, progress=progress, **arrays)
    with replacing(state_path(output)) as temporary:
        temporary.write_bytes(buffer.getvalue())


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
        If there is no state or it is damaged.
    """
    path = state_path(output)
    try:
        # Opened here, because NumPy forgets to close a file that is damaged.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = dict(file)
        progress = json.loads(arrays.pop("progress").tobytes())
    except FileNotFoundError as error:
        raise TrainingError(
            f"There is nothing to resume: {path} does not exist; train without "
            "--resume."
        ) from error
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"The training state {path} is damaged ({error}); train without --resume."
        ) from error
    return TrainingState(arrays=arrays, progress=progress)


def write_log(output: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the log of a run as CSV, one row an epoch.

    Parameters
    ----------
    output : Path
        Model the run writes.
    rows : sequence of mapping
        Values by the names in ``LOG_COLUMNS``.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with (
        replacing(output.with_suffix(".csv")) as temporary,
        temporary.open("w", newline="") as file,
    ):
        writer = csv.DictWriter(file, LOG_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_loss_curve(output: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw loss and validation scores over the epochs, as PNG.

    Parameters
    ----------
    output : Path
        Model the run writes.
    rows : sequence of mapping
        The same rows as in :func:`write_log`.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    loss_axes, score_axes = figure.subplots(2, sharex=True)
    trained = [row for row in rows if row["loss"] is not None]
    loss_axes.plot([row["epoch"] for row in trained], [row["loss"] for row in trained])
    loss_axes.set(ylabel="training loss", title=output.stem)
    epochs = [row["epoch"] for row in rows]
    for column, name in (
        ("val_dsb2018", "DSB2018 score"),
        ("val_ap50", "AP50"),
        ("val_dice", "Dice"),
    ):
        score_axes.plot(epochs, [row[column] for row in rows], label=name)
    score_axes.set(xlabel="epoch", ylabel="held-out samples", ylim=(0, 1))
    score_axes.legend(loc="lower right")
    with replacing(output.with_suffix(".png")) as temporary:
        figure.savefig(temporary, format="png", dpi=100)
