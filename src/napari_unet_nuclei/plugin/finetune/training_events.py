"""What the training process says: one JSON object per line, parsed here.

The other end is ``napari-unet-nuclei train --events jsonl``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class StatusEvent:
    """The process says what it is doing.

    Parameters
    ----------
    message : str
        A sentence for the user.
    """

    message: str


@dataclass(frozen=True, kw_only=True)
class StepEvent:
    """Training has gone on.

    Parameters
    ----------
    epoch : int
        Epochs done.
    progress : float in [0, 1]
        Part of the run that is done.
    seconds : float
        Time since training began.
    loss : float, optional
        Mean since the last event; ``None`` before the first step.
    score : float in [0, 1], optional
        DSB2018 score on the held-out part, at the end of an epoch.
    is_best : bool
        This score is the best so far, and these weights have been saved.
    note : str, optional
        What has gone wrong since the last event, in a sentence.
    """

    epoch: int
    progress: float
    seconds: float
    loss: float | None
    score: float | None
    is_best: bool
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class FinishedEvent:
    """Training has ended well.

    Parameters
    ----------
    output : Path
        The model.
    score : float in [0, 1]
        Its DSB2018 score on the held-out part.
    start_score : float in [0, 1], optional
        That of the model training started from.
    is_better : bool
        Whether the new one is better.
    seconds : float
        Time it took.
    warning : str, optional
        What the model lacks.
    verdict : str, optional
        Better or no better, with scores, and why, in a sentence.
    advice : str, optional
        What would help, in a sentence.
    note : str, optional
        What went wrong on the way, in a sentence.
    """

    output: Path
    score: float
    start_score: float | None
    is_better: bool
    seconds: float
    warning: str | None
    verdict: str | None = None
    advice: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class ErrorEvent:
    """Training cannot go on.

    Parameters
    ----------
    message : str
        A sentence for the user, in the words of the command line.
    template : str, optional
        The same with ``{name}`` for each setting.
    settings : mapping
        Values of these settings by name.
    """

    message: str
    template: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def error(self) -> TrainingError:
        """Return what happened as an error, which each front end can spell."""
        if self.template is None:
            return TrainingError(self.message)
        return TrainingError(self.template, **self.settings)


TrainingEvent = StatusEvent | StepEvent | FinishedEvent | ErrorEvent


def parse_event(line: str) -> TrainingEvent | None:
    """Turn a line into an event.

    Parameters
    ----------
    line : str
        One line of the process' standard output.

    Returns
    -------
    TrainingEvent or None
        ``None`` for anything else, such as what a library prints.
    """
    try:
        values = json.loads(line)
        return _make_event(values)
    except (ValueError, KeyError, TypeError):
        return None


def _make_event(values: dict[str, Any]) -> TrainingEvent | None:
    match values["event"]:
        case "status":
            return StatusEvent(message=str(values["message"]))
        case "step":
            return StepEvent(
                epoch=values["epoch"],
                progress=values["progress"],
                seconds=values["seconds"],
                loss=values["loss"],
                score=_score(values["scores"]),
                is_best=values["is_best"],
                note=_text(values.get("note")),
            )
        case "finished":
            return FinishedEvent(
                output=Path(values["output"]),
                score=values["scores"]["dsb2018"],
                start_score=_score(values["start_scores"]),
                is_better=values["is_better_than_start"],
                seconds=values["seconds"],
                warning=values["warning"],
                verdict=_text(values.get("verdict")),
                advice=_text(values.get("advice")),
                note=_text(values.get("note")),
            )
        case "error":
            return ErrorEvent(
                message=str(values["message"]),
                template=values.get("template"),
                settings=dict(values.get("settings", {})),
            )
        case _:
            return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _score(scores: dict[str, float] | None) -> float | None:
    return None if scores is None else scores["dsb2018"]
