"""The slider acts on maps that the controls are about, and says so where it cannot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.plugin.shared.model_choice import models_changed
from napari_unet_nuclei.plugin.shared.theme import PENDING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from conftest import BrightnessEngine
    from plugin.segment.conftest import Scene


@pytest.fixture
def scene(
    open_scene: Callable[..., Scene],
    make_model: Callable[..., Path],
    image: NDArray[np.uint8],
) -> Scene:
    """Return a scene with an image that has been segmented."""
    make_model("tiny", threshold=0.45)
    make_model("other", threshold=0.3)
    scene = open_scene()
    scene.viewer.add_image(image, name="cells")
    scene.widget.model.value = "tiny"
    scene.segment()
    return scene


def assert_pending(scene: Scene, words: str) -> None:
    """Check that the widget says so and that no slider splits anything."""
    widget, button = scene.widget, scene.widget.panel.run_button
    scene._qtbot.waitUntil(lambda: scene.status.startswith(f"{words} changed: "))
    assert button.text == "● Segment again"
    assert button.native.property(PENDING)
    assert button.tooltip == scene.status
    before, threshold = scene.labels.data, widget.threshold.value
    scene.move_slider(0.21)
    assert scene.labels.data is before
    assert scene.status.startswith(f"{words} changed: press Segment")
    widget.threshold.value = threshold


def assert_fresh(scene: Scene) -> None:
    """Check that nothing is pending and that the slider acts."""
    widget, button = scene.widget, scene.widget.panel.run_button
    scene._qtbot.waitUntil(lambda: button.text == "Segment")
    assert "changed" not in scene.status
    assert not button.native.property(PENDING)
    before = scene.labels.data
    scene.move_slider(0.2 if widget.threshold.value > 0.3 else 0.5)
    assert scene.labels.data is not before
    assert "nucle" in scene.status


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
    assert_pending(scene, words)
    widget.value = before
    assert_fresh(scene)
    widget.value = value
    scene.segment()
    assert_fresh(scene)


def test_other_pixels_need_a_new_run(scene: Scene, image: NDArray[np.uint8]) -> None:
    scene.viewer.layers["cells"].data = np.zeros_like(image)
    assert_pending(scene, "Image")
    scene.viewer.layers["cells"].data = image
    assert_fresh(scene)


def test_pixels_changed_in_place_need_a_new_run(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    image //= 2
    scene.viewer.layers["cells"].refresh()
    assert_pending(scene, "Image")


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
    scene.start()
    scene.viewer.layers["cells"].data = np.zeros_like(image)
    engine.may_go_on.set()
    scene.wait()
    assert_pending(scene, "Image")


def test_a_model_chosen_during_a_run_keeps_its_own_threshold(
    scene: Scene, engine: BrightnessEngine
) -> None:
    engine.may_go_on.clear()
    scene.start()
    scene.widget.model.value = "other"
    engine.may_go_on.set()
    scene.wait()
    assert scene.widget.threshold.value == pytest.approx(0.3)
    assert scene.labels.metadata["model"] == "tiny"
    assert_pending(scene, "Model")


def test_a_model_that_was_trained_again_needs_a_new_run(
    scene: Scene, user_folder: Path
) -> None:
    os.utime(user_folder / "tiny.unetnuclei", ns=(0, 5))
    models_changed()
    assert_pending(scene, "Model")


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
    open_scene: Callable[..., Scene], make_model: Callable[..., Path]
) -> None:
    make_model("tiny", threshold=0.62)
    assert open_scene().widget.threshold.value == pytest.approx(0.62)


def test_a_model_that_cannot_be_read_leaves_the_slider(
    scene: Scene, user_folder: Path
) -> None:
    (user_folder / "broken.unetnuclei").write_bytes(b"no zip")
    models_changed()
    scene.widget.model.value = "broken"
    assert scene.widget.threshold.value == pytest.approx(0.45)
    assert_pending(scene, "Model")


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
    widget.image.choose(scene.viewer.layers["cells"])
    assert widget.threshold.value == pytest.approx(0.2)
    assert widget.min_area.value == 3
    assert scene.labels.metadata["settings"]["threshold"] == 0.2
    widget.image.choose(other)
    assert widget.threshold.value == pytest.approx(0.4)


def test_another_channel_on_show_needs_a_new_run(
    open_scene: Callable[..., Scene],
    make_model: Callable[..., Path],
    image: NDArray[np.uint8],
) -> None:
    make_model("tiny")
    pixels = np.stack([image, image // 2])
    scene = open_scene()
    scene.viewer.add_image(pixels, name="cells", axis_labels=("c", "y", "x"))
    scene.segment()
    scene.viewer.dims.set_point(0, 1)
    assert_pending(scene, "Channel")
    scene.viewer.dims.set_point(0, 0)
    assert_fresh(scene)


def test_another_plane_needs_a_new_run(
    open_scene: Callable[..., Scene],
    make_model: Callable[..., Path],
    image: NDArray[np.uint8],
) -> None:
    make_model("tiny")
    scene = open_scene()
    scene.viewer.add_image(np.stack([image, image // 2, image]), name="cells")
    scene.segment()
    scene.widget.only_plane.value = True
    assert_pending(scene, "Plane")
    scene.widget.only_plane.value = False
    assert_fresh(scene)


def test_each_plane_has_its_own_threshold(
    open_scene: Callable[..., Scene],
    make_model: Callable[..., Path],
    image: NDArray[np.uint8],
) -> None:
    make_model("tiny", threshold=0.5)
    scene = open_scene()
    scene.viewer.add_image(np.stack([image, image]), name="cells")
    widget, dims = scene.widget, scene.viewer.dims
    widget.only_plane.value = True
    for plane, threshold in enumerate((0.2, 0.3)):
        dims.set_point(0, plane)
        scene.segment()
        scene.move_slider(threshold)
    for plane, threshold in enumerate((0.2, 0.3)):
        dims.set_point(0, plane)
        scene._qtbot.waitUntil(
            lambda threshold=threshold: abs(widget.threshold.value - threshold) < 0.001
        )


def test_the_slider_stays_where_it_is_while_its_nuclei_are_made(scene: Scene) -> None:
    scene.widget.threshold.value = 0.2
    scene.viewer.layers["cells"].refresh()
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
    assert scene.status.endswith("The nuclei on show were found with other settings.")


def test_each_image_has_its_own_words(scene: Scene) -> None:
    scene.segment()
    said = scene.status
    assert said.startswith("2 nuclei")
    other = scene.viewer.add_image(np.zeros((64, 128), np.uint8), name="other")
    scene.viewer.layers.selection.active = other
    assert scene.status == ""
    scene.viewer.layers.selection.active = scene.viewer.layers["cells"]
    assert scene.status == said


def test_of_a_result_that_was_removed_nothing_is_said(scene: Scene) -> None:
    scene.segment()
    scene.viewer.layers.remove(scene.labels)
    assert scene.status == ""
    scene.move_slider(0.2)
    assert scene.status.startswith("3 nuclei")
    assert scene.labels.data.max() == 3
