"""How many nuclei are locked, and the button that unlocks them."""

from __future__ import annotations

from magicgui.widgets import PushButton
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

_MEANING = (
    "Corrected by hand: sliders and new runs leave them as they are, and find the rest "
    "anew"
)


class LockedRow(QWidget):
    """A line with a button, which is there only while nuclei are locked."""

    def __init__(self) -> None:
        super().__init__()
        self.label = QLabel()
        self.label.setToolTip(_MEANING)
        self.unlock_button = PushButton(
            text="Unlock",
            tooltip="Let sliders and new runs change corrected nuclei again",
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.unlock_button.native)
        self.hide()

    def show_count(self, n_locked: int) -> None:
        """Show how many nuclei are locked."""
        counted = "1 nucleus is" if n_locked == 1 else f"{n_locked:,} nuclei are"
        self.label.setText(f"{counted} locked")
        self.setVisible(n_locked > 0)
