"""Moving a slider splits the maps again, and only the last move counts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.segmentation import stacks
from napari_unet_nuclei.plugin.shared.run_panel import RunPanel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from napari.layers import Image
    from numpy.typing import NDArray

    from plugin.segment.conftest import Scene


def test_moving_the_threshold_runs_no_network(scene: Scene, cells: Image) -> None:
    scene.segment()
    labels = scene.labels
    scene.widget.threshold.value = 0.2
    scene.wait()
    assert scene.n_nuclei == 3
    assert scene.labels is labels
    assert len(scene.viewer.layers) == 2
    assert len(labels.features) == 4
    assert labels.metadata["settings"]["threshold"] == 0.2
    assert scene.status.startswith("3 nuclei")
    assert scene.engine.n_calls == 1


def test_moving_the_minimum_area_runs_no_network(scene: Scene, cells: Image) -> None:
    scene.segment()
    scene.widget.min_area.value = 0.2  # µm², of which a pixel has 0.125
    scene.wait()
    assert scene.n_nuclei == 3
    assert scene.labels.metadata["settings"]["threshold"] == 0.45
    scene.widget.min_area.value = 125
    scene.wait()
    assert scene.n_nuclei == 0
    assert "Lower the size of the smallest nucleus" in scene.status
    assert scene.engine.n_calls == 1


def test_only_the_last_of_many_moves_is_shown(scene: Scene, cells: Image) -> None:
    scene.segment()
    shown: list[float] = []
    scene.labels.events.data.connect(lambda: shown.append(scene.widget.threshold.value))
    for threshold in (0.3, 0.5, 0.7):
        scene.widget.threshold.value = threshold
    scene.wait()
    assert len(shown) == 1
    assert scene.n_nuclei == 1


def test_labels_follow_a_slider_that_does_not_rest(scene: Scene, cells: Image) -> None:
    scene.segment()
    shown: list[int] = []
    scene.labels.events.data.connect(lambda: shown.append(scene.n_nuclei))

    def move_on() -> bool:
        at = scene.widget.threshold.value
        scene.widget.threshold.value = 0.2 if at >= 0.9 else at + 0.01
        return len(shown) > 3

    scene._qtbot.waitUntil(move_on, timeout=10_000)
    scene.move_slider(0.2)
    assert scene.n_nuclei == 3


def test_a_newer_move_ends_the_work_on_an_older_one(
    scene: Scene, image: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.viewer.add_image(np.stack([image] * 4), name="cells")
    scene.segment()
    assert scene.n_nuclei == 8
    split = stacks.split_instances
    thresholds: list[float] = []
    may_go_on = threading.Event()

    def note(*args: Any, threshold: float, **kwargs: Any) -> NDArray[np.int32]:
        thresholds.append(threshold)
        assert may_go_on.wait(10)
        return split(*args, threshold=threshold, **kwargs)

    said: list[str] = []
    monkeypatch.setattr(RunPanel, "say", lambda panel, text, *_: said.append(text))
    monkeypatch.setattr(stacks, "split_instances", note)
    monkeypatch.setattr(hardware, "n_processors", lambda: 1)
    scene.widget.threshold.value = 0.3
    scene._qtbot.waitUntil(lambda: bool(thresholds))
    scene.widget.threshold.value = 0.9
    scene._qtbot.waitUntil(lambda: scene.widget._splitting._task.worker.abort_requested)
    may_go_on.set()
    scene.wait()
    assert thresholds.count(0.3) < 4
    assert thresholds.count(0.9) == 4
    assert scene.n_nuclei == 4
    assert any(text.startswith("Plane 4 of 4 ") for text in said)


def test_what_goes_wrong_after_a_move_is_said(
    scene: Scene, cells: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ImageError("The image is gone.")

    scene.segment()
    monkeypatch.setattr(stacks, "split_instances", fail)
    scene.widget.threshold.value = 0.2
    scene.wait()
    assert scene.status == "The image is gone."
    assert scene.n_nuclei == 2


def test_nuclei_of_an_image_that_was_removed_are_not_shown(
    scene: Scene, cells: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = stacks.split_instances
    has_begun, may_go_on = threading.Event(), threading.Event()

    def wait(*args: Any, **kwargs: Any) -> NDArray[np.int32]:
        has_begun.set()
        assert may_go_on.wait(10)
        return split(*args, **kwargs)

    scene.segment()
    monkeypatch.setattr(stacks, "split_instances", wait)
    scene.widget.threshold.value = 0.2
    scene._qtbot.waitUntil(has_begun.is_set)
    scene.viewer.layers.clear()
    may_go_on.set()
    scene.wait()
    assert list(scene.viewer.layers) == []
    assert scene.status == "cells was removed, so nothing is shown."


def test_a_move_while_the_network_runs_is_not_lost(scene: Scene, cells: Image) -> None:
    scene.engine.may_go_on.clear()
    scene.start()
    scene.widget.threshold.value = 0.2
    scene.engine.may_go_on.set()
    scene.wait()
    assert scene.n_nuclei == 3


def test_another_choice_leaves_the_result_alone(
    scene: Scene,
    cells: Image,
    make_model: Callable[..., Path],
    image: NDArray[np.uint8],
) -> None:
    scene.segment()
    before = scene.labels.data.copy()
    make_model("other", threshold=0.2)
    other = scene.viewer.add_image(image, name="other")
    scene.widget.image.choose(other)
    scene.widget.model.reset_choices()
    scene.widget.model.value = "other"
    scene.widget.threshold.value = 0.3  # the other image has no result to split
    scene.wait()
    np.testing.assert_array_equal(scene.labels.data, before)
    scene.widget.image.choose(cells)
    scene.widget.threshold.value = 0.2  # these maps are of another model
    scene.wait()
    np.testing.assert_array_equal(scene.labels.data, before)
    scene.widget.model.value = "tiny"
    scene.widget.threshold.value = 0.2
    scene.wait()
    assert scene.n_nuclei == 3
    assert scene.labels.metadata["model"] == "tiny"
    assert scene.engine.n_calls == 1
