"""The widget on a viewer without a window; ``test_in_napari`` has the window."""

from __future__ import annotations

import shlex
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei import __version__
from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.segmentation import model as prediction
from napari_unet_nuclei.core.segmentation import stacks
from napari_unet_nuclei.plugin.segment.widget import SegmentWidget
from napari_unet_nuclei.plugin.shared.run_panel import RunPanel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Image, Labels
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from conftest import BrightnessEngine


class Scene:
    """A viewer, the widget and what a user does with them."""

    def __init__(self, qtbot: QtBot, engine: BrightnessEngine) -> None:
        self.viewer = ViewerModel()
        self.widget = SegmentWidget(self.viewer)
        self.engine = engine
        self._qtbot = qtbot
        qtbot.addWidget(self.widget.native)

    def segment(self) -> None:
        self.widget.panel.run_button.native.click()
        self.wait()

    def wait(self) -> None:
        widget = self.widget
        self._qtbot.waitUntil(
            lambda: not widget.panel.is_running and widget._splitting.is_idle
        )

    @property
    def labels(self) -> Labels:
        return self.viewer.layers["cells nuclei"]

    @property
    def n_nuclei(self) -> int:
        return int(self.labels.data.max())

    @property
    def status(self) -> str:
        return str(self.widget.panel.status.value)

    def assert_idle(self) -> None:
        panel = self.widget.panel
        assert panel.run_button.enabled
        assert not panel.cancel_button.enabled
        assert not panel.progress_bar.native.isVisibleTo(panel.native)
        assert not panel.is_running


@pytest.fixture
def scene(
    qtbot: QtBot, engine: BrightnessEngine, make_model: Callable[..., Path]
) -> Scene:
    make_model("tiny", threshold=0.45)
    return Scene(qtbot, engine)


@pytest.fixture
def cells(scene: Scene, image: NDArray[np.uint8]) -> Image:
    return scene.viewer.add_image(
        image,
        name="cells",
        scale=(0.5, 0.25),
        translate=(3, 4),
        units=("um", "um"),
        axis_labels=("y", "x"),
    )


def test_nuclei_lie_on_the_image(scene: Scene, cells: Image) -> None:
    scene.segment()
    assert scene.n_nuclei == 2
    assert scene.labels.data.dtype == np.int32
    np.testing.assert_array_equal(scene.labels.scale, cells.scale)
    np.testing.assert_array_equal(scene.labels.translate, cells.translate)
    assert scene.labels.units == cells.units
    assert scene.labels.axis_labels == cells.axis_labels
    assert scene.status.startswith("2 nuclei in ")
    assert scene.status.endswith(" · OpenVINO bf16")
    scene.assert_idle()


def test_each_nucleus_has_its_measurements(scene: Scene, cells: Image) -> None:
    scene.segment()
    features = scene.labels.features
    assert len(features) == 3
    assert list(features["mean_intensity"])[1:] == [160, 255]
    assert features["probability"][2] == pytest.approx(1)


def test_the_labels_say_where_they_come_from(scene: Scene, cells: Image) -> None:
    scene.segment()
    metadata = scene.labels.metadata
    assert metadata["model"] == "tiny"
    assert metadata["settings"]["threshold"] == 0.45
    assert metadata["settings"]["min_area"] is None  # automatic
    assert metadata["package"] == f"napari-unet-nuclei {__version__}"
    assert shlex.split(metadata["command"])[:3] == [
        *("napari-unet-nuclei", "segment", "cells.tif")
    ]


def test_the_slider_begins_at_the_models_own_threshold(
    scene: Scene, cells: Image
) -> None:
    scene.segment()
    assert scene.widget.threshold.value == pytest.approx(0.45, abs=1e-5)
    assert "own is 0.45" in scene.widget.threshold.tooltip


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
    scene.widget.min_area.value = 1
    scene.wait()
    assert scene.n_nuclei == 3
    assert scene.labels.metadata["settings"]["threshold"] == 0.45
    scene.widget.min_area.value = 1000
    scene.wait()
    assert scene.n_nuclei == 0
    assert "Set a lower minimum area" in scene.status
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


