"""A model without a network, whose maps can be told from the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.models.bundle import ModelBundle
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.segmentation.model import Model
from napari_unet_nuclei.core.settings.choices import Architecture, EngineName

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CONFIG = ModelConfig(
    architecture=Architecture.CLASSIC, stride=4, margin=9, diameter=10.0
)


class ChannelEngine:
    """Engine whose maps are the channels it is given; notes what it is given."""

    name = EngineName.KERAS
    description = "test"

    def __init__(self, factors: tuple[int, int, int]) -> None:
        self.factors = np.float32(factors)
        self.shapes: list[tuple[int, ...]] = []

    def predict(self, tiles: NDArray[np.float32]) -> NDArray[np.float32]:
        assert tiles.dtype == np.float32
        assert tiles.min() >= 0
        assert tiles.max() <= 1
        self.shapes.append(tiles.shape[1:3])
        return tiles * self.factors


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test alike in a container and outside of one."""
    monkeypatch.setattr(hardware, "is_memory_limited", lambda: False)


@pytest.fixture
def make_model() -> Callable[..., Model]:
    """Make a model that sees white nuclei; none of them touch unless ``touching``."""

    def make(*, touching: bool = True) -> Model:
        bundle = ModelBundle(name="test", config=CONFIG, weights={})
        return Model(bundle, ChannelEngine((1, int(touching), 1)))

    return make


@pytest.fixture
def squares() -> Callable[..., NDArray[np.uint8]]:
    """Draw white squares of 8 px on black, at ``(y, x)``, …."""

    def draw(
        *corners: tuple[int, int], shape: tuple[int, int] = (40, 50)
    ) -> NDArray[np.uint8]:
        image = np.zeros(shape, np.uint8)
        for y, x in corners:
            image[y : y + 8, x : x + 8] = 255
        return image

    return draw
