"""The widget that measures the nuclei of any labels layer, and plots the table.

Only what connects its parts: the controls are in ``form``, what is measured in
``layer_planes``, how a table follows edits in ``live_measurements``, the plot in
``plot_panel``, what is said in ``messages``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import Container, PushButton
from magicgui.widgets.bases import Widget
from napari.utils.history import get_save_history, update_save_history
from npe2 import PluginManager
from qtpy.QtWidgets import QFileDialog

from napari_unet_nuclei.core.errors import LabelsError, UNetNucleiError
from napari_unet_nuclei.plugin.measure import messages
from napari_unet_nuclei.plugin.measure.form import MeasureForm
from napari_unet_nuclei.plugin.measure.layer_planes import labels_data, make_planes
from napari_unet_nuclei.plugin.measure.live_measurements import (
    LiveMeasurements,
    write_measurements,
)
from napari_unet_nuclei.plugin.measure.measuring import MeasuredLabels
from napari_unet_nuclei.plugin.measure.plot_panel import PlotPanel
from napari_unet_nuclei.plugin.measure.selection import NucleiSelection
from napari_unet_nuclei.plugin.measure.table_dock import show_table
from napari_unet_nuclei.plugin.shared.docking import lay_out
from napari_unet_nuclei.plugin.shared.nuclei_table import (
    nuclei_table,
    propose_csv,
    save_csv,
)
from napari_unet_nuclei.plugin.shared.run_panel import RunPanel
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.theme import follow_theme, theme_colours
from napari_unet_nuclei.plugin.shared.timers import make_quiet_timer

if TYPE_CHECKING:
    from collections.abc import Hashable

    import napari.viewer
    from napari.layers import Labels
    from numpy.typing import NDArray

_SAVE_RESULTS = "napari-unet-nuclei.save_results"
_QUIET_MS = 100  # after the last change of a table, when the plot is drawn again


class MeasureWidget(Container[Widget]):
    """Measures the nuclei of a labels layer, into the table that napari shows.

    Keeps in step: tables that were measured with their layers, the plot with the table
    of the chosen layer, the nuclei selected in the plot with those in the layer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where labels and images are.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._live: dict[Hashable, LiveMeasurements] = {}
        self._said: dict[Hashable, str] = {}
        self._selection: NucleiSelection | None = None
        self.panel = RunPanel(
            "Measure",
            "Measure all nuclei of these labels, into napari's table of the layer",
            self.measure,
        )
        self.plots = PlotPanel(theme_colours(viewer.theme))
        self.table_button = PushButton(
            text="Show table", tooltip="Open napari's table of the layer"
        )
        self.csv_button = PushButton(
            text="Save table…", tooltip="Save the table as a csv"
        )
        self.save_button = PushButton(
            text="Save results…",
            tooltip="Save labels, table, outlines and a picture at once",
        )
        self._buttons = Container[PushButton](
            widgets=[self.table_button, self.csv_button, self.save_button],
            layout="horizontal",
            labels=False,
        )
        self._buttons.margins = (0, 0, 0, 0)
        super().__init__(widgets=[self.panel, self._buttons], labels=False)
        self._plot_later = make_quiet_timer(self.native, _QUIET_MS, self._plot)
        self.form = MeasureForm(
            viewer,
            is_running=lambda: self.panel.is_running,
            on_labels=lambda: self._take_labels(),
            rows_below=self.plots.rows,
        )
        lay_out(self, self.form.native, viewer, n_below=1)
        follow_theme(viewer, self.plots.plot, self.plots.plot.use)
        self.panel.cancel_on_close(self)
        self.plots.plot.selected.connect(self._select)
        self.table_button.changed.connect(lambda: self.show_table())
        self.csv_button.changed.connect(lambda: self.save_table())
        self.save_button.changed.connect(lambda: self.save_results())
        viewer.layers.events.removed.connect(self._forget)
        self.native.destroyed.connect(self._stop)
        self._take_labels()

    def measure(self) -> None:
        """Measure the nuclei of the chosen labels, in the background."""
        if self.panel.is_running:
            return
        try:
            layer = self.form.chosen_labels()
            planes = make_planes(layer, self.form.images.images, self.form.settings)
        except UNetNucleiError as error:
            self.panel.refuse(error)
            return
        measured = MeasuredLabels(planes)
        self.panel.start(
            measured.iter_follow(labels_data(layer)),
            f"Measuring {layer.name}",
            TaskCallbacks(
                on_result=lambda _: self._take_result(layer, measured),
                on_end=self.form.labels.catch_up,
                fraction=lambda step: step.fraction,
            ),
            may_be_left=True,  # the search for rings cannot be interrupted
        )

    def show_table(self) -> None:
        """Open napari's table of the chosen labels."""
        layer = self.form.labels.layer
        if layer is not None:
            self._viewer.layers.selection.active = layer
        show_table(self._viewer)

    def save_results(self) -> None:
        """Ask what to save of the chosen labels; a command of another package."""
        try:
            self._viewer.layers.selection.active = self.form.chosen_labels()
        except LabelsError as error:
            self.panel.refuse(error)
            return
        PluginManager.instance().commands.execute(_SAVE_RESULTS)

    def save_table(self) -> None:
        """Ask for a file and save the table of the chosen labels in it."""
        try:
            layer = self.form.chosen_labels()
            table = nuclei_table(layer)
            if table is None:
                raise LabelsError(
                    f"There is no table of {layer.name!r} yet: press Measure first."
                )
            folder = str(get_save_history()[0])
            path, _ = QFileDialog.getSaveFileName(
                self.native,
                "Save the table of nuclei",
                propose_csv(layer, folder),
                "Table (*.csv)",
            )
            if not path:
                return
            written = save_csv(path, table, is_agreed=True)
        except UNetNucleiError as error:
            self.panel.refuse(error)
            return
        update_save_history(written)
        self.panel.say(f"Saved {written}.")

    def _take_result(self, layer: Labels, measured: MeasuredLabels) -> None:
        if layer not in self._viewer.layers:
            self.panel.say(messages.describe_removed(layer.name))
            return
        write_measurements(layer, measured.features, is_anew=True)
        self._stop_following(layer.unique_id)
        live = LiveMeasurements(
            layer,
            measured,
            self.native,
            on_change=self._plot_soon,
            on_end=lambda: self._end_following(layer),
        )
        self._live[layer.unique_id] = live
        live.check()  # what was edited during the run
        n_nuclei = measured.features["label"].size
        n_columns = len(layer.features.columns.drop("index", errors="ignore"))
        said = messages.describe_measured(layer.name, n_nuclei, n_columns)
        self._said[layer.unique_id] = said
        self.panel.say(said)
        self._plot()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being measured."""
        is_quiet = not self._plot_later.isActive()
        followed = all(live.is_idle for live in self._live.values())
        return not self.panel.is_running and is_quiet and followed

    # The plot, and what is selected in it.

    def _take_labels(self) -> None:
        """Plot the table of other labels, and say what was said of them last."""
        layer = self.form.labels.layer
        if not self.panel.is_running:
            known = None if layer is None else layer.unique_id
            self.panel.say(self._said.get(known, ""))
        if self._selection is not None:
            self._release_selection()
        if layer is not None:
            self._selection = NucleiSelection(layer, self._mark)
            layer.events.features.connect(self._plot_soon)
        self._plot()

    def _plot_soon(self, *_: Any) -> None:
        self._plot_later.start()

    def _plot(self) -> None:
        layer = self.form.labels.layer
        self.plots.show_table(None if layer is None else nuclei_table(layer))

    def _select(self, labels: NDArray[np.integer]) -> None:
        """Let the nuclei that were selected in the plot stand out."""
        if self._selection is None:
            return
        self._selection.select(labels)
        self.plots.plot.mark(labels)
        table = nuclei_table(self._selection.layer)
        n_nuclei = 0 if table is None else table["label"].size
        self.panel.say(messages.describe_selected(len(labels), n_nuclei))

    def _mark(self, label: int) -> None:
        """Show the point of a nucleus that was clicked in the layer."""
        self.plots.plot.mark(np.array([label] if label > 0 else [], np.int64))

    # Layers that go, and the end.

    def _end_following(self, layer: Labels) -> None:
        self._live.pop(layer.unique_id, None)
        self._said.pop(layer.unique_id, None)
        self.panel.say(messages.describe_reshaped(layer.name))

    def _stop_following(self, layer_id: Hashable) -> None:
        live = self._live.pop(layer_id, None)
        if live is not None:
            live.stop()

    def _forget(self, event: Any) -> None:
        self._said.pop(event.value.unique_id, None)
        self._stop_following(event.value.unique_id)

    def _release_selection(self) -> None:
        selection, self._selection = self._selection, None
        if selection is not None:
            selection.stop()
            selection.layer.events.features.disconnect(self._plot_soon)

    def _stop(self) -> None:
        self._viewer.layers.events.removed.disconnect(self._forget)
        for layer_id in list(self._live):
            self._stop_following(layer_id)
        self._release_selection()
