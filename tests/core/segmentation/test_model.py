from __future__ import annotations

import math
import subprocess
import sys
import threading
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
from napari_unet_nuclei.core.errors import (
    EngineError,
    ImageError,
    ModelError,
    OutOfMemoryError,
    SettingsError,
)
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.images.channels import to_planes
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.models.bundle import ModelBundle
from napari_unet_nuclei.core.models.config import MAPS, ModelConfig
from napari_unet_nuclei.core.progress import PlaneDone, TileDone, exhaust
from napari_unet_nuclei.core.segmentation import model as prediction
from napari_unet_nuclei.core.segmentation.model import (
    Model,
    load_model,
    segment,
)
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.settings.choices import Architecture, EngineName
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Generator

DEFAULT = SegmentationSettings()
CONFIG = ModelConfig(
    architecture=Architecture.CLASSIC, multiple=4, margin=9, diameter=10.0
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


class NoBoundary(Grey):
    """Engine that finds nuclei of which none touch."""

    def predict(self, tiles: np.ndarray) -> np.ndarray:
        return super().predict(tiles) * np.float32([1, 0, 1])


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


def make_model(engine: Grey | None = None) -> Model:
    return Model(ModelBundle(name="test", config=CONFIG, weights={}), engine or Grey())


def predict(engine: Grey, image: np.ndarray, max_area: int) -> Maps:
    return exhaust(iter_plane_maps(engine, CONFIG, image, AS_IT_IS, max_area=max_area))


def squares(*corners: tuple[int, int], shape: tuple[int, int] = (40, 50)) -> np.ndarray:
    """White squares of 8 px on black."""
    image = np.zeros(shape, np.uint8)
    for y, x in corners:
        image[y : y + 8, x : x + 8] = 255
    return image


@given(
    shape=st.tuples(st.integers(1, 700), st.integers(1, 700)),
    max_area=st.integers(1, 300_000),
)
@settings(max_examples=40, deadline=None)
def test_tiled_maps_equal_those_of_the_whole_image(shape, max_area):
    image = np.random.default_rng(0).random(shape, np.float32)
    engine = Strided()
    tiled, whole = (predict(engine, image, area) for area in (max_area, 10**6))
    for one, two in zip(tiled.planes, whole.planes, strict=True):
        assert one.shape == shape
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_large_images_are_cut_into_tiles_of_one_size():
    engine = Strided()
    image = np.random.default_rng(0).random((600, 800))
    predict(engine, image, 256**2)
    assert len(engine.shapes) > 6
    assert len(set(engine.shapes)) == 1
    assert np.prod(engine.shapes[0]) <= 256**2


def test_a_pixel_has_the_same_map_in_every_tile():
    image = np.random.default_rng(0).integers(0, 5000, (390, 410, 3), np.uint16)
    planes = to_planes(image)
    expected = normalise(planes, intensity_limits(planes))
    for max_area in 1, 10**6:
        maps = predict(Grey(), image, max_area)
        np.testing.assert_array_equal(np.stack(maps.planes, axis=-1), expected)


@pytest.fixture(autouse=True)
def unlimited(monkeypatch):
    """Test alike in a container and outside of one."""
    monkeypatch.setattr(hardware, "is_memory_limited", lambda: False)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -3, 7])
def test_maps_are_probabilities_whatever_the_network_gives(value):
    class Odd(Grey):
        def predict(self, tiles: np.ndarray) -> np.ndarray:
            maps = super().predict(tiles).copy()
            maps[:, 3, 4] = value
            return maps

    maps = predict(Odd(), np.zeros((60, 70)), 10**6)
    expected = 0 if np.isnan(value) else np.clip(value, 0, 1)
    for plane in maps.planes:
        assert plane[3, 4] == expected
        assert 0 <= plane.min() <= plane.max() <= 1


def test_too_few_maps_are_refused():
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