def test_the_shown_plane_of_a_stack_can_be_segmented_alone(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    scene.widget.native.show()
    assert not scene.widget.only_plane.visible
    planes = [np.zeros_like(image), image, np.zeros_like(image)]
    stack = scene.viewer.add_image(np.stack(planes), name="cells", scale=(4, 1, 1))
    assert scene.widget.only_plane.visible
    scene.viewer.dims.set_point(0, 4)
    scene.widget.only_plane.value = True
    scene.segment()
    assert scene.engine.n_calls == 1
    layer = scene.viewer.layers["cells nuclei, plane 1"]
    assert layer.data.shape == (1, *image.shape)
    assert layer.data.max() == 2
    assert layer.data_to_world((0, 0, 0)) == stack.data_to_world((1, 0, 0))
    assert list(layer.features["z"][1:]) == [1, 1]
    assert scene.status.startswith("2 nuclei in this plane in")
    assert "command" not in layer.metadata
    scene.widget.copy_button.native.click()
    assert scene.status.startswith("Copied the command. It segments all planes.")
    scene.widget.threshold.value = 0.2
    scene.wait()
    assert layer.data.max() == 3
    scene.widget.only_plane.value = False
    scene.segment()
    assert layer.data.max() == 3
    n_calls = scene.engine.n_calls
    scene.widget.threshold.value = 0.45
    scene.wait()
    assert scene.n_nuclei == 2
    assert layer.data.max() == 3
    scene.widget.only_plane.value = True
    scene.widget.threshold.value = 0.44
    scene.wait()
    assert layer.data.max() == 2
    assert scene.engine.n_calls == n_calls
    assert scene.labels.data.shape == stack.data.shape
    assert [each.name for each in scene.viewer.layers] == [
        *("cells", "cells nuclei, plane 1", "cells nuclei")
    ]


@pytest.mark.parametrize("is_only_plane", [False, True])
def test_nuclei_lie_where_they_were_seen_whatever_is_between_the_axes(
    scene: Scene, image: NDArray[np.uint8], is_only_plane: bool
) -> None:
    empty = np.zeros_like(image)
    planes = [[empty, empty], [empty, image], [empty, empty]]
    stack = scene.viewer.add_image(
        np.array(planes), name="cells", axis_labels=("z", "c", "y", "x")
    )
    scene.viewer.dims.point = (1, 1, 0, 0)
    scene.widget.only_plane.value = is_only_plane
    scene.segment()
    (labels,) = (each for each in scene.viewer.layers if each is not stack)
    assert scene.viewer.dims.nsteps[:2] == (3, 2)
    place = np.argwhere(labels.data)[0]
    in_image = stack.world_to_data(labels.data_to_world(place))
    np.testing.assert_array_equal(in_image[:2], (1, 1))
    assert stack.data[tuple(in_image.astype(int))] > 0


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
    scene.widget.panel.run_button.native.click()
    scene._qtbot.waitUntil(lambda: scene.engine.n_calls == 1)
    scene.widget.threshold.value = 0.2
    scene.engine.may_go_on.set()
    scene.wait()
    assert scene.n_nuclei == 3


def test_a_second_run_updates_the_same_layer(scene: Scene, cells: Image) -> None:
    scene.segment()
    labels = scene.labels
    cells.scale = (1, 1)
    scene.segment()
    assert list(scene.viewer.layers) == [cells, labels]
    np.testing.assert_array_equal(labels.scale, (1, 1))
    assert scene.engine.n_calls == 2


def test_a_deleted_layer_comes_back(scene: Scene, cells: Image) -> None:
    scene.segment()
    scene.viewer.layers.remove(scene.labels)
    scene.widget.threshold.value = 0.2
    scene.wait()
    assert scene.n_nuclei == 3


def test_painted_labels_are_never_overwritten(scene: Scene, cells: Image) -> None:
    scene.segment()
    painted = scene.labels
    painted.data[0, 0] = 9
    scene.widget.threshold.value = 0.2
    scene.wait()
    assert painted.data[0, 0] == 9
    assert [layer.name for layer in scene.viewer.layers] == [
        *("cells", "cells nuclei (corrected)", "cells nuclei")
    ]


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


def test_the_maps_of_a_removed_image_are_freed(scene: Scene, cells: Image) -> None:
    scene.segment()
    assert len(scene.widget._runs) == 1
    scene.viewer.layers.remove(cells)
    assert len(scene.widget._runs) == 0


def test_an_image_removed_while_it_runs_gets_no_labels(
    scene: Scene, cells: Image
) -> None:
    scene.engine.may_go_on.clear()
    scene.widget.panel.run_button.native.click()
    scene._qtbot.waitUntil(lambda: scene.engine.n_calls == 1)
    scene.viewer.layers.remove(cells)
    scene.engine.may_go_on.set()
    scene.wait()
    assert not scene.viewer.layers
    assert scene.status == "cells was removed, so nothing is shown."
    scene.assert_idle()


def test_cancelling_stops_between_tiles(scene: Scene) -> None:
    scene.viewer.add_image(np.zeros((64, 6000), np.uint8), name="cells")
    scene.engine.may_go_on.clear()
    scene.widget.panel.run_button.native.click()
    scene._qtbot.waitUntil(lambda: scene.engine.n_calls == 1)
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
    panel.run_button.native.click()
    scene._qtbot.waitUntil(lambda: scene.engine.n_calls == 1)
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
    qtbot: QtBot, engine: BrightnessEngine, user_folder: Path, notifications: list[str]
) -> None:
    scene = Scene(qtbot, engine)
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
        (np.eye(32, dtype=bool), {}, "No nuclei left: 32 found"),
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


def test_a_stack_gets_a_stack_of_labels(scene: Scene, image: NDArray[np.uint8]) -> None:
    scene.viewer.add_image(np.stack([image] * 3), name="cells", scale=(4, 1, 1))
    scene.segment()
    assert scene.labels.data.shape == (3, 64, 128)
    assert scene.n_nuclei == 6
    np.testing.assert_array_equal(scene.labels.scale, (4, 1, 1))


def test_the_channel_on_show_is_segmented(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    scene.viewer.add_image(
        np.stack([np.zeros_like(image), image]),
        name="cells",
        axis_labels=("c", "y", "x"),
    )
    scene.viewer.dims.set_point(0, 1)
    scene.segment()
    assert scene.labels.data.shape == image.shape
    assert scene.n_nuclei == 2
    assert scene.labels.metadata["command"].endswith("--axes CYX --channel 1")


def test_the_command_goes_to_the_clipboard(scene: Scene, cells: Image) -> None:
    scene.widget.diameter.value = 30
    scene.widget.min_area.value = 16
    scene.widget.copy_button.native.click()
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == (
        "napari-unet-nuclei segment cells.tif -o nuclei --model tiny --min-area 16 "
        "--diameter 30"
    )
    assert scene.status == "Copied the command. Save the image as cells.tif too."


def test_there_is_no_command_without_an_image(
    scene: Scene, notifications: list[str]
) -> None:
    scene.widget.copy_button.native.click()
    assert len(notifications) == 1


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
