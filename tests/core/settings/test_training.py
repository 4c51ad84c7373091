from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import (
    Architecture,
)
from napari_unet_nuclei.core.settings.training import TrainingSettings

if TYPE_CHECKING:
    from typing import Any


def test_the_defaults_can_be_used() -> None:
    assert TrainingSettings(epochs=1).architecture is Architecture.RESNET


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"crop_size": 0}, "positive multiple of 32 px.*crop_size=0"),
        ({"crop_size": 100}, "positive multiple of 32 px.*crop_size=100"),
        ({"batch_size": 0}, "batch size must be 1 or more.*batch_size=0"),
        (
            {"steps_per_epoch": -3},
            r"steps per epoch must be 1.*steps_per_epoch=-3",
        ),
        ({"epochs": 0}, "epochs must be 1 or more.*0"),
        ({"patience": 0}, "patience must be 1 or more.*0"),
        ({"seed": -1}, "seed must be 0 or more.*-1"),
        ({"weight_decay": -0.1}, "weight decay must be 0 or more.*weight_decay=-0.1"),
        ({"epochs": None}, "either how many epochs or how many minutes.*epochs=None"),
        ({"minutes": 5}, "either how many epochs or how many minutes.*minutes=5"),
        ({"epochs": None, "minutes": 0}, "minutes to train must be positive.*0"),
        (
            {"epochs": None, "minutes": math.nan},
            "minutes to train must be positive.*nan",
        ),
        (
            {"validation_fraction": 0},
            "validation fraction must lie between 0 and 1.*=0",
        ),
        (
            {"validation_fraction": 1},
            "validation fraction must lie between 0 and 1.*=1",
        ),
        ({"ema_momentum": 1.0}, r"must lie in \[0, 1\).*ema_momentum=1.0"),
        ({"ema_momentum": -0.1}, r"must lie in \[0, 1\).*ema_momentum=-0.1"),
        ({"start_weight": 1.0}, r"The start weight must lie in \[0, 1\).*weight=1.0"),
        ({"start_weight": -0.1}, r"The start weight must lie in \[0, 1\).*weight=-0.1"),
        ({"learning_rate": 0}, "learning rate must be positive.*0"),
        ({"grow": -1}, "number of blocks to grow by must be 0 or more.*grow=-1"),
        (
            {"plateau_patience": 0},
            r"plateau patience must be 1.*plateau_patience=0",
        ),
        ({"plateau_factor": 0}, "factor of a plateau must lie between 0 and 1.*=0"),
        ({"plateau_factor": 1}, "factor of a plateau must lie between 0 and 1.*=1"),
        ({"monitor": "pq"}, "monitor must be of Monitor: dsb2018.*Received: 'pq'"),
        (
            {"augmentation": "flips"},
            "augmentation must be of Augmentation: all, strong",
        ),
        ({"schedule": 3}, "schedule must be of Schedule: cosine, plateau.*Received: 3"),
        ({"loss": "dice+hinge"}, "sum such as binary_crossentropy.*'dice.hinge'"),
        (
            {"architecture": Architecture.IMPORTED},
            "trained from scratch. Received: 'imported'; make a model",
        ),
        (
            {"architecture": Architecture.ENSEMBLE},
            "trained from scratch. Received: 'ensemble'; make a model",
        ),
    ],
)
def test_training_settings_out_of_range_are_refused(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        TrainingSettings(**{"epochs": 1, **values})


def test_fine_tuning_takes_smaller_steps_unless_told_otherwise() -> None:
    settings = TrainingSettings(epochs=1)
    fine, scratch = (
        settings.peak_learning_rate(is_fine_tuning=value) for value in (True, False)
    )
    assert 0 < fine < scratch
    chosen = TrainingSettings(epochs=1, learning_rate=0.5)
    assert chosen.peak_learning_rate(is_fine_tuning=True) == 0.5
    assert chosen.peak_learning_rate(is_fine_tuning=False) == 0.5
