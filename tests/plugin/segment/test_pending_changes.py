"""The slider acts on maps that the controls are about, and says so where it cannot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_unet_nuclei.plugin.segment.widget import SegmentWidget
from napari_unet_nuclei.plugin.shared.model_choice import models_changed
from napari_unet_nuclei.plugin.shared.theme import PENDING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Image, Labels
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from conftest import BrightnessEngine


class Scene:
    """A viewer with an image that has been segmented."""

    def __init__(self, qtbot: QtBot, pixels: NDArray[Any], **kwargs: Any) -> None:
        self.viewer = ViewerModel()
        self.image: Image = self.viewer.add_image(pixels, name="cells", **kwargs)
        self.widget = SegmentWidget(self.viewer)
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

    def move_slider(self, threshold: float) -> None:
        self.widget.threshold.value = threshold
        self.wait()

    @property
    def labels(self) -> Labels:
        return self.viewer.layers["cells nuclei"]

    @property
    def status(self) -> str:
        return str(self.widget.panel.status.value)

    def assert_pending(self, words: str) -> None:
        """Check that the widget says so and that no slider splits anything."""
        widget = self.widget
        self._qtbot.waitUntil(lambda: self.status.startswith(f"{words} changed: "))
        assert widget.panel.run_button.text == "● Segment again"
        assert widget.panel.run_button.native.property(PENDING)
        assert widget.panel.run_button.tooltip == self.status
        before, threshold = self.labels.data, widget.threshold.value
        self.move_slider(0.21)
        assert self.labels.data is before
        assert self.status.startswith(f"{words} changed: press Segment")
        widget.threshold.value = threshold

    def assert_fresh(self) -> None:
        """Check that nothing is pending and that the slider acts."""
        panel = self.widget.panel
        self._qtbot.waitUntil(lambda: panel.run_button.text == "Segment")
        assert "changed" not in self.status
        assert not panel.run_button.native.property(PENDING)
        before = self.labels.data
        self.move_slider(0.2 if self.widget.threshold.value > 0.3 else 0.5)
        assert self.labels.data is not before
        assert "nucle" in self.status


@pytest.fixture
def scene(
    qtbot: QtBot,
    engine: BrightnessEngine,
    make_model: Callable[..., Path],
    image: NDArray[np.uint8],
) -> Scene:
    make_model("tiny", threshold=0.45)
    make_model("other", threshold=0.3)
    scene = Scene(qtbot, image)
    scene.widget.model.value = "tiny"
    scene.segment()
    return scene


@pytest.mark.parametrize(
    ("control", "value", "words"),
    [
        ("model", "other", "Model"),
        ("diameter", 30, "Nucleus diameter"),
        ("tta", True, "Flipped views"),
    ],
)
def test_a_control_that_needs_a_new_run_says_so(
    scene: Scene, control: str, value: Any, words: str
) -> None:
    widget = getattr(scene.widget, control)
    before = widget.value
    widget.value = value
    scene.assert_pending(words)
    widget.value = before
    scene.assert_fresh()
    widget.value = value
    scene.segment()
    scene.assert_fresh()


def test_other_pixels_need_a_new_run(scene: Scene, image: NDArray[np.uint8]) -> None:
    scene.image.data = np.zeros_like(image)
    scene.assert_pending("Image")
    scene.image.data = image
    scene.assert_fresh()


def test_pixels_changed_in_place_need_a_new_run(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    image //= 2
    scene.image.refresh()
    scene.assert_pending("Image")


def test_pixels_changed_without_a_word_are_noticed_by_the_slider(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    before = scene.labels.data
    image //= 2
    scene.move_slider(0.21)
    assert scene.labels.data is before
    assert scene.status.startswith("Image changed")


def test_pixels_replaced_during_a_run_are_said(
    scene: Scene, image: NDArray[np.uint8], engine: BrightnessEngine
) -> None:
    engine.may_go_on.clear()
    n_calls = engine.n_calls
    scene.widget.panel.run_button.native.click()
    scene._qtbot.waitUntil(lambda: engine.n_calls > n_calls)
    scene.image.data = np.zeros_like(image)
    engine.may_go_on.set()
    scene.wait()
    scene.assert_pending("Image")


def test_a_model_chosen_during_a_run_keeps_its_own_threshold(
    scene: Scene, engine: BrightnessEngine
) -> None:
    engine.may_go_on.clear()
    n_calls = engine.n_calls
    scene.widget.panel.run_button.native.click()
    scene._qtbot.waitUntil(lambda: engine.n_calls > n_calls)
    scene.widget.model.value = "other"
    engine.may_go_on.set()
    scene.wait()
    assert scene.widget.threshold.value == pytest.approx(0.3)
    assert scene.labels.metadata["model"] == "tiny"
    scene.assert_pending("Model")


def test_a_model_that_was_trained_again_needs_a_new_run(
    scene: Scene, user_folder: Path
) -> None:
    os.utime(user_folder / "tiny.unetnuclei", ns=(0, 5))
    models_changed()
    scene.assert_pending("Model")


def test_the_slider_shows_the_threshold_of_the_chosen_model(scene: Scene) -> None:
    widget = scene.widget
    widget.threshold.value = 0.8
    scene.wait()
    widget.model.value = "other"
    assert widget.threshold.value == pytest.approx(0.3)
    assert widget.settings.threshold is None
    widget.model.value = "tiny"  # whose nuclei are still shown
    assert widget.threshold.value == pytest.approx(0.8)
    assert widget.settings.threshold == 0.8


def test_a_new_widget_shows_the_threshold_that_a_run_will_use(
    qtbot: QtBot, make_model: Callable[..., Path], image: NDArray[np.uint8]
) -> None:
    make_model("tiny", threshold=0.62)
    assert Scene(qtbot, image).widget.threshold.value == pytest.approx(0.62)


def test_a_model_that_cannot_be_read_leaves_the_slider(
    scene: Scene, user_folder: Path
) -> None:
    (user_folder / "broken.unetnuclei").write_bytes(b"no zip")
    models_changed()
    scene.widget.model.value = "broken"
    assert scene.widget.threshold.value == pytest.approx(0.45)
    scene.assert_pending("Model")


def test_each_image_has_its_own_threshold(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    widget = scene.widget
    scene.move_slider(0.2)
    widget.min_area.value = 3
    scene.wait()
    other = scene.viewer.add_image(image // 2, name="other")
    widget.image.choose(other)
    assert widget.threshold.value == pytest.approx(0.2)  # what a run will use
    scene.segment()
    scene.move_slider(0.4)
    widget.min_area.value = 0
    scene.wait()
    widget.image.choose(scene.image)
    assert widget.threshold.value == pytest.approx(0.2)
    assert widget.min_area.value == 3
    assert scene.labels.metadata["settings"]["threshold"] == 0.2
    widget.image.choose(other)
    assert widget.threshold.value == pytest.approx(0.4)


def test_another_channel_on_show_needs_a_new_run(
    qtbot: QtBot, engine: Any, make_model: Callable[..., Path], image: NDArray[np.uint8]
) -> None:
    make_model("tiny")
    pixels = np.stack([image, image // 2])
    scene = Scene(qtbot, pixels, axis_labels=("c", "y", "x"))
    scene.segment()
    scene.viewer.dims.set_point(0, 1)
    scene.assert_pending("Channel")
    scene.viewer.dims.set_point(0, 0)
    scene.assert_fresh()


def test_another_plane_needs_a_new_run(
    qtbot: QtBot, engine: Any, make_model: Callable[..., Path], image: NDArray[np.uint8]
) -> None:
    make_model("tiny")
    scene = Scene(qtbot, np.stack([image, image // 2, image]))
    scene.segment()
    scene.widget.only_plane.value = True
    scene.assert_pending("Plane")
    scene.widget.only_plane.value = False
    scene.assert_fresh()


def test_each_plane_has_its_own_threshold(
    qtbot: QtBot, engine: Any, make_model: Callable[..., Path], image: NDArray[np.uint8]
) -> None:
    make_model("tiny", threshold=0.5)
    scene = Scene(qtbot, np.stack([image, image]))
    widget, dims = scene.widget, scene.viewer.dims
    widget.only_plane.value = True
    for plane, threshold in enumerate((0.2, 0.3)):
        dims.set_point(0, plane)
        scene.segment()
        scene.move_slider(threshold)
    for plane, threshold in enumerate((0.2, 0.3)):
        dims.set_point(0, plane)
        qtbot.waitUntil(
            lambda threshold=threshold: abs(widget.threshold.value - threshold) < 0.001
        )


def test_the_slider_stays_where_it_is_while_its_nuclei_are_made(scene: Scene) -> None:
    scene.widget.threshold.value = 0.2
    scene.image.refresh()
    scene._qtbot.wait(60)
    assert scene.widget.threshold.value == pytest.approx(0.2)
    scene.wait()
    assert scene.labels.metadata["settings"]["threshold"] == 0.2


def test_the_button_goes_on_to_work_without_an_image(
    scene: Scene, notifications: list[str]
) -> None:
    scene.widget.diameter.value = 30
    scene.viewer.layers.clear()
    assert scene.widget.panel.run_button.text == "Segment"
    scene.segment()
    assert len(notifications) == 1


def test_the_copied_command_says_that_the_nuclei_are_of_another_run(
    scene: Scene,
) -> None:
    scene.widget.copy_command()
    assert "other settings" not in scene.status
    scene.widget.diameter.value = 30
    scene.widget.copy_command()
    assert scene.status.endswith(
        "The nuclei that are shown were made with other settings."
    )


def test_each_image_has_its_own_words(scene: Scene) -> None:
    scene.segment()
    said = scene.status
    assert said.startswith("2 nuclei")
    other = scene.viewer.add_image(np.zeros((64, 128), np.uint8), name="other")
    scene.viewer.layers.selection.active = other
    assert scene.status == ""
    scene.viewer.layers.selection.active = scene.image
    assert scene.status == said


def test_of_a_result_that_was_removed_nothing_is_said(scene: Scene) -> None:
    scene.segment()
    scene.viewer.layers.remove(scene.labels)
    assert scene.status == ""
    scene.move_slider(0.2)
    assert scene.status.startswith("3 nuclei")
    assert scene.labels.data.max() == 3


def test_outlines_are_for_planes(
    qtbot: QtBot, engine: Any, make_model: Callable[..., Path], image: NDArray[np.uint8]
) -> None:
    make_model("tiny")
    scene = Scene(qtbot, np.stack([image, image]))
    scene.viewer.dims.ndisplay = 3
    scene.segment()
    assert scene.labels.contour == 0
