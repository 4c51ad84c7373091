"""The main job: planes become maps and labels, one path for all who ask."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.models.config import MAPS
from napari_unet_nuclei.core.progress import PlaneDone, TileDone, exhaust
from napari_unet_nuclei.core.segmentation import stacks
from napari_unet_nuclei.core.segmentation.stacks import iter_segmentation, iter_split
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.segmentation.model import Model

DEFAULT = SegmentationSettings()
AS_IT_IS = SegmentationSettings(diameter=10)


def maps_of(
    model: Model, stack: PlaneStack, settings: SegmentationSettings = DEFAULT
) -> list[Maps]:
    """What the network says of each plane."""
    return exhaust(iter_segmentation(model, stack, settings, keeps_maps=True)).maps


def test_maps_that_fill_the_memory_are_split_from_a_file(
    make_model: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    image, _ = draw_nuclei(0, (96, 96))
    stack = PlaneStack(np.stack([image, image[::-1], image.T]), "ZYX")
    model = make_model()
    in_memory = maps_of(model, stack)
    # Half of it does not hold the nine maps, all of it what a plane takes and labels.
    monkeypatch.setattr(hardware, "free_memory", lambda: 50 * image.size)
    in_file = maps_of(model, stack)
    for one, other in zip(in_memory, in_file, strict=True):
        assert one.scale == other.scale
        for kind in MAPS:
            np.testing.assert_array_equal(getattr(one, kind), getattr(other, kind))
    np.testing.assert_array_equal(
        exhaust(iter_split(model, stack, in_memory, DEFAULT)),
        exhaust(iter_split(model, stack, in_file, DEFAULT)),
    )


def test_of_an_image_that_fills_the_memory_is_warned_once(
    make_model: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "free_memory", lambda: 100_000)
    image = np.zeros((3, 60, 60), np.uint8)
    with pytest.warns(UserWarning, match="3 planes of 60x60 px, about") as warned:
        make_model().segment(image, axes="ZYX")
    assert len([each for each in warned if "planes of" in str(each.message)]) == 1


def test_planes_of_a_stack_are_segmented_one_by_one(
    make_model: Callable[..., Any], squares: Callable[..., Any]
) -> None:
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
def test_all_planes_of_a_stack_are_seen_at_one_scale(
    make_model: Callable[..., Any],
    squares: Callable[..., Any],
    sides: tuple[int, ...],
    side_that_counts: int,
) -> None:
    planes = [lattice(side) if side else squares(shape=(120, 120)) for side in sides]
    model = make_model(touching=False)
    alone = {side: model.maps(lattice(side)).scale for side in (4, 10)}
    assert alone[4] > alone[10] == 1
    expected = alone[side_that_counts]
    stack = PlaneStack(np.stack(planes), "ZYX")
    maps = maps_of(model, stack)
    assert [plane.scale for plane in maps] == [expected] * len(planes)
    labels = model.segment(np.stack(planes), axes="ZYX")
    np.testing.assert_array_equal(
        labels, exhaust(iter_split(model, stack, maps, DEFAULT))
    )


def test_planes_decide_for_themselves_where_none_that_is_asked_has_nuclei(
    make_model: Callable[..., Any], squares: Callable[..., Any]
) -> None:
    planes = [lattice(4), *[squares(shape=(120, 120))] * 3]
    maps = maps_of(make_model(touching=False), PlaneStack(np.stack(planes), "ZYX"))
    assert [plane.scale > 1 for plane in maps] == [True, False, False, False]


def test_planes_in_the_middle_of_all_axes_say_how_large_nuclei_are(
    make_model: Callable[..., Any],
) -> None:
    sides = np.full((4, 8), 10)
    sides[[1, 2, 3], [2, 4, 6]] = 4
    planes = np.stack([[lattice(side) for side in row] for row in sides])
    model = make_model(touching=False)
    maps = maps_of(model, PlaneStack(planes, "TZYX"))
    assert {plane.scale for plane in maps} == {model.maps(lattice(4)).scale}


def test_planes_that_were_seen_at_the_scale_of_all_are_not_looked_at_again(
    make_model: Callable[..., Any],
) -> None:
    model = make_model(touching=False)
    planes = np.stack([lattice(10)] * 8)
    maps = maps_of(model, PlaneStack(planes, "ZYX"))
    assert len(maps) == len(model.engine.shapes) == 8
    model.segment(planes, axes="ZYX")
    assert len(model.engine.shapes) == 16


def test_flips_wait_for_the_scale_of_a_stack(make_model: Callable[..., Any]) -> None:
    model = make_model(touching=False)
    stack = PlaneStack(np.stack([lattice(10)] * 4), "ZYX")
    exhaust(iter_segmentation(model, stack, SegmentationSettings(tta=True)))
    assert len(model.engine.shapes) == 3 + 4 * 8


def test_stacks_of_stacks_and_channels_work(
    make_model: Callable[..., Any], squares: Callable[..., Any]
) -> None:
    stack = np.zeros((2, 3, 40, 50, 2), np.uint16)
    stack[..., 1] = squares((4, 4))
    labels = make_model().segment(stack, axes="TZYXC", channel=1)
    assert labels.shape == (2, 3, 40, 50)
    assert labels.max() == 6
    assert len(np.unique(labels)) == 7


def test_an_empty_stack_has_empty_labels(make_model: Callable[..., Any]) -> None:
    assert make_model().segment(np.zeros((0, 8, 9)), axes="TYX").shape == (0, 8, 9)


def test_progress_counts_the_tiles_of_all_planes(
    make_model: Callable[..., Any],
) -> None:
    stack = PlaneStack(np.zeros((3, 8000, 900), np.uint8), "ZYX")
    split = [PlaneDone(n, 3) for n in range(4)]
    steps = iter_segmentation(make_model(), stack, AS_IT_IS)
    assert list(steps) == [*(TileDone(n, 6) for n in range(1, 7)), *split]
    # Planes are looked at for the scale first, and not again where that will do.
    done = list(iter_segmentation(make_model(), stack, DEFAULT))
    assert done[:6] == [TileDone(n, 12) for n in range(1, 7)]
    assert done[6:] == [*(TileDone(n, 6) for n in (4, 5, 6)), *split]


def test_a_prediction_can_be_stopped(make_model: Callable[..., Any]) -> None:
    model = make_model()
    stack = PlaneStack(np.zeros((3, 8000, 900), np.uint8), "ZYX")
    steps = iter_segmentation(model, stack, DEFAULT)
    next(steps)
    steps.close()
    assert len(model.engine.shapes) == 1


def test_a_plane_is_split_while_the_network_sees_the_next(
    make_model: Callable[..., Any],
    squares: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = make_model()
    is_next_seen = threading.Event()
    seen = []

    def wait(*args: Any, **kwargs: Any) -> Any:
        seen.append(is_next_seen.wait(10))
        return split_instances(*args, **kwargs)

    monkeypatch.setattr(stacks, "split_instances", wait)
    stack = PlaneStack(np.stack([squares((4, 4))] * 2), "ZYX")
    for step in iter_segmentation(model, stack, AS_IT_IS):
        if step == TileDone(2, 2):
            assert seen == []
            is_next_seen.set()
    assert seen == [True, True]


def test_maps_are_kept_only_where_they_are_asked_for(
    make_model: Callable[..., Any], squares: Callable[..., Any]
) -> None:
    stack = PlaneStack(np.stack([squares((4, 4))] * 2), "ZYX")
    without, kept = (
        exhaust(iter_segmentation(make_model(), stack, DEFAULT, keeps_maps=keeps))
        for keeps in (False, True)
    )
    assert (len(without.maps), len(kept.maps)) == (0, 2)
    assert without.scales == kept.scales == (1, 1)
    np.testing.assert_array_equal(without.labels, kept.labels)


@pytest.fixture
def five_planes(
    make_model: Callable[..., Any], squares: Callable[..., Any]
) -> tuple[PlaneStack, list[Maps]]:
    """A stack and its maps."""
    stack = PlaneStack(np.stack([squares((4, 4), (20, 30))] * 5), "ZYX")
    return stack, maps_of(make_model(), stack)


def test_every_plane_that_is_split_is_reported(
    make_model: Callable[..., Any],
    squares: Callable[..., Any],
    five_planes: tuple[PlaneStack, list[Maps]],
) -> None:
    stack, maps = five_planes
    model = make_model()
    steps = iter_split(model, stack, maps, DEFAULT)
    assert list(steps) == [PlaneDone(n_done, 5) for n_done in range(1, 6)]
    assert PlaneDone(2, 5).fraction == 0.4
    single = PlaneStack(squares())
    maps = maps_of(model, single)
    assert list(iter_split(model, single, maps, DEFAULT)) == [PlaneDone(1, 1)]


def test_splitting_ends_when_nobody_waits_for_it(
    make_model: Callable[..., Any],
    five_planes: tuple[PlaneStack, list[Maps]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n_calls = 0

    def count(*args: Any, **kwargs: Any) -> Any:
        nonlocal n_calls
        n_calls += 1
        return split_instances(*args, **kwargs)

    monkeypatch.setattr(stacks, "split_instances", count)
    monkeypatch.setattr(hardware, "n_processors", lambda: 1)
    steps = iter_split(make_model(), *five_planes, DEFAULT)
    next(steps)
    steps.close()
    assert 1 <= n_calls <= 2


@pytest.mark.parametrize(
    ("n_processors", "n_affordable", "is_alone"),
    [(4, 4, False), (1, 4, True), (4, 1, True), (4, 0, True)],
)
def test_planes_are_split_at_once_where_processors_and_memory_allow_it(
    make_model: Callable[..., Any],
    five_planes: tuple[PlaneStack, list[Maps]],
    monkeypatch: pytest.MonkeyPatch,
    n_processors: int,
    n_affordable: int,
    is_alone: bool,
) -> None:
    stack, maps = five_planes
    meeting = threading.Barrier(2)
    n_alone = 0

    def meet(*args: Any, **kwargs: Any) -> Any:
        nonlocal n_alone
        try:
            meeting.wait(0.3 if is_alone else 10)
        except threading.BrokenBarrierError:
            n_alone += 1
        return split_instances(*args, **kwargs)

    monkeypatch.setattr(stacks, "split_instances", meet)
    monkeypatch.setattr(hardware, "n_processors", lambda: n_processors)
    size = n_affordable * 32 * math.prod(stack.plane_shape)
    monkeypatch.setattr(hardware, "free_memory", lambda: size)
    planes = PlaneStack(stack.plane((0,))[np.newaxis].repeat(4, axis=0), "ZYX")
    exhaust(iter_split(make_model(), planes, maps[:4], DEFAULT))
    assert n_alone == (4 if is_alone else 0)


def test_splitting_again_needs_no_network(
    make_model: Callable[..., Any], squares: Callable[..., Any]
) -> None:
    model = make_model()
    image = squares((4, 4), (20, 30))
    stack = PlaneStack(image)
    maps = maps_of(model, stack)
    n_calls = len(model.engine.shapes)
    labels = exhaust(
        iter_split(model, stack, maps, SegmentationSettings(threshold=0.2))
    )
    np.testing.assert_array_equal(
        labels, exhaust(iter_split(model, stack, maps, DEFAULT))
    )
    assert len(model.engine.shapes) == n_calls
