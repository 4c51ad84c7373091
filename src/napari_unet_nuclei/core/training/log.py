"""What a training run leaves beside its model for people: a log and a loss curve.

Both are named after the model: ``nuclei.unetnuclei`` has ``nuclei.csv`` and
``nuclei.png``.  What a run needs to go on is in
:mod:`~napari_unet_nuclei.core.training.state`.
"""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.training.set_scores import summarise_sets
from napari_unet_nuclei.core.training.state import remove_state
from napari_unet_nuclei.core.training.steps import SCORE_NAMES, summarise_scores
from napari_unet_nuclei.core.writing.atomic_files import remove_file, replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.settings.choices import Monitor
    from napari_unet_nuclei.core.training.steps import TrainingStep

LOG_COLUMNS = (
    "epoch",
    "step",
    "seconds",
    "learning_rate",
    "loss",
    "dice",
    "iou",
    "accuracy",
    "val_dsb2018",
    "val_ap50",
    "val_dice",
)

_SECONDS_BETWEEN_CURVES = 30.0  # drawing one takes a quarter of a second

_METRICS = {"dice": "Dice", "iou": "IoU", "accuracy": "pixel accuracy"}
_SCORES = {f"val_{monitor}": name for monitor, name in SCORE_NAMES.items()}


class RunLog:
    """The log of a run, on disk with each row that is added, and its curve.

    The curve is drawn when there is a first loss, later now and then, and at the end.

    Parameters
    ----------
    output : Path
        Model the run writes.
    monitor : Monitor
        Score that says what is better.
    rows : list of dict
        What earlier parts of a resumed run have logged.

    Attributes
    ----------
    rows : list of dict
        Output of :func:`make_row`, one for each validation.
    """

    def __init__(
        self, output: Path, monitor: Monitor, rows: list[dict[str, Any]] | None = None
    ) -> None:
        self._output = output
        self._monitor = monitor
        self.rows = [] if rows is None else rows
        self._drawn: float | None = None
        self._n_drawn = 0

    @property
    def scores(self) -> list[float]:
        """Score that is monitored, at each validation."""
        return [row[f"val_{self._monitor}"] for row in self.rows]

    def add(self, step: TrainingStep, scores: Scores) -> None:
        """Add a validation, and write the log.

        Raises
        ------
        OutputError
            If a file cannot be written.
        """
        self.rows.append(make_row(step, scores))
        write_log(self._output, self.rows)
        now = time.monotonic()
        is_due = self._drawn is None or now - self._drawn >= _SECONDS_BETWEEN_CURVES
        if is_due and step.loss is not None:
            self._drawn = now
            self.draw()

    def draw(self) -> None:
        """Draw the curve, unless it shows all rows already.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        if self._n_drawn < len(self.rows):
            write_loss_curve(self._output, self.rows)
            self._n_drawn = len(self.rows)


def make_row(step: TrainingStep, scores: Scores) -> dict[str, Any]:
    """Put what is known at the end of an epoch into a row of the log.

    Parameters
    ----------
    step : TrainingStep
        The end of an epoch.
    scores : Scores
        Its scores on the held-out samples.

    Returns
    -------
    dict
        Values by the names in ``LOG_COLUMNS``; then, of several data sets, the scores
        of each, such as ``val_dsb2018:organs``.
    """
    held_out = summarise_scores(scores)
    row = {
        column: held_out[column.removeprefix("val_")]
        if column.startswith("val_")
        else getattr(step, column)
        for column in LOG_COLUMNS
    } | {"seconds": round(step.seconds, 1)}
    for name, of_set in summarise_sets(scores).items():
        row |= {f"val_{monitor}:{name}": of_set[monitor] for monitor in SCORE_NAMES}
    return row


def remove_companions(output: Path) -> None:
    """Remove the log, the loss curve and the state of an earlier run.

    Parameters
    ----------
    output : Path
        Model the run writes, which stays.

    Raises
    ------
    OutputError
        If they cannot be removed.
    """
    remove_state(output)
    for suffix in (".csv", ".png"):
        remove_file(output.with_suffix(suffix))


def write_log(output: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the log of a run as CSV, one row an epoch.

    Parameters
    ----------
    output : Path
        Model the run writes.
    rows : sequence of mapping
        Output of :func:`make_row`, one an epoch.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with (
        replacing(output.with_suffix(".csv")) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        columns = list(rows[0]) if rows else LOG_COLUMNS
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_loss_curve(output: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw loss, metrics and validation scores over the epochs, as PNG.

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
    from napari_unet_nuclei.core.drawing.figures import make_figure, write_figure

    figure = make_figure(640, 800)
    loss_axes, *other_axes = figure.subplots(3, sharex=True)
    loss_axes.set_title(output.stem, parse_math=False)
    loss_axes.set(ylabel="training loss")
    trained = [row for row in rows if row["loss"] is not None]
    losses = [row["loss"] for row in trained]
    loss_axes.plot([row["epoch"] for row in trained], losses, marker=".")
    for axes, title, seen, names in zip(
        other_axes,
        ("foreground, training crops", "held-out samples"),
        (trained, rows),
        (_METRICS, _SCORES),
        strict=True,
    ):
        epochs = [row["epoch"] for row in seen]
        for column, name in names.items():
            axes.plot(epochs, [row[column] for row in seen], marker=".", label=name)
        axes.set(ylabel=title, ylim=(0, 1))
        axes.legend(loc="lower right")
    other_axes[-1].set(xlabel="epoch")
    other_axes[-1].xaxis.get_major_locator().set_params(integer=True)
    write_figure(output.with_suffix(".png"), figure)
