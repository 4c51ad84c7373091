"""The model that fine-tuning starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.models.store import find_model

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet_nuclei.core.models.bundle import ModelBundle
    from napari_unet_nuclei.core.settings.training import TrainingSettings


def read_start(
    start: str | Path | None, settings: TrainingSettings
) -> ModelBundle | None:
    """Read the model to fine-tune, if there is one.

    Parameters
    ----------
    start : str or Path, optional
        Name or file of a model.
    settings : TrainingSettings
        Recipe.

    Returns
    -------
    ModelBundle or None
        ``None`` where training begins from scratch.

    Raises
    ------
    ModelError
        If there is no such model.
    TrainingError
        If the recipe needs a start model, and there is none.
    """
    if start is not None:
        return read_bundle(find_model(start))
    if settings.start_weight > 0:
        raise TrainingError(
            "Expected a model to start from, to mix its weights in. Received: "
            "{start_weight} without one; name one, as in {start}.",
            start_weight=settings.start_weight,
            start="resnet",
        )
    if settings.grow:
        raise TrainingError(
            "Expected a model to start from, to add blocks to. Received: {grow} "
            "without one; name one, as in {start}.",
            grow=settings.grow,
            start="resnet",
        )
    return None
