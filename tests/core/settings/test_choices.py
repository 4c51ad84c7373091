from __future__ import annotations

import pytest

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import (
    Architecture,
    EngineName,
    LossTerm,
    parse_architecture,
    parse_engine,
    parse_loss,
)
from napari_unet_nuclei.core.settings.training import TrainingSettings


def test_architectures_are_known_by_name() -> None:
    assert parse_architecture("classic") is Architecture.CLASSIC
    assert parse_architecture(Architecture.RESNET) is Architecture.RESNET
    with pytest.raises(SettingsError, match=r"one of classic, resnet.*'vgg'"):
        parse_architecture("vgg")


def test_losses_are_known_by_name() -> None:
    assert parse_loss("focal") == (LossTerm.FOCAL,)
    assert parse_loss("tversky + dice") == (LossTerm.TVERSKY, LossTerm.DICE)
    default = TrainingSettings(epochs=1).loss
    assert parse_loss(default) == (LossTerm.BINARY_CROSSENTROPY, LossTerm.DICE)
    for name in "", "dice+", "hinge":
        with pytest.raises(SettingsError, match="The loss must be one of binary_cross"):
            parse_loss(name)


def test_engines_are_known_by_name() -> None:
    assert parse_engine("keras") is EngineName.KERAS
    assert parse_engine(EngineName.AUTO) is EngineName.AUTO
    with pytest.raises(SettingsError, match=r"one of auto, openvino, keras.*'onnx'"):
        parse_engine("onnx")
