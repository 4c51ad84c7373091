"""The plot of a table, and the lists of columns to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox

from napari_unet_nuclei.plugin.measure.nuclei_plot import NucleiPlot
from napari_unet_nuclei.plugin.measure.plotted_nuclei import can_group, plot_nuclei
from napari_unet_nuclei.plugin.shared.nuclei_table import number_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from magicgui.widgets.bases import Widget
    from qtpy.QtWidgets import QWidget

    from napari_unet_nuclei.plugin.shared.nuclei_table import Table
    from napari_unet_nuclei.plugin.shared.theme import Colours

_HISTOGRAM = "histogram"
_NO_GROUPS = "none"
_FIRST = "diameter"


class PlotPanel:
    """Plots columns of a table; marks stay while the table changes.

    Parameters
    ----------
    colours : Colours
        Those of napari's theme.
    """

    def __init__(self, colours: Colours) -> None:
        self.plot = NucleiPlot(colours)
        self.x = ComboBox(choices=[], label="Plot", tooltip="Values from left to right")
        self.y = ComboBox(
            choices=[_HISTOGRAM],
            label="against",
            tooltip="Values from bottom to top, or how many nuclei have each value",
        )
        self.group = ComboBox(
            choices=[_NO_GROUPS],
            label="coloured by",
            tooltip="A column with few values, such as the plane",
        )
        self._table: Table | None = None
        for choice in (self.x, self.y, self.group):
            choice.changed.connect(lambda: self._show())

    @property
    def rows(self) -> Sequence[Widget | QWidget]:
        """What goes into a form."""
        return self.x, self.y, self.group, self.plot

    def show_table(self, table: Table | None) -> None:
        """Show another table, or this one after a change."""
        self._table = table
        numbers = {} if table is None else number_columns(table)
        groups = [] if table is None else _groups_in(table)
        self._offer(self.x, list(numbers), _FIRST)
        self._offer(self.y, [_HISTOGRAM, *numbers], _HISTOGRAM)
        self._offer(self.group, [_NO_GROUPS, *groups], _NO_GROUPS)
        self._show()

    def _offer(self, choice: ComboBox, names: list[str], first: str) -> None:
        """List other columns; the one that was chosen stays where it is among them."""
        before = choice.value
        with choice.changed.blocked():
            if tuple(names) != tuple(choice.choices):
                choice.choices = names
            wanted = before if before in names else first
            if wanted in names and choice.value != wanted:
                choice.value = wanted

    def _show(self) -> None:
        table, marked = self._table, self.plot.marked
        if table is None or self.x.value is None:
            self.plot.show_nuclei(None)
            return
        numbers = number_columns(table)
        x, y, group = self.x.value, self.y.value, self.group.value
        nuclei = plot_nuclei(
            table["label"],
            (x, numbers[x]),
            None if y == _HISTOGRAM else (y, numbers[y]),
            None if group == _NO_GROUPS else (group, table[group]),
        )
        self.plot.show_nuclei(nuclei)
        self.plot.mark(marked)


def _groups_in(table: Table) -> list[str]:
    return [
        name for name, values in table.items() if name != "label" and can_group(values)
    ]
