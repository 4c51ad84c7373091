"""*Link planes*: nuclei of a stack keep their number, at once and when corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.settings.choices import Link

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from conftest import BrightnessEngine
    from plugin.segment.conftest import Scene


@pytest.fixture
def scene(
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    engine: BrightnessEngine,
    open_scene: Callable[..., Scene],
) -> Scene:
    """Two nuclei through five planes, segmented plane by plane."""
    make_model("tiny", threshold=0.45)
    scene = open_scene()
    stack = np.stack([image] * 5)
    scene.viewer.add_image(stack, name="cells", axis_labels=("z", "y", "x"))
    scene.segment()
    return scene


def test_linking_acts_at_once(scene: Scene) -> None:
    assert scene.n_nuclei == 10
    n_calls = scene.engine.n_calls
    scene.widget._form.controls["link"].value = Link.Z
    scene.wait()
    assert scene.engine.n_calls == n_calls
    assert scene.n_nuclei == 2
    assert "2 nuclei" in scene.status
    table = scene.labels.features.dropna(subset=["area"])
    assert table["n_planes"].tolist() == [5, 5]
    assert table["z"].tolist() == [2, 2]
    scene.move_slider(0.5)
    assert scene.n_nuclei == 2
    scene.widget._form.controls["link"].value = Link.NONE
    scene.wait()
    assert scene.n_nuclei == 10


@pytest.mark.parametrize("z", [0, 2])  # the middle is what the table says
def test_corrections_of_a_linked_nucleus_stay(scene: Scene, z: int) -> None:
    scene.widget._form.controls["link"].value = Link.Z
    layer = scene.wait()
    y, x = np.argwhere(layer.data[z] == 1)[0]
    layer.fill((z, int(y), int(x)), 0)
    table = scene.wait_for_table(layer)
    assert not (layer.data[z] == 1).any()
    area = table._edited.features["area"]
    assert area[0] == np.count_nonzero(layer.data == 1)
    before = layer.data == 1
    for threshold in (0.3, 0.5):
        scene.move_slider(threshold)
        np.testing.assert_array_equal(scene.labels.data == 1, before)
    assert not scene.labels.data[z][before.any(axis=0)].any()


@pytest.mark.parametrize("z", [0, 2])
def test_corrections_stay_when_planes_are_no_longer_linked(
    scene: Scene, z: int
) -> None:
    scene.widget._form.controls["link"].value = Link.Z
    layer = scene.wait()
    places = np.argwhere(layer.data[z] == 2)
    half = places[: len(places) // 2]
    layer.data_setitem((np.full(len(half), z), *half.T), 9)
    scene.wait_for_table(layer)
    before = np.where(np.isin(layer.data, (2, 9)), layer.data, 0)
    scene.widget._form.controls["link"].value = Link.NONE
    scene.wait()
    for threshold in (0.3, 0.5):
        scene.move_slider(threshold)
        now = scene.labels.data
        np.testing.assert_array_equal(np.where(before > 0, now, 0), before)
        assert not np.isin(now[before == 0], (2, 9)).any()


def test_the_status_counts_corrected_nuclei_among_the_linked(scene: Scene) -> None:
    scene.widget._form.controls["link"].value = Link.Z
    layer = scene.wait()
    said = scene.status.partition(" · ")[2]
    for number in (1, 2):
        y, x = np.argwhere(layer.data[0] == number)[0]
        layer.data_setitem((np.array([0]), np.array([y]), np.array([x])), 0)
        scene.wait_for_table(layer)
        scene.move_slider(0.4 + number / 100)
        assert "nan" not in scene.status
        assert scene.status.partition(" · ")[2] == (
            said if number == 1 else said.partition(" · ")[2]
        )


def test_the_choice_is_offered_for_stacks_alone(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    control = scene.widget._form.controls["link"].native
    assert not control.isHidden()
    scene.viewer.add_image(image, name="plane")
    scene.activate("plane")
    assert control.isHidden()


def test_an_axis_that_is_not_there_is_said(scene: Scene) -> None:
    scene.widget._form.controls["link"].value = Link.T
    scene.wait()
    assert "axis T" in scene.status
    scene.widget._form.controls["link"].value = Link.Z
    scene.wait()
    assert scene.n_nuclei == 2
