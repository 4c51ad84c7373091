"""What a user can choose about a run that starts from a model."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_unet_nuclei.core.settings.rules import Range, describe

_PART = Range(
    at_least=0, below=1, sentence="The {name} must lie in [{at_least}, {below})."
)


@dataclass(frozen=True, kw_only=True)
class FineTuningSettings:
    """How a run makes use of the model it starts from; without one, all this is off.

    Parameters
    ----------
    grow : int
        Residual blocks to add to each level of the ``resnet`` that training starts
        from; it computes exactly the same until it has learned more.
    start_weight : float in [0, 1)
        How much the weights of the start model count in the result of fine-tuning,
        so that less of what it knew is forgotten.
    replay : float in [0, 1)
        Part of each batch that shows what the start model knows, with its own maps as
        targets, so that it is not forgotten.
    rescale : bool
        Bring images whose nuclei are all of about one size to the size of nuclei that
        the start model knows; the model remembers at which scale to see such images.
    only_better : bool
        Write no model, and leave no log, unless it is better than the one that
        training starts from.
    """

    grow: int = field(
        default=0,
        metadata=describe(
            "Residual blocks to add to each level of the start model, a resnet: a "
            "deeper network that begins by computing exactly the same.",
            Range(
                at_least=0,
                sentence="The number of blocks to {name} by must be {at_least} or "
                "more.",
            ),
        ),
    )
    start_weight: float = field(
        default=0.0,
        metadata=describe(
            "Weight of the start model in the result, from 0 to 1: the higher, the "
            "less of what it knew is forgotten.",
            _PART,
        ),
    )
    replay: float = field(
        default=0.5,
        metadata=describe(
            "Part of each batch, when fine-tuning, that shows drawn nuclei to be seen "
            "as the start model sees them, so that less is forgotten.",
            _PART,
        ),
    )
    rescale: bool = field(
        default=True,
        metadata=describe(
            "When fine-tuning, bring images with nuclei of about one size to the size "
            "that the start model knows."
        ),
    )
    only_better: bool = field(
        default=False,
        metadata=describe(
            "Write no model unless it is better than the one it starts from."
        ),
    )
