"""Tiles of an image: their maps equal those of the whole image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.engines.keras import KerasEngine
from napari_unet_nuclei.core.errors import EngineError, OutOfMemoryError
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.progress import TileDone, exhaust
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.settings.choices import Architecture, EngineName
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CONFIG = ModelConfig(
    architecture=Architecture.CLASSIC, stride=4, margin=9, diameter=10.0
)
AS_IT_IS = SegmentationSettings(diameter=CONFIG.diameter)


class Grey:
    """Engine whose maps are the channels it is given; notes what it is given."""

    name = EngineName.KERAS
    description = "test"

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def predict(self, tiles: np.ndarray) -> np.ndarray:
        assert tiles.dtype == np.float32
        assert tiles.min() >= 0
        assert tiles.max() <= 1
        self.shapes.append(tiles.shape[1:3])
        return tiles


class Remembering(Grey):
    """Engine that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[np.ndarray] = []

    def predict(self, tiles: np.ndarray) -> np.ndarray:
        self.seen.append(tiles[0])
        return super().predict(tiles)


class Strided(Grey):
    """Engine that sees 9 px far and works on a grid of 4 px, as a network does."""

    def predict(self, tiles: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(0)
        coarse_kernel, fine_kernel = (rng.normal(size=(1, n, n, 1)) for n in (3, 5))
        tiles = super().predict(tiles)
        n, height, width, channels = tiles.shape
        assert height % 4 == width % 4 == 0
        pooled = tiles.reshape(n, height // 4, 4, width // 4, 4, channels)
        coarse = ndimage.correlate(
            pooled.mean(axis=(2, 4)), coarse_kernel, mode="constant"
        )
        fine = ndimage.correlate(
            coarse.repeat(4, axis=1).repeat(4, axis=2), fine_kernel, mode="constant"
        )
        return (1 / (1 + np.exp(-fine))).astype(np.float32)


def predict(engine: Grey, image: np.ndarray, max_area: int) -> Maps:
    return exhaust(iter_plane_maps(engine, CONFIG, image, AS_IT_IS, max_area=max_area))


@given(
    shape=st.tuples(st.integers(1, 700), st.integers(1, 700)),
    max_area=st.integers(1, 300_000),
)
@settings(max_examples=40, deadline=None)
def test_tiled_maps_equal_those_of_the_whole_image(shape: Any, max_area: Any) -> None:
    image = np.random.default_rng(0).random(shape, np.float32)
    engine = Strided()
    tiled, whole = (predict(engine, image, area) for area in (max_area, 10**6))
    for one, two in zip(tiled.arrays, whole.arrays, strict=True):
        assert one.shape == shape
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_large_images_are_cut_into_tiles_of_one_size() -> None:
    engine = Strided()
    image = np.random.default_rng(0).random((600, 800))
    predict(engine, image, 256**2)
    assert len(engine.shapes) > 6
    assert len(set(engine.shapes)) == 1
    assert np.prod(engine.shapes[0]) <= 256**2


def test_a_pixel_has_the_same_map_in_every_tile() -> None:
    image = np.random.default_rng(0).integers(0, 5000, (390, 410, 3), np.uint16)
    planes = to_channels(image)
    expected = normalise(planes, intensity_limits(planes))
    for max_area in 1, 10**6:
        maps = predict(Grey(), image, max_area)
        np.testing.assert_array_equal(np.stack(maps.arrays, axis=-1), expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -3, 7])
def test_maps_are_probabilities_whatever_the_network_gives(value: float) -> None:
    class Odd(Grey):
        def predict(self, tiles: np.ndarray) -> np.ndarray:
            maps = super().predict(tiles).copy()
            maps[:, 3, 4] = value
            return maps

    maps = predict(Odd(), np.zeros((60, 70)), 10**6)
    expected = 0 if np.isnan(value) else np.clip(value, 0, 1)
    for plane in maps.arrays:
        assert plane[3, 4] == expected
        assert 0 <= plane.min() <= plane.max() <= 1


def test_too_few_maps_are_refused() -> None:
    class Blind(Grey):
        def predict(self, tiles: np.ndarray) -> np.ndarray:
            return super().predict(tiles)[..., :1]

    with pytest.raises(EngineError, match=r"Expected maps of shape .* Received: .*, 1"):
        predict(Blind(), np.zeros((60, 70)), 10**6)


class Narrow(Strided):
    """Engine without memory for more than 70,000 px at once."""

    def predict(self, tiles: np.ndarray) -> np.ndarray:
        if tiles[..., 0].size > 70_000:
            raise OutOfMemoryError("no memory")
        return super().predict(tiles)


def test_smaller_tiles_are_tried_when_memory_is_short() -> None:
    image = np.random.default_rng(0).random((500, 600), np.float32)
    with pytest.warns(UserWarning, match="going on with smaller ones") as warned:
        tiled = predict(Narrow(), image, 10**6)
    assert "tiles of 512x640 px" in str(warned[0].message)
    whole = predict(Strided(), image, 10**6)
    np.testing.assert_allclose(
        np.stack(tiled.arrays), np.stack(whole.arrays), atol=1e-5
    )


def test_memory_that_suffices_for_no_tile_is_an_error() -> None:
    class Full(Grey):
        def predict(self, tiles: np.ndarray) -> np.ndarray:
            raise OutOfMemoryError("no memory")

    with (
        pytest.warns(UserWarning, match="smaller"),
        pytest.raises(OutOfMemoryError, match="no memory"),
    ):
        predict(Full(), np.zeros((500, 600)), 10**6)


def test_tiles_are_sized_by_the_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "free_memory", lambda: 2 * 160 * 100_000)
    engine = Strided()
    image = np.zeros((500, 600))
    exhaust(iter_plane_maps(engine, CONFIG, image, AS_IT_IS))
    assert max(np.prod(shape) for shape in engine.shapes) <= 100_000
    monkeypatch.undo()
    engine.shapes.clear()
    exhaust(iter_plane_maps(engine, CONFIG, image, AS_IT_IS))
    assert engine.shapes == [(512, 640)]


