"""Models are managed in one place, and every list of models follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_unet_nuclei.core.models.notes import read_notes
from napari_unet_nuclei.plugin.models.widget import ModelsWidget
from napari_unet_nuclei.plugin.segment.widget import SegmentWidget
from napari_unet_nuclei.plugin.shared.model_choice import ModelChoice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot


@pytest.fixture
def viewer() -> ViewerModel:
    """Return a viewer without a window."""
    return ViewerModel()


@pytest.fixture
def open_models(
    qtbot: QtBot, viewer: ViewerModel, make_model: Callable[..., Path]
) -> Callable[..., ModelsWidget]:
    """Return what opens the widget with models of these names and thresholds."""

    def open_it(**thresholds: float) -> ModelsWidget:
        for name, threshold in thresholds.items():
            make_model(name, threshold=threshold)
        widget = ModelsWidget(viewer)
        qtbot.addWidget(widget.native)
        return widget

    return open_it


def select(widget: ModelsWidget, name: str) -> None:
    widget.form.table.select(widget.form.table.names.index(name))


def status(widget: ModelsWidget) -> str:
    return str(widget.panel.status.value)


def test_a_renamed_model_stays_chosen(
    qtbot: QtBot,
    viewer: ViewerModel,
    open_models: Callable[..., ModelsWidget],
    engine: Any,
) -> None:
    widget = open_models(a=0.5, b=0.5)
    segment = SegmentWidget(viewer)
    qtbot.addWidget(segment.native)
    other = ModelChoice()
    segment.model.value = "b"
    assert other.model == "a"
    select(widget, "b")
    widget.rename("better")
    assert segment.model.model == "better"
    assert other.model == "a"
    assert widget.form.table.names == ["a", "better"]
    assert widget.form.table.selected is not None
    assert widget.form.table.selected.name == "better"
    assert status(widget) == "b is called better now."
    widget.rename("a")
    assert "already exists" in status(widget)
    assert segment.model.model == "better"


def test_a_deleted_model_is_chosen_nowhere(
    qtbot: QtBot,
    viewer: ViewerModel,
    open_models: Callable[..., ModelsWidget],
    user_folder: Path,
    engine: Any,
) -> None:
    widget = open_models(a=0.5, b=0.5)
    segment = SegmentWidget(viewer)
    qtbot.addWidget(segment.native)
    segment.model.value = "b"
    select(widget, "b")
    widget.form.delete_button.click()
    assert segment.model.model == "a"
    assert widget.form.first.model == widget.form.second.model == "a"
    assert widget.form.table.names == ["a"]
    deleted = user_folder / "deleted" / "b.unetnuclei"
    assert str(deleted) in status(widget)
    widget.import_file(deleted)
    assert widget.form.table.names == ["a", "b"]
    assert widget.form.table.selected is not None
    assert widget.form.table.selected.name == "b"


def test_notes_stay_beside_the_model(
    open_models: Callable[..., ModelsWidget], user_folder: Path
) -> None:
    widget = open_models(a=0.5, b=0.5)
    content = (user_folder / "a.unetnuclei").read_bytes()
    select(widget, "a")
    widget.form.notes.setPlainText("for the confocal")
    select(widget, "b")
    assert widget.form.notes.toPlainText() == ""
    assert read_notes(user_folder / "a.unetnuclei") == "for the confocal"
    assert not (user_folder / "b.notes.txt").exists()
    select(widget, "a")
    assert widget.form.notes.toPlainText() == "for the confocal"
    widget.form.notes.setPlainText("typed, and then renamed")
    widget.rename("c")
    assert widget.form.notes.toPlainText() == "typed, and then renamed"
    assert (user_folder / "c.unetnuclei").read_bytes() == content


def test_notes_that_rest_are_kept(
    open_models: Callable[..., ModelsWidget], user_folder: Path, qtbot: QtBot
) -> None:
    widget = open_models(a=0.5)
    widget._writing.setInterval(5)
    widget.form.notes.setPlainText("x")
    qtbot.waitUntil(lambda: read_notes(user_folder / "a.unetnuclei") == "x")


def test_copies_go_out_and_come_in(
    open_models: Callable[..., ModelsWidget], user_folder: Path, tmp_path: Path
) -> None:
    widget = open_models(a=0.5)
    widget.export(tmp_path / "copy")
    copy = tmp_path / "copy.unetnuclei"
    assert copy.read_bytes() == (user_folder / "a.unetnuclei").read_bytes()
    copy.rename(tmp_path / "a.unetnuclei")
    widget.import_file(tmp_path / "a.unetnuclei")
    assert set(widget.form.table.names) == {"a", "a-2"}
    (tmp_path / "no.unetnuclei").write_text("no model")
    widget.import_file(tmp_path / "no.unetnuclei")
    assert "no.unetnuclei, which is not one or is damaged" in status(widget)
    assert set(widget.form.table.names) == {"a", "a-2"}


def test_shipped_models_can_only_be_copied(
    open_models: Callable[..., ModelsWidget],
    user_folder: Path,
    make_model: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from napari_unet_nuclei.core.models import store

    shipped = {"resnet": make_model("resnet")}
    monkeypatch.setattr(store, "shipped_models", lambda: shipped)
    widget = open_models(a=0.5)
    form = widget.form
    assert form.table.names == ["resnet", "a"]
    assert "came with this package" in form.details.value
    assert form.export_button.isEnabled()
    for control in (form.rename_button, form.delete_button, form.notes):
        assert not control.isEnabled()
    select(widget, "a")
    assert form.rename_button.isEnabled()


def test_two_models_are_compared_on_an_image(
    open_models: Callable[..., ModelsWidget],
    viewer: ViewerModel,
    image: NDArray[np.uint8],
    engine: Any,
    qtbot: QtBot,
) -> None:
    widget = open_models(eager=0.2, strict=0.8)
    cells = viewer.add_image(image, name="cells", scale=(2, 3))
    widget.form.first.value, widget.form.second.value = "eager", "strict"
    for _ in range(2):  # the second takes the place of the first
        widget.panel.run_button.native.click()
        qtbot.waitUntil(lambda: not widget.panel.is_running, timeout=30_000)
        assert len(viewer.layers) == 2
    layer = viewer.layers[1]
    assert isinstance(layer, Labels)
    assert layer.name == "cells: eager and strict"
    np.testing.assert_array_equal(layer.scale, cells.scale)
    assert layer.data[30, 100] == 1
    assert layer.data[30, 20] == layer.data[30, 60] == 2
    assert layer.features["nuclei"].tolist()[1] == "only eager"
    assert status(widget).startswith(
        "Nuclei of both: 1 (grey); only of eager: 2 (orange)"
    )
    assert viewer.layers.selection.active is cells


def test_a_comparison_that_cannot_start_says_why(
    open_models: Callable[..., ModelsWidget],
    viewer: ViewerModel,
    image: NDArray[np.uint8],
) -> None:
    widget = open_models(a=0.5)
    widget.compare()
    assert "open an image first" in status(widget)
    viewer.add_image(image)
    widget.compare()
    assert "Expected two models" in status(widget)


def test_a_model_that_is_gone_meanwhile(
    open_models: Callable[..., ModelsWidget], user_folder: Path
) -> None:
    widget = open_models(a=0.5, b=0.5)
    select(widget, "b")
    (user_folder / "b.unetnuclei").unlink()
    widget.rename("c")
    assert "may have been deleted meanwhile" in status(widget)
    widget.delete()
    assert "may have been deleted meanwhile" in status(widget)


def test_the_list_of_models_opens_the_widget(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    make_model: Callable[..., Path],
    engine: Any,
) -> None:
    make_model("a")
    viewer = make_napari_viewer()
    segment = open_widget(viewer, "Segment nuclei")
    row = segment.model.native.findText("Manage models …")
    segment.model.native.setCurrentIndex(row)
    segment.model.native.activated.emit(row)
    assert segment.model.model == "a"
    docks = [str(name) for name in viewer.window.dock_widgets]
    assert any(name.startswith("Models") for name in docks)