def test_smaller_tiles_are_tried_when_memory_is_short():
    image = np.random.default_rng(0).random((500, 600), np.float32)
    with pytest.warns(UserWarning, match="going on with smaller ones") as warned:
        tiled = predict(Narrow(), image, 10**6)
    assert "tiles of 512x640 px" in str(warned[0].message)
    whole = predict(Strided(), image, 10**6)
    np.testing.assert_allclose(
        np.stack(tiled.planes), np.stack(whole.planes), atol=1e-5
    )


def test_memory_that_suffices_for_no_tile_is_an_error():
    class Full(Grey):
        def predict(self, tiles: np.ndarray) -> np.ndarray:
            raise OutOfMemoryError("no memory")

    with (
        pytest.warns(UserWarning, match="smaller"),
        pytest.raises(OutOfMemoryError, match="no memory"),
    ):
        predict(Full(), np.zeros((500, 600)), 10**6)


def test_tiles_are_sized_by_the_free_memory(monkeypatch):
    monkeypatch.setattr(hardware, "free_memory", lambda: 2 * 160 * 100_000)
    engine = Strided()
    image = np.zeros((500, 600))
    exhaust(iter_plane_maps(engine, CONFIG, image, AS_IT_IS))
    assert max(np.prod(shape) for shape in engine.shapes) <= 100_000
    monkeypatch.undo()
    engine.shapes.clear()
    exhaust(iter_plane_maps(engine, CONFIG, image, AS_IT_IS))
    assert engine.shapes == [(512, 640)]


def test_maps_that_fill_the_memory_are_split_from_a_file(monkeypatch):
    image, _ = draw_nuclei(0, (96, 96))
    stack = PlaneStack(np.stack([image, image[::-1], image.T]), "ZYX")
    model = make_model()
    in_memory = exhaust(model.iter_maps(stack, DEFAULT))
    # Half of it does not hold the nine maps, all of it what a plane takes and labels.
    monkeypatch.setattr(hardware, "free_memory", lambda: 50 * image.size)
    in_file = exhaust(model.iter_maps(stack, DEFAULT))
    for one, other in zip(in_memory, in_file, strict=True):
        assert one.scale == other.scale
        for kind in MAPS:
            np.testing.assert_array_equal(getattr(one, kind), getattr(other, kind))
    np.testing.assert_array_equal(
        exhaust(model.iter_split(stack, in_memory, DEFAULT)),
        exhaust(model.iter_split(stack, in_file, DEFAULT)),
    )


class Unread:
    """Image that ends the test when it is read."""

    dtype = np.uint8

    def __init__(self, *shape):
        self.shape = shape

    def __getitem__(self, index):
        raise AssertionError("read though it is too large")


@pytest.mark.parametrize(
    ("shape", "axes", "expected"),
    [
        ((9_000, 10_000), None, r"9000x10000 px, about 2\.2 GB"),
        ((500, 1000, 1000), "TYX", r"500 planes of 1000x1000 px, about 2\.0 GB"),
    ],
)
def test_an_image_that_would_end_the_process_is_refused_unread(
    shape, axes, expected, monkeypatch
):
    monkeypatch.setattr(hardware, "total_memory", lambda: 1_900_000_000)
    image = Unread(*shape)
    expected += r" to segment, where this computer has 1\.9 GB\. Cut it into pieces"
    with pytest.raises(ImageError, match=expected):
        make_model().segment(image, axes=axes)
    with pytest.raises(ImageError, match=expected):
        next(make_model().iter_maps(PlaneStack(image, axes), DEFAULT))
    if axes is None:
        with pytest.raises(ImageError, match=expected):
            make_model().maps(image)


def test_of_an_image_that_fills_the_memory_is_warned_once(monkeypatch):
    monkeypatch.setattr(hardware, "free_memory", lambda: 100_000)
    image = np.zeros((3, 60, 60), np.uint8)
    with pytest.warns(UserWarning, match="3 planes of 60x60 px, about") as warned:
        make_model().segment(image, axes="ZYX")
    assert len([each for each in warned if "planes of" in str(each.message)]) == 1


