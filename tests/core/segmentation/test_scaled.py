from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.scale_policy import ScalePolicy
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.settings.choices import Architecture
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps

CONFIG = ModelConfig(
    architecture=Architecture.CLASSIC, stride=4, margin=9, diameter=20.0
)


class Bright:
    """Finds what is bright, as surely as it is told, and remembers what it saw."""

    description = "bright"

    def __init__(self, probability: Any = 1.0) -> None:
        self.probability = probability
        self.shapes = []

    def predict(self, batch: Any) -> Any:
        self.shapes.append(batch.shape[1:3])
        maps = np.zeros(batch.shape, np.float32)
        maps[..., 0] = np.where(batch[..., 0] > 0.5, self.probability, 0)
        return maps


def discs(diameter: int, n_a_side: int = 6) -> NDArray[Any]:
    """A lattice of bright discs, two diameters apart."""
    period = 2 * diameter
    y, x = np.mgrid[: n_a_side * period, : n_a_side * period] % period - diameter
    return ((y**2 + x**2) <= (diameter / 2) ** 2).astype(np.float32)


def segment(
    engine: Bright | NearSighted | Shy, image: NDArray[Any], **settings: Any
) -> Maps:
    settings = SegmentationSettings(**settings)
    return exhaust(iter_plane_maps(engine, CONFIG, image, settings))


@pytest.mark.parametrize(
    ("diameter", "probability", "scale"),
    [
        (6, 1.0, 20 / 6),
        (15, 0.8, 1),
        (24, 0.8, 1),
        (48, 0.8, 20 / 48),
        (48, 1.0, 1),
        (64, 1.0, 20 / 64),
    ],
    ids=[
        "small",
        "rather small",
        "rather large",
        "large",
        "large but confident",
        "huge",
    ],
)
def test_nuclei_far_from_the_typical_diameter_are_seen_at_another_scale(
    diameter: int, probability: float, scale: float
) -> None:
    image = discs(diameter)
    maps = segment(Bright(probability), image)
    assert maps.scale == pytest.approx(scale, rel=0.2)
    assert maps.foreground.shape == image.shape
    assert ((maps.foreground > 0.4) == (image > 0.5)).mean() > 0.97


def test_estimates_are_compared_with_that_of_the_training_images() -> None:
    irregular = replace(CONFIG, estimated_diameter=40.0)
    steps = iter_plane_maps(Bright(0.8), irregular, discs(48), SegmentationSettings())
    assert exhaust(steps).scale == 1


def test_a_diameter_that_is_given_is_taken() -> None:
    engine = Bright()
    maps = segment(engine, discs(6), diameter=10)
    assert maps.scale == 2
    assert len(engine.shapes) == 1


def test_an_image_without_nuclei_keeps_its_scale() -> None:
    engine = Bright(0)
    assert segment(engine, np.random.default_rng(0).random((90, 80))).scale == 1
    assert len(engine.shapes) == 1
    assert segment(engine, np.zeros((90, 80))).scale == 1
    assert len(engine.shapes) == 2


class NearSighted(Bright):
    """Has less confidence in large images: a pattern of 20 px in the nuclei."""

    confident = 0.8

    def predict(self, batch: Any) -> Any:
        maps = super().predict(batch)
        if batch.shape[1] > 300:
            y, x = np.mgrid[: batch.shape[1], : batch.shape[2]] // 20
            maps *= self.confident * ((x + y) % 2)[..., np.newaxis]
        return maps


def test_texture_of_blurred_nuclei_is_looked_at_from_further_away() -> None:
    image = discs(120, n_a_side=3)
    blurred = ndimage.gaussian_filter(image, 8)
    maps = segment(NearSighted(), blurred)
    assert maps.scale == 1 / 4
    assert ((maps.foreground > 0.5) == (image > 0.5)).mean() > 0.97


@pytest.mark.parametrize(("confident", "scale"), [(0.85, 1), (0.75, 1 / 4)])
def test_texture_of_a_sharp_image_is_believed_unless_there_is_doubt(
    confident: float, scale: float
) -> None:
    image = discs(120, n_a_side=3) * (0.6 + 0.4 * discs(8, n_a_side=45))
    engine = NearSighted()
    engine.confident = confident
    assert segment(engine, image).scale == scale
    assert len(engine.shapes) == (1 if scale == 1 else 2)


def test_dots_are_enlarged_no_more_than_fourfold() -> None:
    engine = Bright()
    assert segment(engine, np.eye(40)).scale == 4
    assert len(engine.shapes) == 2


def test_an_image_too_large_to_enlarge_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hardware, "free_memory", lambda: 1_000_000)
    with pytest.warns(UserWarning, match="too little memory to enlarge the image"):
        assert segment(Bright(), discs(6)).scale == 1


class Shy(Bright):
    """Finds nothing in any image but the first."""

    def predict(self, batch: Any) -> Any:
        return super().predict(batch) * (len(self.shapes) < 2)


def test_nuclei_that_rescaling_loses_are_kept() -> None:
    image = discs(6)
    maps = segment(Shy(), image)
    assert maps.scale == 1
    assert maps.foreground.max() == 1


def test_uncertain_foreground_everywhere_is_shrunk_no_more_than_sixteenfold() -> None:
    stripes = np.arange(1200) // 400 % 2 * np.ones((1200, 1))
    assert segment(Bright(0.8), stripes).scale == 1 / 16


def test_flips_wait_for_the_scale() -> None:
    engine = Bright()
    maps = segment(engine, discs(6), tta=True)
    assert maps.scale > 2
    assert len(engine.shapes) == 1 + 1 + 8


def test_default_smallest_area_follows_the_scale() -> None:
    settings = SegmentationSettings()
    assert settings.smallest_area() == 30
    assert settings.smallest_area(2.0) == 8
    assert settings.smallest_area(0.5) == 120
    assert SegmentationSettings(min_area=12).smallest_area(2.0) == 12


def test_blue_on_black_gives_the_maps_of_grey() -> None:
    grey = (discs(20) * 200).astype(np.uint8)
    blue = np.zeros((*grey.shape, 3), np.uint8)
    blue[..., 2] = grey
    np.testing.assert_array_equal(
        segment(Bright(), blue).foreground, segment(Bright(), grey).foreground
    )


def test_a_policy_says_how_far_from_typical_nuclei_may_be() -> None:
    def scale(**values: float) -> float:
        policy = ScalePolicy(**values)
        steps = iter_plane_maps(
            Bright(), CONFIG, discs(10), SegmentationSettings(), policy=policy
        )
        return exhaust(steps).scale

    assert scale() > 1
    assert scale(small=0.4) == scale(max_rescalings=0) == 1
    assert scale(max_scale=1.5) == 1.5