def test_every_tile_is_reported() -> None:
    steps = iter_plane_maps(Grey(), CONFIG, np.zeros((600, 700)), AS_IT_IS, max_area=1)
    done = list(steps)
    assert done == [TileDone(n, len(done)) for n in range(1, len(done) + 1)]
    assert len(done) > 4


@pytest.mark.parametrize("shape", [(64, 64), (128, 64)])
def test_flips_and_turns_are_averaged(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).random(shape, np.float32)
    image.flat[:2] = 0, 1
    engine = Strided()
    tta = replace(AS_IT_IS, tta=True)
    maps = exhaust(iter_plane_maps(engine, CONFIG, image, tta))
    assert len(engine.shapes) == 8
    planes = to_channels(image)
    pixels = normalise(planes, intensity_limits(planes))
    expected = np.zeros_like(pixels)
    for flip in (False, True):
        for turns in range(4):
            seen = np.rot90(pixels[::-1] if flip else pixels, turns)
            back = np.rot90(engine.predict(seen[np.newaxis])[0], -turns)
            expected += (back[::-1] if flip else back) / 8
    np.testing.assert_allclose(np.stack(maps.arrays, axis=-1), expected, atol=1e-5)


@pytest.mark.parametrize(("n_symmetries", "n_looks"), [(1, 1), (2, 2), (8, 8)])
def test_only_flips_that_were_learned_are_averaged(
    n_symmetries: int, n_looks: int
) -> None:
    image = np.random.default_rng(0).random((64, 64), np.float32)
    engine = Remembering()
    config = replace(CONFIG, n_symmetries=n_symmetries)
    tta = replace(AS_IT_IS, tta=True)
    exhaust(iter_plane_maps(engine, config, image, tta))
    assert len({pixels.tobytes() for pixels in engine.seen}) == n_looks
    if n_looks > 1:
        np.testing.assert_array_equal(engine.seen[1], engine.seen[0][:, ::-1])


def test_flips_and_turns_work_tile_by_tile() -> None:
    image = np.random.default_rng(0).random((300, 400), np.float32)
    tta = replace(AS_IT_IS, tta=True)
    tiled, whole = (
        exhaust(iter_plane_maps(Strided(), CONFIG, image, tta, max_area=area))
        for area in (1, 10**6)
    )
    np.testing.assert_allclose(
        np.stack(tiled.arrays), np.stack(whole.arrays), atol=1e-5
    )


@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [
        ("classic", {}),
        ("classic", {"stem_stride": 1, "upsampling": "bilinear"}),
        ("resnet", {}),
    ],
)
def test_a_networks_tiled_maps_and_labels_equal_the_untiled_ones(
    make_bundle: Callable[..., Any], architecture: str, arguments: dict[Any, Any]
) -> None:
    bundle = make_bundle(architecture, **arguments)
    engine = KerasEngine.from_bundle(bundle)
    as_it_is = SegmentationSettings(diameter=bundle.config.diameter)
    image, _ = draw_nuclei(2, (301, 350), 140, diameter=12)
    tiled, whole = (
        exhaust(iter_plane_maps(engine, bundle.config, image, as_it_is, max_area=area))
        for area in (1, 10**6)
    )
    np.testing.assert_allclose(
        np.stack(tiled.arrays), np.stack(whole.arrays), atol=1e-4
    )
    # What has learned nothing finds nuclei only where it is told to look.
    parameters = SplittingParameters(
        threshold=float(np.quantile(whole.foreground, 0.7)),
        seed_threshold=float(np.quantile(whole.distance, 0.7)),
        min_confidence=0,
    )
    labels = [split_instances(maps, parameters) for maps in (tiled, whole)]
    np.testing.assert_array_equal(*labels)
    assert labels[0].max() > 20


def test_a_margin_that_is_too_small_would_show(make_bundle: Callable[..., Any]) -> None:
    bundle = make_bundle()
    engine = KerasEngine.from_bundle(bundle)
    as_it_is = SegmentationSettings(diameter=bundle.config.diameter)
    image, _ = draw_nuclei(2, (301, 350), 140, diameter=12)
    short = replace(bundle.config, margin=4)
    tiled, whole = (
        exhaust(iter_plane_maps(engine, config, image, as_it_is, max_area=area))
        for config, area in ((short, 1), (bundle.config, 10**6))
    )
    assert np.abs(np.stack(tiled.arrays) - np.stack(whole.arrays)).max() > 1e-3
