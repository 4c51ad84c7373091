"""Save results: from a layer to files, and back to the same layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from qtpy.QtWidgets import QFileDialog

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.core.settings.choices import OutputFormat
from napari_unet_nuclei.plugin.files import results_dialog
from napari_unet_nuclei.plugin.files.opening import open_paths
from napari_unet_nuclei.plugin.files.results_dialog import ResultsDialog, open_dialog
from napari_unet_nuclei.plugin.shared.layers import set_features

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Labels
    from pytestqt.qtbot import QtBot

IMAGE, LABELS = draw_nuclei(0, (80, 100), 9)
NAMES = {
    *("cells_masks.tif", "cells_nuclei.csv", "cells_nuclei.geojson"),
    *("cells_overlay.png", "cells_rois.zip"),
}


def add_layers(viewer: Any, folder: Path) -> Labels:
    """Open an image from a file, and add its nuclei with everything they have."""
    path = folder / "cells.tif"
    tifffile.imwrite(path, IMAGE)
    placed: dict[str, Any] = {"scale": (0.5, 0.25), "units": ("um", "um")}
    viewer.add_image(IMAGE, name="cells", **placed)
    layer = viewer.add_labels(
        np.array(LABELS, np.int32),
        name="cells nuclei",
        translate=(3.0, 4.5),
        metadata={"image_path": str(path), "image": "cells", "model": "resnet"},
        **placed,
    )
    viewer.layers["cells"].translate = (3.0, 4.5)
    set_features(layer, measure_nuclei(LABELS, IMAGE))
    return layer


@pytest.fixture
def open_on(qtbot: QtBot) -> Callable[..., ResultsDialog]:
    def open_it(viewer: Any, layer: Labels) -> ResultsDialog:
        dialog = ResultsDialog(viewer, layer)
        qtbot.addWidget(dialog)
        return dialog

    return open_it


def save(dialog: ResultsDialog, qtbot: QtBot) -> str:
    dialog.panel.run_button.native.click()
    qtbot.waitUntil(lambda: not dialog.panel.is_running, timeout=30_000)
    return str(dialog.panel.status.value)


def test_results_beside_the_image_come_back_bit_for_bit(
    make_napari_viewer: Callable[..., Any],
    open_on: Callable[..., ResultsDialog],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    viewer = make_napari_viewer()
    layer = add_layers(viewer, tmp_path)
    dialog = open_on(viewer, layer)
    assert dialog.folder.text() == str(tmp_path)
    assert dialog.name.text() == "cells"
    said = save(dialog, qtbot)
    assert said.startswith("Saved cells_masks.tif, ")
    assert {path.name for path in tmp_path.iterdir()} == NAMES | {"cells.tif"}
    open_paths(viewer, [str(tmp_path / "cells_masks.tif")])
    back = viewer.layers[-1]
    assert back is not layer
    np.testing.assert_array_equal(back.data, layer.data)
    for name in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_array_equal(getattr(back, name), getattr(layer, name))
    assert back.units == layer.units
    assert back.metadata["model"] == "resnet"
    for name in layer.features:
        np.testing.assert_array_equal(back.features[name], layer.features[name])


def test_nothing_is_replaced_unasked(
    open_on: Callable[..., ResultsDialog], qtbot: QtBot, tmp_path: Path
) -> None:
    viewer = ViewerModel()
    layer = add_layers(viewer, tmp_path)
    (tmp_path / "cells_rois.zip").write_text("mine")
    dialog = open_on(viewer, layer)
    assert "cells_rois.zip exist" in str(dialog.panel.status.value)
    assert "which exists" in save(dialog, qtbot)
    assert (tmp_path / "cells_rois.zip").read_text() == "mine"
    assert not (tmp_path / "cells_masks.tif").exists()
    dialog.name.setText("other")
    assert not dialog.replace.isVisibleTo(dialog)
    assert save(dialog, qtbot).startswith("Saved other_masks.tif")
    dialog.name.setText("cells")
    dialog.replace.setChecked(True)
    assert "will be replaced" in str(dialog.panel.status.value)
    assert save(dialog, qtbot).startswith("Saved cells_masks.tif")
    assert (tmp_path / "cells_rois.zip").stat().st_size > 1000


def test_saving_twice_offers_to_replace(
    open_on: Callable[..., ResultsDialog], qtbot: QtBot, tmp_path: Path
) -> None:
    viewer = ViewerModel()
    dialog = open_on(viewer, add_layers(viewer, tmp_path))
    assert not dialog.replace.isVisibleTo(dialog)
    save(dialog, qtbot)
    assert dialog.replace.isVisibleTo(dialog)
    for path in tmp_path.glob("cells_*"):
        path.unlink()
    dialog.name.setText("other")
    assert not dialog.replace.isVisibleTo(dialog)
    (tmp_path / "other_rois.zip").write_text("of another program")
    assert "Choose to replace it" in save(dialog, qtbot)
    assert dialog.replace.isVisibleTo(dialog)


def test_an_image_is_never_replaced(
    open_on: Callable[..., ResultsDialog], qtbot: QtBot, tmp_path: Path
) -> None:
    viewer = ViewerModel()
    layer = add_layers(viewer, tmp_path)
    image = tmp_path / "cells_masks.tif"
    (tmp_path / "cells.tif").rename(image)
    layer.metadata["image_path"] = str(image)
    dialog = open_on(viewer, layer)
    dialog.name.setText("cells")
    dialog.replace.setChecked(True)
    assert "part of the input" in save(dialog, qtbot)
    np.testing.assert_array_equal(tifffile.imread(image), IMAGE)


def test_what_cannot_be_saved_is_not_offered(
    open_on: Callable[..., ResultsDialog], qtbot: QtBot, tmp_path: Path
) -> None:
    viewer = ViewerModel()
    layer = viewer.add_labels(np.stack([LABELS] * 2), name="stack")
    dialog = open_on(viewer, layer)
    offered = {kind for kind, box in dialog.boxes.items() if box.isEnabled()}
    assert offered == {OutputFormat.TIFF, OutputFormat.ROIS, OutputFormat.GEOJSON}
    dialog.folder.setText(str(tmp_path / "new"))
    dialog.boxes[OutputFormat.GEOJSON].setChecked(False)
    save(dialog, qtbot)
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {"stack_masks.tif", "stack_rois.zip"}


def test_a_folder_can_be_chosen_and_a_bad_name_is_said(
    open_on: Callable[..., ResultsDialog],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    viewer = ViewerModel()
    dialog = open_on(viewer, add_layers(viewer, tmp_path))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/elsewhere")
    dialog._choose_folder()
    assert dialog.folder.text() == "/elsewhere"
    dialog.name.setText("a/b")
    assert "Rename the image" in str(dialog.panel.status.value)
    for box in dialog.boxes.values():
        box.setChecked(False)
    dialog.name.setText("a")
    dialog.save()
    assert "check at least one" in str(dialog.panel.status.value)


def test_closing_the_dialog_stops_saving(
    open_on: Callable[..., ResultsDialog], qtbot: QtBot, tmp_path: Path
) -> None:
    viewer = ViewerModel()
    dialog = open_on(viewer, add_layers(viewer, tmp_path))
    dialog.panel.run_button.native.click()
    task = dialog.panel.task
    assert task is not None
    dialog.reject()
    assert task.has_stopped.wait(10)
    left = {path.name for path in tmp_path.iterdir()} - {"cells.tif"}
    assert left in (set(), NAMES)


def test_the_command_opens_the_dialog_of_the_selected_labels(
    make_napari_viewer: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    viewer = make_napari_viewer()
    warned = []
    monkeypatch.setattr(results_dialog, "show_warning", warned.append)
    assert open_dialog() is None
    assert warned == ["Select one labels layer to save."]
    add_layers(viewer, tmp_path)
    dialog = open_dialog()
    assert dialog is not None
    assert dialog.windowTitle() == "Save results of cells nuclei"
    with qtbot.waitSignal(dialog.destroyed):
        dialog.close()
