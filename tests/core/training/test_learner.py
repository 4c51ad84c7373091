from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.training import learner
from napari_unet_nuclei.core.training.learner import Learner
from napari_unet_nuclei.core.training.losses import make_loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_unet_nuclei.core.models.bundle import ModelBundle
    from napari_unet_nuclei.core.settings.training import TrainingSettings


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="PyTorch prepares no steps"
)
def test_a_step_is_prepared_once(
    tiny_bundle: ModelBundle,
    settings: TrainingSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared = []

    def make(name: str, n_replayed: int) -> Callable[..., Any]:
        loss = make_loss(name, n_replayed)

        def note(truth: Any, prediction: Any) -> Any:
            prepared.append(name)
            return loss(truth, prediction)

        return note

    monkeypatch.setattr(learner, "make_loss", make)
    made = Learner(settings, tiny_bundle)
    crops = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    losses = [made.train_on(crops, crops, 0.01)["loss"] for _ in range(3)]
    assert len(prepared) == 1
    assert losses[2] < losses[0]
