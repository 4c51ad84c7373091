"""Several pairs and data sets at once, and what the widget says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QFileDialog, QToolButton

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.settings.choices import Annotated
from napari_unet_nuclei.plugin.finetune.annotated_image import AnnotatedImage
from napari_unet_nuclei.plugin.finetune.training_samples import (
    make_samples,
    write_samples,
)
from napari_unet_nuclei.plugin.finetune.widget import FineTuneWidget
from napari_unet_nuclei.plugin.shared.layers import labels_layer_metadata
from napari_unet_nuclei.plugin.shared.theme import DOUBT, PROBLEM

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from napari_unet_nuclei.plugin.finetune.training_process import FineTuneRequest

IMAGE, LABELS = draw_nuclei(0, (260, 260), 30)


class Scene:
    """A viewer, the widget and what a user does with them."""

    def __init__(self, qtbot: QtBot) -> None:
        self.viewer = ViewerModel()
        self.widget = FineTuneWidget(self.viewer)
        self._qtbot = qtbot
        qtbot.addWidget(self.widget.native)
        self.widget.native.show()

    def add_pair(self, name: str, labels: NDArray[np.integer] = LABELS) -> None:
        image = self.viewer.add_image(IMAGE, name=name)
        self.viewer.add_labels(
            labels.copy(),
            name=f"{name} nuclei",
            metadata=labels_layer_metadata(image),
        )

    def activate(self, name: str) -> None:
        self.viewer.layers.selection.active = self.viewer.layers[name]

    def list_pair(self) -> None:
        self.widget.more.add_button.native.click()

    def list_folder(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
        self.widget.more.folder_button.native.click()

    def request(self) -> FineTuneRequest:
        return self.widget._form.make_request(self.widget.make_command)

    def wait_for_check(self) -> None:
        watch = self.widget.watch
        assert watch is not None
        self._qtbot.waitUntil(lambda: not watch.is_busy, timeout=30_000)

    @property
    def pairs(self) -> list[str]:
        return [pair.name for pair in self.request().pairs]

    @property
    def rows(self) -> list[str]:
        rows = self.widget.more._rows.values()
        return [str(row.name.value) for row in rows]

    @property
    def said_of_all(self) -> str:
        words = self.widget.report_lines.all
        return str(words.value) if words.visible else ""


@pytest.fixture
def scene(qtbot: QtBot, make_model: Callable[..., Path]) -> Scene:
    make_model("start")
    return Scene(qtbot)


@pytest.fixture
def two(scene: Scene) -> Scene:
    scene.add_pair("first")
    scene.add_pair("second")
    return scene


def test_a_listed_pair_is_trained_on_with_the_chosen_one(two: Scene) -> None:
    two.activate("first")
    two.widget.annotation.how.value = Annotated.PAINTED
    two.list_pair()
    assert two.rows == ["first with first nuclei (around what is painted)"]
    assert two.pairs == ["first"]  # chosen and listed: once
    two.activate("second nuclei")
    two.widget.annotation.how.value = Annotated.WHOLE_IMAGE
    assert two.pairs == ["second", "first"]
    first = two.request().pairs[1]
    assert first.annotated is Annotated.PAINTED
    two.widget.more.takes_chosen.native.click()
    assert two.pairs == ["first"]


def test_rows_follow_their_layers(two: Scene) -> None:
    two.list_pair()
    two.viewer.layers["second"].name = "renamed"
    assert two.rows == ["renamed with second nuclei (whole image)"]
    two.viewer.layers.remove("second nuclei")
    assert two.rows == []
    assert not two.widget.more.takes_chosen.visible


def test_a_row_is_taken_off_the_list(two: Scene) -> None:
    two.list_pair()
    two.activate("first")
    button = two.widget.more.native.findChild(QToolButton)
    assert "off the list" in button.accessibleName()
    button.click()
    assert two.rows == []
    assert two.pairs == ["first"]


def test_a_doubtful_pair_is_asked_about_before_it_is_listed(two: Scene) -> None:
    two.widget.image.choose(two.viewer.layers["first"])
    two.widget.annotations.choose(two.viewer.layers["second nuclei"])
    two.list_pair()
    assert two.rows == []
    assert "Train on this pair?" in two.widget.panel.status.value
    two.widget.pair.yes_button.native.click()
    assert two.rows == ["first with second nuclei (whole image)"]
    assert not two.widget.panel.is_running


def test_a_data_set_is_trained_on_without_any_layer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pair = AnnotatedImage(image=IMAGE, axes="YX", labels=LABELS)
    write_samples(tmp_path / "lab", make_samples([pair, pair]))
    scene.list_folder(monkeypatch, tmp_path / "lab")
    assert scene.rows == ["lab (data set)"]
    request = scene.request()
    assert (request.pairs, request.folders) == ([], [tmp_path / "lab"])
    scene.wait_for_check()
    (row,) = scene.widget.more._rows.values()
    assert row.words.value == "2 annotated images."
    scene.list_folder(monkeypatch, tmp_path)
    scene.wait_for_check()
    bad = scene.widget.more._rows[tmp_path]
    assert "Choose one of the data sets in it: lab." in bad.words.value
    assert bad.words.native.property(PROBLEM)
    assert not scene.widget.panel.run_button.enabled


def test_before_training_the_widget_says_what_it_takes(scene: Scene) -> None:
    scene.add_pair("cells", np.where(LABELS <= 7, LABELS, 0))
    scene.wait_for_check()
    assert scene.said_of_all.startswith("7 nuclei painted in 1 image;")
    scene.widget.annotation.how.value = Annotated.PAINTED
    scene.wait_for_check()
    assert "all pixels count" not in scene.said_of_all
    layer = scene.viewer.layers["cells nuclei"]
    layer.data_setitem((LABELS == 8).nonzero(), 8)
    scene.wait_for_check()
    assert scene.said_of_all.startswith("8 nuclei painted")


def test_an_error_disables_the_button_and_stands_beside_the_labels(
    scene: Scene,
) -> None:
    scene.add_pair("cells", (LABELS > 0).astype(np.int32))
    button = scene.widget.panel.run_button
    own_tooltip = button.tooltip
    scene.wait_for_check()
    said = scene.widget.report_lines.chosen
    assert said.visible
    assert "Give each nucleus a number of its own" in said.value
    assert said.native.property(PROBLEM)
    assert not button.enabled
    assert button.tooltip == said.value
    scene.viewer.layers["cells nuclei"].data = LABELS
    scene.wait_for_check()
    assert not said.visible
    assert button.enabled
    assert button.tooltip == own_tooltip


def test_where_much_seems_unlabelled_the_ring_is_suggested(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "napari_unet_nuclei.plugin.finetune.seen_nuclei.SeenNuclei.__call__",
        lambda *_: LABELS,
    )
    scene.add_pair("cells", np.where(LABELS <= 7, LABELS, 0))
    scene.wait_for_check()
    lines = scene.widget.report_lines
    n_others = LABELS.max() - 7
    assert f"sees {n_others} more on what counts as background" in scene.said_of_all
    assert "Are all nuclei labelled?" in scene.said_of_all
    assert lines.all.native.property(DOUBT)
    lines.follow_button.native.click()
    assert scene.widget.annotation.annotated is Annotated.PAINTED
    scene.wait_for_check()
    assert "more where nothing is painted: ignored" in scene.said_of_all
    assert not lines.follow_button.visible
    assert not lines.all.native.property(DOUBT)
