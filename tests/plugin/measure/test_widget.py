from __future__ import annotations

import csv
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_unet_nuclei.core.images.calibration import Calibration
from napari_unet_nuclei.core.instances.remeasuring import PlaneImage
from napari_unet_nuclei.core.settings.choices import Measurement
from napari_unet_nuclei.core.settings.measurements import MeasurementSettings
from napari_unet_nuclei.plugin.measure import live_measurements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from pytestqt.qtbot import QtBot

    from conftest import Bench

AT_FIRST = MeasurementSettings(what=(Measurement.SHAPE, Measurement.INTENSITY))


def test_the_table_of_any_labels_is_measured(bench: Bench) -> None:
    assert "area" not in bench.labels.features
    bench.measure()
    bench.assert_measured(AT_FIRST)
    n_nuclei = len(np.unique(bench.labels.data)) - 1
    assert bench.status.startswith(f"{n_nuclei} nuclei of nuclei measured")
    assert "touches_border" not in bench.table()


def test_the_status_is_about_the_labels_that_are_chosen(bench: Bench) -> None:
    bench.measure()
    said = bench.status
    bench.viewer.add_labels(np.zeros_like(bench.labels.data), name="other")
    bench.viewer.layers.selection.active = bench.viewer.layers["other"]
    assert bench.status == ""
    bench.measure()
    assert bench.status.startswith("0 nuclei of other measured")
    bench.viewer.layers.selection.active = bench.labels
    assert bench.status == said
    bench.viewer.layers.remove("nuclei")
    assert bench.status.startswith("0 nuclei of other measured")


def test_the_table_follows_edits_undo_and_redo(bench: Bench) -> None:
    bench.widget.form.ring.value = 3
    bench.measure()
    settings = MeasurementSettings(what=AT_FIRST.what, ring=3)
    bench.assert_measured(settings)
    layer = bench.labels
    layer.data_setitem(np.nonzero(layer.data == 3), 0)
    layer.paint((80, 100), 300)
    layer.fill(tuple(np.argwhere(layer.data == 5)[0]), 7)
    bench.wait()
    bench.assert_measured(settings)
    assert 300 in bench.table()["label"]
    assert 3 not in bench.table()["label"]
    layer.undo()
    layer.undo()
    layer.undo()
    bench.wait()
    bench.assert_measured(settings)
    assert 3 in bench.table()["label"]
    layer.redo()
    bench.wait()
    assert 3 not in bench.table()["label"]


def test_only_nuclei_around_an_edit_are_measured_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.measure()
    written = []
    write = live_measurements.write_measurements

    def note(layer: Any, features: Any, **kwargs: Any) -> None:
        written.append(len(features["label"]))
        write(layer, features, **kwargs)

    monkeypatch.setattr(live_measurements, "write_measurements", note)
    bench.labels.refresh()
    bench.wait()
    assert written == []
    bench.labels.paint((80, 100), 300)
    bench.wait()
    assert len(written) == 1


def test_columns_have_the_unit_of_the_layer(bench: Bench) -> None:
    for layer in bench.viewer.layers:
        layer.scale, layer.units = (0.5, 0.5), ("um", "um")
    bench.viewer.layers.selection.active = bench.viewer.layers["cells"]
    bench.widget.form.take_labels()
    assert bench.widget.form.ring.native.suffix() == " µm"
    bench.widget.form.ring.value = 2
    bench.measure()
    micrometres = Calibration(sizes={"Y": 0.5, "X": 0.5}, unit="um")
    settings = MeasurementSettings(what=AT_FIRST.what, ring=2, ring_unit="um")
    bench.assert_measured(settings, calibration=micrometres)
    assert {"area_um2", "perimeter_um"} <= set(bench.table())


