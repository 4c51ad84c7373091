"""Which image and labels the fine-tune widget takes, and what it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_unet_nuclei.plugin.files.sample_data import (
    open_immunohistochemistry,
    open_synthetic_nuclei,
)
from napari_unet_nuclei.plugin.finetune.widget import FineTuneWidget
from napari_unet_nuclei.plugin.shared.layers import labels_layer_metadata
from napari_unet_nuclei.plugin.shared.theme import DOUBT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    FakeTraining = Callable[..., Callable[..., list[str]]]


class Scene:
    """A viewer, the widget and what a user does with them."""

    def __init__(self, qtbot: QtBot) -> None:
        self.viewer = ViewerModel()
        self.widget = FineTuneWidget(self.viewer)
        self._qtbot = qtbot
        qtbot.addWidget(self.widget.native)
        self.widget.native.show()

    def add_pair(self, name: str, shape: tuple[int, ...] = (40, 50)) -> None:
        image = self.viewer.add_image(np.zeros(shape, np.uint8), name=name)
        self.viewer.add_labels(
            np.ones(shape, np.uint8),
            name=f"{name} nuclei",
            metadata=labels_layer_metadata(image),
        )

    def activate(self, name: str) -> None:
        self.viewer.layers.selection.active = self.viewer.layers[name]

    def choose(self, image: str, labels: str) -> None:
        self.widget.image.choose(self.viewer.layers[image])
        self.widget.annotations.choose(self.viewer.layers[labels])

    def start(self) -> None:
        self.widget.panel.run_button.native.click()

    def stop(self) -> None:
        self.widget.panel.cancel_button.native.click()
        self._qtbot.waitUntil(lambda: not self.is_running, timeout=30_000)

    @property
    def chosen(self) -> tuple[str, str]:
        return (
            str(self.widget.image.current_choice),
            str(self.widget.annotations.current_choice),
        )

    @property
    def is_running(self) -> bool:
        return self.widget.panel.is_running

    @property
    def is_asked(self) -> bool:
        return bool(self.widget.pair.yes_button.visible)

    @property
    def words(self) -> str:
        return str(self.widget.pair.words.value)

    @property
    def status(self) -> str:
        return str(self.widget.panel.status.value)


@pytest.fixture
def scene(
    qtbot: QtBot, make_model: Callable[..., Path], fake_training: FakeTraining
) -> Scene:
    make_model("start")
    scene = Scene(qtbot)
    scene.widget.make_command = fake_training("WAIT")
    return scene


@pytest.fixture
def two(scene: Scene) -> Scene:
    scene.add_pair("first")
    scene.add_pair("second")
    return scene


def add_samples(viewer: Any) -> None:
    for data, kwargs, kind in [*open_immunohistochemistry(), *open_synthetic_nuclei()]:
        getattr(viewer, f"add_{kind}")(data, **kwargs)


@pytest.mark.parametrize(
    ("active", "expected"),
    [
        ("first", ("first", "first nuclei")),
        ("first nuclei", ("first", "first nuclei")),
        ("second", ("second", "second nuclei")),
    ],
)
def test_image_and_labels_go_with_the_active_layer(
    two: Scene, active: str, expected: tuple[str, str]
) -> None:
    assert two.chosen == ("second", "second nuclei")
    two.activate(active)
    assert two.chosen == expected
    assert two.words == f"These labels come from '{expected[0]}'."
    assert not two.is_asked


@pytest.mark.parametrize("is_image", [False, True])
def test_a_choice_in_one_list_brings_the_other_along(
    two: Scene, is_image: bool
) -> None:
    layers = two.viewer.layers
    if is_image:
        two.widget.image.choose(layers["first"])
    else:
        two.widget.annotations.choose(layers["first nuclei"])
    assert two.chosen == ("first", "first nuclei")


def test_two_choices_are_left_as_they_are(two: Scene) -> None:
    two.choose("first", "second nuclei")
    assert two.chosen == ("first", "second nuclei")
    assert two.is_asked


def test_samples_of_one_size_are_not_mixed_up(scene: Scene) -> None:
    add_samples(scene.viewer)
    scene.activate("synthetic fluorescence")
    assert scene.chosen == (
        "synthetic fluorescence",
        "synthetic fluorescence, ground truth",
    )
    scene.activate("immunohistochemistry")
    assert scene.words == (
        "These labels come from 'synthetic fluorescence', "
        "not from 'immunohistochemistry'. Do they belong together?"
    )


def test_a_doubtful_pair_is_asked_about_before_it_starts(
    two: Scene, notifications: list[str]
) -> None:
    two.choose("first", "second nuclei")
    two.start()
    assert not two.is_running
    assert two.status == (
        "These labels come from 'second', not from 'first'. Train on this pair? "
        "Press 'Yes, they belong together', or choose other layers."
    )
    assert notifications == []  # a question is no error
    two.widget.pair.yes_button.native.click()
    assert two.is_running
    assert not two.is_asked
    assert two.words.endswith("You said they belong together.")
    two.stop()
    two.start()
    assert two.is_running
    two.stop()


def test_a_yes_before_the_question_starts_nothing(two: Scene) -> None:
    two.choose("first", "second nuclei")
    two.widget.pair.yes_button.native.click()
    assert not two.is_running
    two.start()
    assert two.is_running
    two.stop()


def test_a_yes_counts_for_its_pair_alone(two: Scene) -> None:
    two.choose("first", "second nuclei")
    two.start()
    two.choose("second", "first nuclei")
    assert two.is_asked
    assert two.status == ""
    two.widget.pair.yes_button.native.click()  # the question was about another pair
    assert not two.is_running
    two.choose("first", "second nuclei")
    assert two.is_asked


def test_labels_that_cannot_fit_are_refused(
    scene: Scene, notifications: list[str]
) -> None:
    scene.add_pair("large")
    scene.add_pair("small", (20, 30))
    scene.choose("large", "small nuclei")
    assert not scene.is_asked
    scene.start()
    assert not scene.is_running
    assert notifications == [scene.status]
    assert "These labels (20 × 30) do not fit 'large' (40 × 50)" in scene.status


def test_a_layer_that_was_moved_is_noticed_at_the_click(scene: Scene) -> None:
    scene.viewer.add_image(np.zeros((40, 50), np.uint8), name="cells")
    scene.viewer.add_labels(np.ones((40, 50), np.uint8), name="painted")
    assert scene.words == "These labels have the size and position of 'cells'."
    scene.viewer.layers["cells"].scale = (0.5, 0.5)
    scene.start()
    assert not scene.is_running
    assert "but not its position" in scene.status


def test_the_lists_hold_still_while_training_goes_on(two: Scene) -> None:
    two.start()
    two.activate("first")
    assert two.chosen == ("second", "second nuclei")
    two.stop()
    assert two.chosen == ("first", "first nuclei")


def test_axes_typed_for_one_widget_are_trained_on(scene: Scene) -> None:
    image = scene.viewer.add_image(np.zeros((3, 40, 50), np.uint8), name="cells")
    scene.viewer.add_labels(np.ones((40, 50), np.uint8), name="cells nuclei")
    assert "do not fit" in scene.words
    scene.widget.axes.field.value = "cyx"
    scene.widget.axes.channel.value = 2
    assert "have the size and position" in scene.words
    request = scene.widget._form.make_request(scene.widget.make_command)
    assert (request.pairs[0].axes, request.pairs[0].channel) == ("CYX", 2)
    assert image.metadata["nuclei_axes"] == "CYX"
    scene.widget.axes.field.value = "cy"
    scene.start()
    assert not scene.is_running
    assert "a letter for each of the 3 axes" in scene.status


def test_a_doubtful_pair_is_marked(two: Scene) -> None:
    words = two.widget.pair.words.native
    two.choose("first", "second nuclei")
    assert words.property(DOUBT)
    two.choose("first", "first nuclei")
    assert not words.property(DOUBT)


def test_the_line_follows_what_happens_to_the_layers(scene: Scene) -> None:
    image = scene.viewer.add_image(np.zeros((40, 50), np.uint8), name="cells")
    labels = scene.viewer.add_labels(np.ones((40, 50), np.uint8))
    assert not scene.is_asked
    image.scale = (2, 2)
    assert scene.is_asked
    labels.scale = (2, 2)
    assert not scene.is_asked
    labels.data = np.ones((20, 50), np.uint8)
    assert "do not fit" in scene.widget.pair.words.value
    scene.viewer.layers.clear()
    image.scale = (1, 1)
    assert not scene.widget.pair.words.value
