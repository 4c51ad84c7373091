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


def test_corrections_of_a_linked_nucleus_stay(scene: Scene) -> None:
    scene.widget._form.controls["link"].value = Link.Z
    layer = scene.wait()
    y, x = np.argwhere(layer.data[2] == 1)[0]
    layer.fill((2, int(y), int(x)), 0)
    table = scene.wait_for_table(layer)
    assert not (layer.data[2] == 1).any()
    area = table._edited.features["area"]
    assert area[0] == np.count_nonzero(layer.data == 1)
    before = layer.data == 1
    scene.move_slider(0.3)
    newest = scene.results[-1]
    assert not newest.data[2][layer.data[1] == 1].any()
    kept = newest.data[before]
    assert np.unique(kept).size == 1


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
