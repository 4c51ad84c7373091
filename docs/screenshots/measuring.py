"""*Measure nuclei*: plot, table, and the dialog that saves all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.plugin.files import results_dialog
from napari_unet_nuclei.plugin.shared.docking import show_row
from screenshots.studio import wait_until

if TYPE_CHECKING:
    from screenshots.studio import Studio


def measuring(studio: Studio) -> None:
    """Measure a result, select in the plot, and show table and dialog."""
    studio.open_sample()
    widget = studio.open("Segment nuclei")
    studio.run(widget)
    studio.viewer.window.remove_dock_widget(widget.native)
    for layer in studio.viewer.layers:
        layer.scale, layer.units = (0.5, 0.5), ("um", "um")
    nuclei = studio.viewer.layers[-1]
    studio.viewer.layers.selection.active = nuclei
    nuclei.contour = 0
    studio.viewer.reset_view()
    measure = studio.open("Measure nuclei")
    measure.form.ring.value = 2
    studio.run(measure)
    wait_until(lambda: measure.is_idle)
    studio.take("measured-histogram")
    measure.plots.y.value = "solidity"
    frame = measure.plots.plot.frame
    nuclei_in_plot = frame.nuclei
    large = nuclei_in_plot.x > np.quantile(nuclei_in_plot.x, 0.75)
    measure.plots.plot.selected.emit(nuclei_in_plot.label[large])
    show_row(measure.form.native, measure.plots.plot)
    studio.take("measured")
    measure.table_button.native.click()
    studio.take("measured-table")
    dialog = results_dialog.open_dialog()
    dialog.hide()
    dialog.setModal(True)
    dialog.show()
    studio.take("save-results")
    dialog.close()
