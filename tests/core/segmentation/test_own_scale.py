"""A model that was tuned on rescaled images sees such images at a steady scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.settings.choices import Architecture
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps

CONFIG = ModelConfig(
    architecture=Architecture.CLASSIC,
    stride=4,
    margin=9,
    diameter=20.0,
    image_diameter=40.0,
)


class Bright:
    """Finds what is bright, and remembers the heights of what it saw."""

    description = "bright"

    def __init__(self, probability: float) -> None:
        self.probability = probability
        self.heights: list[int] = []

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.heights.append(batch.shape[1])
        maps = np.zeros(batch.shape, np.float32)
        maps[..., 0] = np.where(batch[..., 0] > 0.5, self.probability, 0)
        return maps


def discs(diameter: int, n_a_side: int = 6) -> NDArray[np.float32]:
    """A lattice of bright discs, two diameters apart."""
    period = 2 * diameter
    y, x = np.mgrid[: n_a_side * period, : n_a_side * period] % period - diameter
    return ((y**2 + x**2) <= (diameter / 2) ** 2).astype(np.float32)


def see(engine: Any, image: NDArray[np.float32], **settings: Any) -> Maps:
    chosen = SegmentationSettings(**settings)
    return exhaust(iter_plane_maps(engine, CONFIG, image, chosen))


@pytest.mark.parametrize("probability", [0.8, 1.0])
@pytest.mark.parametrize("diameter", [32, 40, 50])
def test_images_of_the_microscope_are_seen_at_one_scale_in_one_pass(
    diameter: int, probability: float
) -> None:
    engine = Bright(probability)
    image = discs(diameter)
    maps = see(engine, image)
    assert maps.scale == 0.5
    assert len(engine.heights) == 1
    assert engine.heights[0] < len(image)
    assert maps.foreground.shape == image.shape


@pytest.mark.parametrize(("diameter", "scale"), [(20, 1), (24, 1), (90, 20 / 90)])
def test_other_images_are_seen_as_by_any_model(diameter: int, scale: float) -> None:
    maps = see(Bright(0.8), discs(diameter))
    assert maps.scale == pytest.approx(scale, rel=0.2)


def test_with_too_few_nuclei_to_tell_the_scale_stays() -> None:
    assert see(Bright(0.8), discs(40, n_a_side=1)).scale == 0.5


def test_a_diameter_that_is_given_counts_more() -> None:
    assert see(Bright(0.8), discs(40), diameter=20).scale == 1