def test_every_checked_image_has_columns_of_its_own(bench: Bench) -> None:
    pixels = bench.viewer.layers["cells"].data
    bench.viewer.add_image(255 - pixels, name="anti Ki67")
    images = bench.widget.form.images
    assert [images.native.item(row).text() for row in range(2)] == [
        "cells",
        "anti Ki67",
    ]
    images.native.item(1).setCheckState(Qt.CheckState.Checked)
    bench.measure()
    table = bench.table()
    total = table["intensity_mean_cells"] + table["intensity_mean_anti_Ki67"]
    np.testing.assert_allclose(total, 255)
    np.testing.assert_allclose(table["mean_intensity"], table["intensity_mean_cells"])


def test_labels_without_an_image_have_sizes_and_shapes(
    open_bench: Callable[..., Bench], nuclei: Any
) -> None:
    viewer = ViewerModel()
    viewer.add_labels(nuclei[1], name="nuclei")
    bench = open_bench(viewer)
    bench.measure()
    assert {"area", "solidity"} <= set(bench.table())
    assert "mean_intensity" not in bench.table()


def test_a_stack_is_measured_plane_by_plane(
    open_bench: Callable[..., Bench], nuclei: Any
) -> None:
    image, labels = nuclei
    numbered = np.stack([labels, np.where(labels, labels + labels.max(), 0)])
    viewer = ViewerModel()
    viewer.add_image(np.stack([image, image // 2]), name="cells")
    viewer.add_labels(numbered, name="nuclei")
    bench = open_bench(viewer)
    bench.measure()
    table = bench.table()
    n = len(np.unique(labels)) - 1
    assert table["z"].tolist() == [0] * n + [1] * n
    assert table["area"][:n].tolist() == table["area"][n:].tolist()
    brighter = table["mean_intensity"][:n] / table["mean_intensity"][n:]
    np.testing.assert_allclose(brighter, 2, rtol=0.05)
    assert "n_planes" not in table


def test_a_number_in_several_planes_has_the_row_of_its_largest(
    open_bench: Callable[..., Bench],
) -> None:
    labels = np.zeros((3, 40, 40), np.int32)
    labels[0, 3:6, 3:6], labels[1, 3:9, 3:9], labels[2, 30:33, 3:6] = 1, 1, 2
    viewer = ViewerModel()
    viewer.add_labels(labels, name="nuclei")
    bench = open_bench(viewer)
    bench.measure()
    table = bench.table()
    assert table["area"].tolist() == [36, 9]
    assert table["n_planes"].tolist() == [2, 1]
    assert table["z"].tolist() == [1, 2]


def test_columns_of_others_stay_and_those_not_asked_for_go(bench: Bench) -> None:
    bench.measure()
    layer = bench.labels
    layer.features = layer.features.assign(cluster=np.arange(len(layer.features)))
    bench.widget.form.groups[Measurement.SHAPE].value = False
    bench.measure()
    table = bench.table()
    assert "solidity" not in table
    assert table["cluster"].tolist() == table["label"].tolist()


def test_nothing_to_measure_is_said(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    bench.widget.measure()
    assert bench.status.startswith("There are no labels to measure")
    bench.widget.save_table()
    assert bench.status.startswith("There are no labels to measure")


def test_labels_of_another_shape_are_no_longer_followed(bench: Bench) -> None:
    bench.measure()
    bench.labels.data = np.zeros((30, 30), np.int32)
    bench.wait()
    assert "another shape" in bench.status
    assert not bench.widget._live


def test_labels_that_are_removed_are_forgotten(bench: Bench) -> None:
    bench.measure()
    bench.viewer.layers.remove("nuclei")
    assert not bench.widget._live
    bench.wait()


def test_the_table_is_saved_beside_the_image(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.measure()
    bench.labels.metadata["image_path"] = str(tmp_path / "cells.tif")
    proposed = []

    def choose(*args: Any) -> tuple[str, str]:
        proposed.append(args[2])
        return args[2], ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    bench.widget.csv_button.native.click()
    assert proposed == [str(tmp_path / "cells_nuclei.csv")]
    with (tmp_path / "cells_nuclei.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(bench.table())
    assert [float(row["area"]) for row in rows] == bench.table()["area"].tolist()
    assert bench.status.startswith("Saved ")


def test_a_table_needs_a_measurement_first(bench: Bench) -> None:
    bench.widget.csv_button.native.click()
    assert "press Measure first" in bench.status


def test_a_widget_that_is_gone_leaves_layers_as_they_were(
    open_bench: Callable[..., Bench], nuclei: Any, qtbot: QtBot
) -> None:
    viewer = ViewerModel()
    viewer.add_labels(nuclei[1], name="nuclei")
    bench = open_bench(viewer, is_closed=False)
    bench.measure()
    layer = bench.labels
    colormap = layer.colormap
    bench.widget._select(np.array([2, 3]))
    assert layer.colormap is not colormap
    native = bench.widget.native
    with qtbot.waitSignal(native.destroyed):
        native.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert layer.colormap is colormap
    area = layer.features["area"].sum()
    layer.data_setitem(np.nonzero(layer.data == 3), 0)
    assert layer.features["area"].sum() == area


def test_nuclei_selected_in_the_plot_stand_out_and_back(bench: Bench) -> None:
    bench.measure()
    layer, plot = bench.labels, bench.widget.plots.plot
    own = layer.colormap
    before = own.map(np.array([2, 3]))
    bench.widget._select(np.array([2, 3]))
    assert "2 of" in bench.status
    assert plot.marked.tolist() == [2, 3]
    np.testing.assert_allclose(layer.colormap.map(np.array([2, 3])), before)
    grey = layer.colormap.map(np.array([4]))[0]
    assert len(set(grey[:3].tolist())) == 1
    layer.paint((80, 100), 300)
    bench.wait()
    assert plot.marked.tolist() == [2, 3]
    bench.widget._select(np.array([5]))
    assert layer.selected_label == 5
    bench.widget._select(np.zeros(0, int))
    assert layer.colormap is own
    layer.selected_label = 4
    assert plot.marked.tolist() == [4]


def test_other_labels_forget_what_was_selected(bench: Bench) -> None:
    bench.measure()
    own = bench.labels.colormap
    bench.widget._select(np.array([2, 3]))
    bench.labels.data = bench.labels.data[::-1].copy()
    assert bench.labels.colormap is own
    bench.wait()
    bench.assert_measured(AT_FIRST)


def test_a_colormap_that_the_user_sets_meanwhile_stays(bench: Bench) -> None:
    bench.measure()
    bench.widget._select(np.array([2, 3]))
    bench.labels.new_colormap()
    other = bench.labels.colormap
    bench.widget._select(np.zeros(0, int))
    assert bench.labels.colormap is other


def test_the_plot_offers_the_columns_of_the_table(bench: Bench) -> None:
    plots = bench.widget.plots
    assert not plots.x.choices
    bench.measure()
    assert plots.x.value == "diameter"
    assert {"solidity", "intensity_std"} <= set(plots.x.choices)
    plots.x.value, plots.y.value = "area", "solidity"
    bench.labels.paint((80, 100), 300)
    bench.wait()
    assert (plots.x.value, plots.y.value) == ("area", "solidity")
    assert plots.plot.accessibleName().startswith("solidity over area")


def test_a_cancelled_measurement_leaves_the_table_as_it_was(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()
    measure = PlaneImage.measure

    def wait(self: PlaneImage, labels: Any) -> Any:
        assert may_go_on.wait(30)
        return measure(self, labels)

    monkeypatch.setattr(PlaneImage, "measure", wait)
    bench.widget.panel.run_button.native.click()
    bench.widget.panel.cancel_button.native.click()
    bench.wait()  # although the worker is still busy
    assert bench.status == "Cancelled."
    assert "area" not in bench.labels.features
    may_go_on.set()
    bench.measure()
    bench.assert_measured(AT_FIRST)