def test_every_tile_is_reported():
    steps = iter_plane_maps(Grey(), CONFIG, np.zeros((600, 700)), AS_IT_IS, max_area=1)
    done = list(steps)
    assert done == [TileDone(n, len(done)) for n in range(1, len(done) + 1)]
    assert len(done) > 4


@pytest.mark.parametrize("shape", [(64, 64), (128, 64)])
def test_flips_and_turns_are_averaged(shape):
    image = np.random.default_rng(0).random(shape, np.float32)
    image.flat[:2] = 0, 1
    engine = Strided()
    tta = replace(AS_IT_IS, tta=True)
    maps = make_model(engine).maps(image, tta)
    assert len(engine.shapes) == 8
    planes = to_planes(image)
    pixels = normalise(planes, intensity_limits(planes))
    expected = np.zeros_like(pixels)
    for flip in (False, True):
        for turns in range(4):
            seen = np.rot90(pixels[::-1] if flip else pixels, turns)
            back = np.rot90(engine.predict(seen[np.newaxis])[0], -turns)
            expected += (back[::-1] if flip else back) / 8
    np.testing.assert_allclose(np.stack(maps.planes, axis=-1), expected, atol=1e-5)


@pytest.mark.parametrize(("n_symmetries", "n_looks"), [(1, 1), (2, 2), (8, 8)])
def test_only_flips_that_were_learned_are_averaged(n_symmetries, n_looks):
    image = np.random.default_rng(0).random((64, 64), np.float32)
    engine = Remembering()
    config = replace(CONFIG, n_symmetries=n_symmetries)
    tta = replace(AS_IT_IS, tta=True)
    exhaust(iter_plane_maps(engine, config, image, tta))
    assert len({pixels.tobytes() for pixels in engine.seen}) == n_looks
    if n_looks > 1:
        np.testing.assert_array_equal(engine.seen[1], engine.seen[0][:, ::-1])


def test_flips_and_turns_work_tile_by_tile():
    image = np.random.default_rng(0).random((300, 400), np.float32)
    tta = replace(AS_IT_IS, tta=True)
    tiled, whole = (
        exhaust(iter_plane_maps(Strided(), CONFIG, image, tta, max_area=area))
        for area in (1, 10**6)
    )
    np.testing.assert_allclose(
        np.stack(tiled.planes), np.stack(whole.planes), atol=1e-5
    )


@pytest.mark.parametrize(
    ("diameter", "expected"), [(20, (64, 64)), (5, (128, 128)), (10, (64, 64))]
)
def test_nuclei_are_brought_to_the_diameter_the_model_knows(diameter, expected):
    engine = Grey()
    image = ndimage.gaussian_filter(squares((10, 10), (20, 30), shape=(40, 51)), 3)
    maps = make_model(engine).maps(image, SegmentationSettings(diameter=diameter))
    assert engine.shapes == [expected]
    plain = make_model().maps(image)
    for one, two in zip(maps.planes, plain.planes, strict=True):
        assert one.shape == (40, 51)
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, two, atol=0.1)


def test_a_tiny_image_survives_rescaling():
    settings = SegmentationSettings(diameter=2000)
    assert make_model().segment(np.eye(3), settings).shape == (3, 3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1, 3), (33, 7, 4)])
def test_images_of_any_size_and_colour_are_segmented(shape):
    labels = make_model().segment(np.zeros(shape, np.uint8))
    assert labels.shape == shape[:2]
    assert labels.dtype == np.int32
    assert not labels.any()


def test_white_squares_are_nuclei():
    image = squares((4, 4), (20, 30))
    labels = make_model().segment(image)
    np.testing.assert_array_equal(labels > 0, image > 0)
    assert labels.max() == 2


def test_settings_are_obeyed():
    image = squares((4, 4), (20, 30))
    image[4:12, 4:12] = 200
    model = make_model()
    assert model.segment(image).max() == 2
    assert model.segment(image, SegmentationSettings(threshold=0.8)).max() == 1
    assert model.segment(image, SegmentationSettings(min_area=65)).max() == 0


