"""What the fine-tuning widget says about progress and results.

The messages of errors belong to the errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet_nuclei.plugin.finetune.training_events import StepEvent
    from napari_unet_nuclei.plugin.finetune.training_process import FineTuned


def describe_step(event: StepEvent) -> str:
    """Describe how far training is.

    Parameters
    ----------
    event : StepEvent
        What the process said.

    Returns
    -------
    str
        Such as ``"Epoch 3 · loss 0.412 · held-out score 0.71, the best so far"``.
    """
    if event.epoch == 0 and event.score is not None:
        return f"The model to beat scores {event.score:.2f} on the held-out part"
    parts = [f"Epoch {event.epoch}" if event.progress < 1 else "Finishing"]
    if event.loss is not None:
        parts.append(f"loss {event.loss:.3f}")
    if event.score is not None:
        best = ", the best so far" if event.is_best else ""
        parts.append(f"held-out score {event.score:.2f}{best}")
    return " · ".join(parts)


def compare_with_start(result: FineTuned) -> str:
    """Describe whether fine-tuning helped.

    Parameters
    ----------
    result : FineTuned
        How the run ended.

    Returns
    -------
    str
        The held-out scores before and after, and what to do next.
    """
    if result.start_score is None:
        return (
            f"{result.name} is ready: score {result.score:.2f} on held-out "
            f"{result.held_out}."
        )
    if result.is_better:
        return (
            f"{result.name} is better than {result.start}: {result.start_score:.2f} → "
            f"{result.score:.2f} on held-out {result.held_out}. Choose it under "
            "Segment nuclei."
        )
    return (
        f"Nothing better than {result.start} was found (it scores "
        f"{result.start_score:.2f} on held-out {result.held_out}), so no model was "
        "added. Label more nuclei or train longer."
    )
