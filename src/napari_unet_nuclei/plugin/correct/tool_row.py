"""The row of buttons with which the user takes a tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget

from napari_unet_nuclei.plugin.correct.icons import SIZE, make_icon
from napari_unet_nuclei.plugin.correct.tools import TOOLS, Tool
from napari_unet_nuclei.plugin.shared.theme import follow_theme

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer

    from napari_unet_nuclei.plugin.shared.theme import Colours


class ToolRow(QWidget):
    """A button for each tool; the one in use is down.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose theme to follow.
    on_press : callable
        Gets the tool whose button was pressed.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, on_press: Callable[[Tool], object]
    ) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self.buttons: dict[Tool, QToolButton] = {}
        for tool, text in TOOLS.items():
            button = QToolButton()
            button.setText(text.title)
            button.setToolTip(text.tooltip)
            button.setAccessibleName(text.title)
            button.setCheckable(True)
            button.setAutoRaise(True)
            button.setIconSize(QSize(SIZE, SIZE))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setSizePolicy(
                QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred
            )
            button.clicked.connect(lambda _, tool=tool: on_press(tool))
            layout.addWidget(button)
            self.buttons[tool] = button
        follow_theme(viewer, self, self._paint)

    def show_tool(self, in_use: Tool | None) -> None:
        """Let the button of a tool be down, and all others up."""
        for tool, button in self.buttons.items():
            button.setChecked(tool is in_use)

    def _paint(self, colours: Colours) -> None:
        for tool, button in self.buttons.items():
            button.setIcon(make_icon(tool, colours.text))
        self.setStyleSheet(
            "QToolButton { border: 1px solid transparent; padding: 3px 1px; }"
            f"QToolButton:hover {{ background: {colours.foreground.name()}; }}"
            f"QToolButton:checked {{ background: {colours.accent.name()}; }}"
            f"QToolButton:focus {{ border-color: {colours.text.name()}; }}"
        )
