"""Runs that are refused, cancelled or fail, and what is said meanwhile."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.segmentation import model as prediction
from napari_unet_nuclei.core.segmentation import plausibility
from napari_unet_nuclei.core.segmentation.plausibility import Doubt, DoubtKind
from napari_unet_nuclei.plugin.segment.widget import SegmentWidget
from napari_unet_nuclei.plugin.shared.run_panel import RunPanel
from napari_unet_nuclei.plugin.shared.theme import DOUBT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Image
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from plugin.segment.conftest import Scene


def test_an_image_removed_while_it_runs_gets_no_labels(
    scene: Scene, cells: Image
) -> None:
    scene.engine.may_go_on.clear()
    scene.start()
    scene.viewer.layers.remove(cells)
    scene.engine.may_go_on.set()
    scene.wait()
    assert not scene.viewer.layers
    assert scene.status == "cells was removed, so nothing is shown."
    scene.assert_idle()


def test_a_doubtful_result_asks_to_be_checked(
    scene: Scene, cells: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "Low confidence (20%): check the outlines."
    doubt = Doubt(kind=DoubtKind.CONFIDENCE, sentence=sentence)
    with monkeypatch.context() as patch:
        patch.setattr(plausibility, "find_doubts", lambda *_, **__: (doubt,))
        layer = scene.segment()
    line = scene.widget.panel.status
    assert " · please check: low confidence · " in scene.status
    assert sentence in line.tooltip
    assert line.native.property(DOUBT)
    assert layer.metadata["warnings"] == [sentence]
    scene.move_slider(0.5)
    assert "please check" not in scene.status
    assert not line.native.property(DOUBT)
    assert "warnings" not in scene.results[-1].metadata


def test_cancelling_stops_between_tiles(scene: Scene) -> None:
    scene.viewer.add_image(np.zeros((64, 6000), np.uint8), name="cells")
    scene.engine.may_go_on.clear()
    scene.start()
    assert not scene.widget.panel.run_button.enabled
    scene.widget.panel.cancel_button.native.click()
    assert scene.status == "Cancelling …"
    scene.engine.may_go_on.set()
    scene.wait()
    assert scene.engine.n_calls == 1
    assert scene.status == "Cancelled."
    assert len(scene.viewer.layers) == 1
    scene.assert_idle()
    scene.segment()
    assert len(scene.viewer.layers) == 2


def test_cancelling_is_told_at_once_whatever_cannot_be_interrupted(
    scene: Scene, cells: Image
) -> None:
    panel = scene.widget.panel
    scene.engine.may_go_on.clear()
    scene.start()
    left = panel.task
    start = time.perf_counter()
    panel.cancel_button.native.click()
    scene._qtbot.waitUntil(lambda: not panel.is_running)
    assert time.perf_counter() - start < 1
    assert scene.status == "Cancelled."
    scene.assert_idle()
    assert not left.has_stopped.is_set()

    # Another run waits for the memory of the first, and can be cancelled too.
    for _ in range(2):
        panel.run_button.native.click()
        scene._qtbot.waitUntil(
            lambda: scene.status == "Waiting for the cancelled run to end …"
        )
        panel.cancel_button.native.click()
        scene._qtbot.waitUntil(lambda: not panel.is_running)
    panel.run_button.native.click()
    scene._qtbot.waitUntil(lambda: "Waiting" in scene.status)
    assert scene.engine.n_calls == 1
    scene.engine.may_go_on.set()
    scene.wait()
    assert left.has_stopped.is_set()
    assert scene.engine.n_calls == 2
    assert scene.n_nuclei == 2
    assert len(scene.viewer.layers) == 2
    scene.assert_idle()


def test_the_first_run_says_that_the_model_is_loaded(
    scene: Scene, cells: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_load = threading.Event()
    load = prediction.load_model

    def wait(*args: Any) -> Any:
        assert may_load.wait(10)
        return load(*args)

    monkeypatch.setattr(prediction, "load_model", wait)
    panel = scene.widget.panel
    panel.run_button.native.click()
    scene._qtbot.waitUntil(lambda: scene.status == "Loading the model …")
    assert panel.progress_bar.native.maximum() == 0  # busy
    may_load.set()
    scene.wait()
    assert scene.status.startswith("2 nuclei in")
    said: list[str] = []
    say = panel.say
    monkeypatch.setattr(
        RunPanel, "say", lambda _, text, *rest: (said.append(text), say(text, *rest))
    )
    scene.segment()
    assert "Loading the model …" not in said


def test_an_engine_that_fails_is_told_and_can_be_tried_again(
    scene: Scene, cells: Image, notifications: list[str]
) -> None:
    scene.engine.error = RuntimeError("bad allocation")
    scene.segment()
    assert len(notifications) == 1
    assert "Segmenting cells failed" in notifications[0]
    assert "bad allocation" in notifications[0]
    assert scene.status == notifications[0]
    scene.assert_idle()
    scene.engine.error = None
    scene.segment()
    assert scene.n_nuclei == 2


@pytest.mark.parametrize("has_labels", [False, True])
def test_without_an_image_one_sentence_says_so(
    scene: Scene, notifications: list[str], has_labels: bool
) -> None:
    if has_labels:
        scene.viewer.add_labels(np.zeros((8, 8), np.uint8))
    scene.segment()
    assert notifications == [
        "There is no image to segment: open an image or choose an image layer."
    ]
    assert scene.status == notifications[0]
    scene.assert_idle()


def test_without_a_model_one_sentence_says_so(
    open_scene: Callable[..., Scene], notifications: list[str]
) -> None:
    scene = open_scene()
    scene.viewer.add_image(np.zeros((8, 8)))
    scene.segment()
    assert notifications == ["No model is chosen: choose one or open a model file."]


@pytest.mark.parametrize(
    ("pixels", "kwargs", "status"),
    [
        (np.zeros((1, 1), np.uint8), {}, "No nuclei found: all pixels"),
        (
            np.full((16, 16), np.nan),
            {"contrast_limits": (0, 1)},
            "No nuclei found: all",
        ),
        (np.ones((32, 32, 4), np.uint8), {"rgb": True}, "No nuclei found: all pixels"),
        (np.eye(32, dtype=bool), {}, "No nuclei left: 2 found"),
    ],
    ids=["1x1", "NaN", "RGBA", "bool"],
)
def test_odd_images_are_answered_in_one_sentence(
    scene: Scene, pixels: NDArray[Any], kwargs: dict[str, Any], status: str
) -> None:
    scene.viewer.add_image(pixels, name="cells", **kwargs)
    scene.segment()
    assert scene.status.startswith(status)
    assert scene.labels.data.shape == pixels.shape[:2]
    scene.assert_idle()


def test_a_diameter_out_of_range_is_refused(
    scene: Scene, cells: Image, notifications: list[str]
) -> None:
    scene.widget.diameter.value = 1
    scene.segment()
    assert notifications == [scene.status]
    assert "between 2 and 2000 px" in scene.status


def test_an_image_nobody_can_use_is_refused(
    scene: Scene, notifications: list[str]
) -> None:
    scene.viewer.add_image(np.zeros((2, 2, 2, 8, 8), np.uint8), name="cells")
    scene.segment()
    assert len(notifications) == 1
    assert "axes" in scene.status
    scene.assert_idle()


@pytest.mark.slow
def test_a_real_network_runs_on_openvino_without_keras(
    qtbot: QtBot, user_folder: Path, real_model: Path
) -> None:
    user_folder.mkdir()
    shutil.copy(real_model, user_folder)
    viewer = ViewerModel()
    viewer.add_image(draw_nuclei(0, (200, 300), 20)[0], name="cells")
    widget = SegmentWidget(viewer)
    qtbot.addWidget(widget.native)
    widget.segment()
    qtbot.waitUntil(lambda: not widget.panel.is_running, timeout=60_000)
    assert viewer.layers["cells nuclei"].data.shape == (200, 300)
    assert viewer.layers["cells nuclei"].metadata["engine"].startswith("OpenVINO")
    assert "keras" not in sys.modules
