"""What the fine-tuning widget says about progress and results.

The messages of errors belong to the errors, those about the input to its checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.evaluation.intervals import write_score

if TYPE_CHECKING:
    from napari_unet_nuclei.plugin.finetune.progress_so_far import TrainingProgress
    from napari_unet_nuclei.plugin.finetune.training_events import StepEvent
    from napari_unet_nuclei.plugin.finetune.training_process import FineTuned

NOTHING_KEPT = "Cancelled: nothing better had been found, so no model was added."
"""How a cancelled run ends that leaves no model."""

_AT_ONCE = 0.02  # of a run: too early to say how long the rest takes


def describe_step(event: StepEvent) -> str:
    """Describe how far training is.

    Parameters
    ----------
    event : StepEvent
        What the process said.

    Returns
    -------
    str
        Such as ``"Epoch 3 · loss 0.412 · score .71, the best so far"``.
    """
    if event.epoch == 0 and event.score is not None:
        return f"The start model scores {write_score(event.score)} on the held-out part"
    parts = [f"Epoch {event.epoch}" if event.progress < 1 else "Finishing"]
    if event.loss is not None:
        parts.append(f"loss {event.loss:.3f}")
    if event.score is not None:
        best = ", the best so far" if event.is_best else ""
        parts.append(f"score {write_score(event.score)}{best}")
    return " · ".join(parts)


def describe_time(seconds: float, progress: TrainingProgress) -> str:
    """Describe how long a run has taken, and how long it will still take.

    Parameters
    ----------
    seconds : float
        Since the process was started.
    progress : TrainingProgress
        How far it is.

    Returns
    -------
    str
        Such as ``"1:20, about 4 min left"``.
    """
    whole_minutes, rest = divmod(round(seconds), 60)
    taken = f"{whole_minutes}:{rest:02d}"
    if not _AT_ONCE < progress.done < 1:
        return taken
    left = round(progress.minutes * (1 - progress.done))
    return f"{taken}, {f'about {left} min' if left else 'less than a minute'} left"


def describe_cancelled(name: str, progress: TrainingProgress) -> str:
    """Describe the model that a cancelled run leaves.

    Parameters
    ----------
    name : str
        The new model.
    progress : TrainingProgress
        What it had reached.

    Returns
    -------
    str
        Scores before and after, and where the model is.
    """
    return f"Cancelled: {_describe_kept(name, progress)}"


def describe_failed(reason: str, name: str, progress: TrainingProgress) -> str:
    """Describe the model that a run leaves which something has ended.

    Parameters
    ----------
    reason : str
        What has ended it, and what to do, in sentences.
    name : str
        The new model.
    progress : TrainingProgress
        What it had reached.

    Returns
    -------
    str
        The reason, then scores before and after, and where the model is.
    """
    return f"{reason} {_describe_kept(name, progress)}"


def _describe_kept(name: str, progress: TrainingProgress) -> str:
    scores = [progress.start_score, progress.best_score]
    known = [write_score(score) for score in scores if score is not None]
    reached = f" ({' → '.join(known)} on the held-out part)" if known else ""
    return (
        f"{name} has the best weights so far{reached}, and is chosen now, here and "
        "under Segment nuclei."
    )


def describe_result(result: FineTuned) -> str:
    """Describe whether fine-tuning helped, and what to do next.

    Parameters
    ----------
    result : FineTuned
        How the run ended.

    Returns
    -------
    str
        Scores before and after, what has become of the model, and what would help.
    """
    parts = [result.verdict or _compare(result)]
    if result.is_better:
        parts.append(f"{result.name} is chosen now, here and under Segment nuclei.")
    else:
        parts.append("No model was added.")
    if result.advice:
        parts.append(result.advice)
    return " ".join(parts)


def _compare(result: FineTuned) -> str:
    """Compare two scores of which nothing else is known."""
    after = write_score(result.score)
    if result.start_score is None:
        return f"{result.name} scores {after} on held-out {result.held_out}."
    before = write_score(result.start_score)
    if result.is_better:
        how = "is" if result.score > result.start_score else "may be"  # by its loss
        return (
            f"{result.name} {how} better than {result.start}: {before} → {after} on "
            f"held-out {result.held_out}."
        )
    return (
        f"Training found nothing better than {result.start}, which scores {before} on "
        f"held-out {result.held_out}."
    )