def test_planes_of_a_stack_are_segmented_one_by_one():
    planes = [squares((4, 4)), squares(), squares((4, 4), (20, 30))]
    # Each plane has its own contrast.
    stack = np.stack([planes[0] // 20, planes[1], planes[2]])
    model = make_model()
    labels = model.segment(stack, axes="ZYX")
    assert labels.shape == stack.shape
    assert [set(np.unique(plane)) - {0} for plane in labels] == [{1}, set(), {2, 3}]
    for plane, image in zip(labels, planes, strict=True):
        np.testing.assert_array_equal(plane > 0, image > 0)


def lattice(side: int) -> np.ndarray:
    """White squares a side apart."""
    y, x = np.mgrid[:120, :120] // side % 2
    return (255 * y * x).astype(np.uint8)


@pytest.mark.parametrize(
    ("sides", "side_that_counts"),
    [((4, 10, 10, 4), 10), ((10, 4, 4, 10), 4), ((10, 0, 0, 4), 4), ((4, 10), 10)],
    ids=["most", "most are small", "those with nuclei", "the larger of two"],
)
def test_all_planes_of_a_stack_are_seen_at_one_scale(sides, side_that_counts):
    planes = [lattice(side) if side else squares(shape=(120, 120)) for side in sides]
    model = make_model(NoBoundary())
    alone = {side: model.maps(lattice(side)).scale for side in (4, 10)}
    assert alone[4] > alone[10] == 1
    expected = alone[side_that_counts]
    stack = PlaneStack(np.stack(planes), "ZYX")
    maps = exhaust(model.iter_maps(stack, DEFAULT))
    assert [plane.scale for plane in maps] == [expected] * len(planes)
    labels = model.segment(np.stack(planes), axes="ZYX")
    np.testing.assert_array_equal(
        labels, exhaust(model.iter_split(stack, maps, DEFAULT))
    )


def test_planes_decide_for_themselves_where_none_that_is_asked_has_nuclei():
    planes = [lattice(4), *[squares(shape=(120, 120))] * 3]
    maps = exhaust(
        make_model(NoBoundary()).iter_maps(PlaneStack(np.stack(planes), "ZYX"), DEFAULT)
    )
    assert [plane.scale > 1 for plane in maps] == [True, False, False, False]


def test_planes_in_the_middle_of_all_axes_say_how_large_nuclei_are():
    sides = np.full((4, 8), 10)
    sides[[1, 2, 3], [2, 4, 6]] = 4
    planes = np.stack([[lattice(side) for side in row] for row in sides])
    model = make_model(NoBoundary())
    maps = exhaust(model.iter_maps(PlaneStack(planes, "TZYX"), DEFAULT))
    assert {plane.scale for plane in maps} == {model.maps(lattice(4)).scale}


def test_planes_that_were_seen_at_the_scale_of_all_are_not_looked_at_again():
    engine = NoBoundary()
    planes = np.stack([lattice(10)] * 8)
    maps = exhaust(make_model(engine).iter_maps(PlaneStack(planes, "ZYX"), DEFAULT))
    assert len(maps) == len(engine.shapes) == 8
    make_model(engine).segment(planes, axes="ZYX")
    assert len(engine.shapes) == 16


def test_flips_wait_for_the_scale_of_a_stack():
    engine = NoBoundary()
    stack = PlaneStack(np.stack([lattice(10)] * 4), "ZYX")
    exhaust(make_model(engine).iter_maps(stack, SegmentationSettings(tta=True)))
    assert len(engine.shapes) == 3 + 4 * 8


def test_stacks_of_stacks_and_channels_work():
    stack = np.zeros((2, 3, 40, 50, 2), np.uint16)
    stack[..., 1] = squares((4, 4))
    labels = make_model().segment(stack, axes="TZYXC", channel=1)
    assert labels.shape == (2, 3, 40, 50)
    assert labels.max() == 6
    assert len(np.unique(labels)) == 7


def test_an_empty_stack_has_empty_labels():
    assert make_model().segment(np.zeros((0, 8, 9)), axes="TYX").shape == (0, 8, 9)


def test_progress_counts_the_tiles_of_all_planes():
    stack = PlaneStack(np.zeros((3, 8000, 900), np.uint8), "ZYX")
    steps = make_model().iter_maps(stack, AS_IT_IS)
    assert list(steps) == [TileDone(n, 6) for n in range(1, 7)]
    # Planes are looked at for the scale first, and not again where that will do.
    done = list(make_model().iter_maps(stack, DEFAULT))
    assert done[:6] == [TileDone(n, 12) for n in range(1, 7)]
    assert done[6:] == [TileDone(n, 6) for n in (4, 5, 6)]


def test_a_prediction_can_be_stopped():
    engine = Grey()
    stack = PlaneStack(np.zeros((3, 8000, 900), np.uint8), "ZYX")
    steps = make_model(engine).iter_maps(stack, DEFAULT)
    next(steps)
    steps.close()
    assert len(engine.shapes) == 1


@pytest.fixture
def five_planes():
    """A stack and its maps."""
    stack = PlaneStack(np.stack([squares((4, 4), (20, 30))] * 5), "ZYX")
    return stack, exhaust(make_model().iter_maps(stack, DEFAULT))


def test_every_plane_that_is_split_is_reported(five_planes):
    stack, maps = five_planes
    steps = make_model().iter_split(stack, maps, DEFAULT)
    assert list(steps) == [PlaneDone(n_done, 5) for n_done in range(1, 6)]
    assert PlaneDone(2, 5).fraction == 0.4
    single = PlaneStack(squares())
    maps = exhaust(make_model().iter_maps(single, DEFAULT))
    assert list(make_model().iter_split(single, maps, DEFAULT)) == [PlaneDone(1, 1)]


def test_splitting_ends_when_nobody_waits_for_it(five_planes, monkeypatch):
    n_calls = 0

    def count(*args, **kwargs):
        nonlocal n_calls
        n_calls += 1
        return split_instances(*args, **kwargs)

    monkeypatch.setattr(prediction, "split_instances", count)
    monkeypatch.setattr(hardware, "n_processors", lambda: 1)
    steps = make_model().iter_split(*five_planes, DEFAULT)
    next(steps)
    steps.close()
    assert 1 <= n_calls <= 2


@pytest.mark.parametrize(
    ("n_processors", "n_affordable", "is_alone"),
    [(4, 4, False), (1, 4, True), (4, 1, True), (4, 0, True)],
)
def test_planes_are_split_at_once_where_processors_and_memory_allow_it(
    five_planes, monkeypatch, n_processors, n_affordable, is_alone
):
    stack, maps = five_planes
    meeting = threading.Barrier(2)
    n_alone = 0

    def meet(*args, **kwargs):
        nonlocal n_alone
        try:
            meeting.wait(0.3 if is_alone else 10)
        except threading.BrokenBarrierError:
            n_alone += 1
        return split_instances(*args, **kwargs)

    monkeypatch.setattr(prediction, "split_instances", meet)
    monkeypatch.setattr(hardware, "n_processors", lambda: n_processors)
    size = n_affordable * 32 * math.prod(stack.plane_shape)
    monkeypatch.setattr(hardware, "free_memory", lambda: size)
    planes = PlaneStack(stack.plane((0,))[np.newaxis].repeat(4, axis=0), "ZYX")
    exhaust(make_model().iter_split(planes, maps[:4], DEFAULT))
    assert n_alone == (4 if is_alone else 0)


def test_splitting_again_needs_no_network():
    engine = Grey()
    model = make_model(engine)
    image = squares((4, 4), (20, 30))
    stack = PlaneStack(image)
    maps = exhaust(model.iter_maps(stack, DEFAULT))
    n_calls = len(engine.shapes)
    labels = exhaust(model.iter_split(stack, maps, SegmentationSettings(threshold=0.2)))
    np.testing.assert_array_equal(
        labels, exhaust(model.iter_split(stack, maps, DEFAULT))
    )
    assert len(engine.shapes) == n_calls


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        (np.zeros((5, 6, 7)), {}, ImageError, "name its axes"),
        (np.zeros((5, 6, 7)), {"axes": "YX"}, SettingsError, "each of the 3 axes"),
        (np.zeros((2, 6, 7)), {"axes": "CYX"}, ImageError, "2 channels"),
        (np.zeros((6, 7)), {"channel": 2}, SettingsError, "between 0 and 0"),
        (np.zeros((6, 0)), {}, ImageError, "at least one pixel"),
        (np.zeros((6, 7), complex), {}, ImageError, "real numbers"),
        (np.zeros((6, 7)), {"threshold": 2}, SettingsError, "threshold=2"),
        (np.zeros((6, 7)), {"min_area": -1}, SettingsError, "min_area=-1"),
    ],
)
def test_what_cannot_be_segmented_says_why(image, options, error, message):
    with pytest.raises(error, match=message):
        segment(image, make_model(), **options)


