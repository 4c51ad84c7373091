"""A model without a network, which is as sure of a pixel as that is bright."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.models.bundle import ModelBundle
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.segmentation.model import Model
from napari_unet_nuclei.core.settings.choices import Architecture, EngineName

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BrightnessEngine:
    """Engine whose maps are the channels it is given."""

    name = EngineName.KERAS
    description = "test"

    def predict(self, tiles: NDArray[np.float32]) -> NDArray[np.float32]:
        return tiles


@pytest.fixture
def model() -> Model:
    config = ModelConfig(
        architecture=Architecture.CLASSIC, stride=4, margin=9, diameter=12.0
    )
    return Model(
        ModelBundle(name="test", config=config, weights={}), BrightnessEngine()
    )


@pytest.fixture
def image() -> NDArray[np.uint8]:
    """Squares of 10 px: bright on the left, less bright in the middle, then none."""
    image = np.zeros((256, 768), np.uint8)
    for top in range(8, 256, 32):
        for left in range(8, 512, 32):
            image[top : top + 10, left : left + 10] = 255 if left < 256 else 190
    return image
