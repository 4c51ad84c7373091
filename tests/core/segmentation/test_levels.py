"""The resolution whose nuclei a model knows best is chosen, and little is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.progress import Preparing
from napari_unet_nuclei.core.segmentation import levels
from napari_unet_nuclei.core.segmentation.levels import (
    Pyramid,
    iter_level,
    nearest_level,
)
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

SETTINGS = SegmentationSettings()


def draw(side: int, diameter: float, *, shape: tuple[int, int] | None = None) -> Any:
    """Draw bright discs with soft edges on a dark plane."""
    shape = shape or (side, side)
    step = 2.2 * diameter
    y, x = np.indices(shape, np.float32)
    away = np.hypot((y + step / 2) % step - step / 2, (x + step / 2) % step - step / 2)
    discs = np.clip(diameter / 2 - away + 0.5, 0, 1)
    noise = np.random.default_rng(0).normal(0, 4, shape)
    return np.clip(30 + 180 * discs + noise, 0, 255).astype(np.uint8)


def halves(image: Any, n: int) -> list[Any]:
    found = [image]
    for _ in range(n - 1):
        found.append(found[-1][::2, ::2])
    return found


def exhaust(steps: Any) -> int:
    said = []
    while True:
        try:
            said.append(next(steps))
        except StopIteration as stop:
            assert all(step == Preparing("Choosing the resolution") for step in said)
            return int(stop.value)


@given(
    diameter=st.floats(2, 900),
    typical=st.floats(8, 40),
    n_levels=st.integers(1, 6),
    data=st.data(),
)
def test_no_other_level_brings_nuclei_nearer_to_what_a_model_knows(
    diameter: float, typical: float, n_levels: int, data: st.DataObject
) -> None:
    pyramid = Pyramid.of(halves(np.zeros((640, 960), bool), n_levels), "YX")
    numbers = st.sampled_from(range(n_levels))
    among = data.draw(st.lists(numbers, min_size=1, unique=True))
    chosen = nearest_level(pyramid, diameter, typical, among)
    assert chosen in among
    away = {
        level: abs(np.log2(diameter / pyramid.factor(level) / typical))
        for level in among
    }
    assert away[chosen] <= min(away.values()) + 1e-5
    assert nearest_level(pyramid, None, typical, among) == min(among)


def test_levels_with_other_planes_are_left_out() -> None:
    fine = np.zeros((6, 40, 50, 3))
    pyramid = Pyramid.of([fine, fine[:, ::2, ::2], fine[::2, ::4, ::4]], "ZYXC")
    assert [level.shape for level in pyramid.levels] == [(6, 40, 50, 3), (6, 20, 25, 3)]
    assert pyramid.factors(1) == (2, 2)
    assert pyramid.plane_shape(1) == (20, 25)


def test_settings_are_those_of_the_same_nuclei() -> None:
    pyramid = Pyramid.of(halves(np.zeros((64, 64)), 3), "YX")
    asked = SegmentationSettings(
        min_area=100, max_area=1600, diameter=40, threshold=0.3
    )
    assert pyramid.settings_at(0, asked) is asked
    found = pyramid.settings_at(2, asked)
    assert (found.min_area, found.max_area, found.diameter) == (6, 100, 10)
    assert found.threshold == 0.3
    assert pyramid.settings_at(2, SETTINGS) == SETTINGS


@pytest.mark.parametrize(("diameter", "expected"), [(20, 0), (40, 1), (80, 2)])
def test_the_level_follows_the_diameter_in_the_image(
    diameter: int, expected: int
) -> None:
    model = load_model("classic")
    pyramid = Pyramid.of(halves(draw(1100, diameter), 4), "YX")
    chosen = exhaust(iter_level(model, pyramid, SETTINGS))
    typical = model.config.estimated_diameter or model.config.diameter
    assert chosen == nearest_level(pyramid, diameter, typical, range(4))
    assert abs(chosen - expected) <= 1  # whatever the shipped model knows best


def test_a_diameter_that_is_known_needs_no_look_at_the_image() -> None:
    class Unreadable:
        dtype = np.dtype(np.uint8)

        def __init__(self, side: int) -> None:
            self.shape = (side, side)

        def __getitem__(self, _: Any) -> Any:
            raise AssertionError("read")

    model = load_model("classic")
    pyramid = Pyramid.of([Unreadable(512), Unreadable(256), Unreadable(128)], "YX")
    small = SegmentationSettings(diameter=6)
    large = SegmentationSettings(diameter=400)
    assert exhaust(iter_level(model, pyramid, small)) == 0
    assert exhaust(iter_level(model, pyramid, large)) == 2


def test_only_windows_of_the_finest_level_are_read_where_something_is() -> None:
    read: list[tuple[int, int]] = []

    class Slide:
        """Mostly glass, with nuclei in the lower right corner."""

        shape = (6000, 6000)
        dtype = np.dtype(np.uint8)

        def __getitem__(self, index: Any) -> Any:
            rows, columns = index
            start = rows.start, columns.start
            read.append(start)
            block = np.full((1024, 1024), 30, np.uint8)
            if start == (4096, 4096):
                block = draw(1024, 30)
            return block[: 6000 - start[0], : 6000 - start[1]]

    overview = np.full((375, 375), 30, np.uint8)
    overview[260:320, 260:320] = 100
    middle = ndimage.zoom(overview, 4, order=0)
    pyramid = Pyramid.of([Slide(), middle, overview], "YX")
    model = load_model("classic")
    assert exhaust(iter_level(model, pyramid, SETTINGS)) in (0, 1)
    assert read == [(4096, 4096)]


def test_a_level_that_is_too_large_for_memory_is_never_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pyramid = Pyramid.of(halves(np.zeros((4096, 4096), bool), 4), "YX")
    assert pyramid.fitting() == [0, 1, 2, 3]
    monkeypatch.setattr(hardware, "total_memory", lambda: 120_000_000)
    monkeypatch.setattr(hardware, "is_memory_limited", lambda: False)
    assert pyramid.fitting() == [1, 2, 3]
    model = load_model("classic")
    small = SegmentationSettings(diameter=5)
    assert exhaust(iter_level(model, pyramid, small)) == 1
    monkeypatch.setattr(hardware, "total_memory", lambda: 1)
    assert exhaust(iter_level(model, pyramid, small)) == 3  # which then says why not


def test_nothing_to_see_takes_the_finest_level() -> None:
    pyramid = Pyramid.of(halves(np.zeros((1500, 1300), np.uint8), 3), "YX")
    assert exhaust(iter_level(load_model("classic"), pyramid, SETTINGS)) == 0


def test_a_large_overview_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "_LARGEST_OVERVIEW", 100)
    pyramid = Pyramid.of(halves(draw(1100, 60), 2), "YX")
    chosen = exhaust(iter_level(load_model("classic"), pyramid, SETTINGS))
    assert chosen in (0, 1)


@pytest.mark.parametrize(
    ("axes", "plane", "channel"),
    [("ZYX", None, None), ("ZYX", (1,), None), ("YXC", None, None), ("CZYX", None, 1)],
)
def test_stacks_colours_and_channels_have_levels_too(
    axes: str, plane: tuple[int, ...] | None, channel: int | None
) -> None:
    nuclei = draw(400, 60)
    image = {
        "ZYX": lambda: np.stack([nuclei] * 3),
        "YXC": lambda: np.stack([nuclei] * 3, axis=-1),
        "CZYX": lambda: np.stack([[np.zeros_like(nuclei)] * 2, [nuclei] * 2]),
    }[axes]()
    step = tuple(slice(None, None, 2 if axis in "YX" else 1) for axis in axes)
    pyramid = Pyramid.of([image, image[step], image[step][step]], axes)
    steps = iter_level(
        load_model("classic"), pyramid, SETTINGS, channel=channel, plane=plane
    )
    assert exhaust(steps) in (1, 2)