def test_a_generators_result_is_handed_out():
    def count() -> Generator[int, None, str]:
        yield 1
        yield 2
        return "done"

    assert exhaust(count()) == "done"


def test_a_model_is_loaded_by_path_and_kept_warm(tiny_path):
    model = load_model(tiny_path)
    assert model.name == "tiny"
    assert model.config.margin == 22
    assert model.engine.name is EngineName.OPENVINO
    image, _ = draw_nuclei(1, (64, 80), 8)
    labels = model.segment(image)
    np.testing.assert_array_equal(labels, segment(image, model))
    np.testing.assert_array_equal(labels, segment(image, str(tiny_path)))
    assert labels.any()


def test_models_and_engines_that_are_not_there_are_refused(tiny_path):
    with pytest.raises(ModelError, match="Received: 'nowhere'"):
        load_model("nowhere")
    with pytest.raises(SettingsError, match=r"auto, openvino, keras.*'onnx'"):
        load_model(tiny_path, engine="onnx")


def test_segmenting_needs_no_keras(tiny_path):
    program = (
        "import sys, numpy as np\n"
        "from napari_unet_nuclei import segment\n"
        "print(segment(np.eye(64), sys.argv[1]).shape)\n"
        "print(sorted({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, tiny_path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.splitlines() == ["(64, 64)", "[]"]


@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [
        ("classic", {}),
        ("classic", {"stem_stride": 1, "upsampling": "bilinear"}),
        ("resnet", {}),
    ],
)
def test_a_networks_tiled_maps_and_labels_equal_the_untiled_ones(
    make_bundle, architecture, arguments
):
    bundle = make_bundle(architecture, **arguments)
    engine = KerasEngine.from_bundle(bundle)
    as_it_is = SegmentationSettings(diameter=bundle.config.diameter)
    image, _ = draw_nuclei(2, (301, 350), 140, diameter=12)
    tiled, whole = (
        exhaust(iter_plane_maps(engine, bundle.config, image, as_it_is, max_area=area))
        for area in (1, 10**6)
    )
    np.testing.assert_allclose(
        np.stack(tiled.planes), np.stack(whole.planes), atol=1e-4
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


def test_a_margin_that_is_too_small_would_show(make_bundle):
    bundle = make_bundle()
    engine = KerasEngine.from_bundle(bundle)
    as_it_is = SegmentationSettings(diameter=bundle.config.diameter)
    image, _ = draw_nuclei(2, (301, 350), 140, diameter=12)
    short = replace(bundle.config, margin=4)
    tiled, whole = (
        exhaust(iter_plane_maps(engine, config, image, as_it_is, max_area=area))
        for config, area in ((short, 1), (bundle.config, 10**6))
    )
    assert np.abs(np.stack(tiled.planes) - np.stack(whole.planes)).max() > 1e-3
