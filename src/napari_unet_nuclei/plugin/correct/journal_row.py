"""The offer to bring back corrections that were not saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import PushButton
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_unet_nuclei.plugin.correct.journal import Journal
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.theme import DOUBT, mark

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer

    from napari_unet_nuclei.core.files.correction_journal import JournalNote


class JournalRow(QWidget):
    """A line with two buttons, which is there only while something is offered.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are corrected.
    say : callable
        Gets what has happened.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, say: Callable[[str], object]
    ) -> None:
        super().__init__()
        self._say = say
        self.line = StatusLine()
        mark(self.line.native, DOUBT, is_set=True)
        self.restore_button = PushButton(
            text="Restore", tooltip="Bring these corrections back; Ctrl+Z undoes it"
        )
        self.discard_button = PushButton(
            text="Discard", tooltip="Forget these corrections for good"
        )
        buttons = QHBoxLayout()
        buttons.addWidget(self.restore_button.native)
        buttons.addWidget(self.discard_button.native)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line.native)
        layout.addLayout(buttons)
        self.hide()
        self.journal = Journal(viewer, self, self._show_offer, say)
        self.restore_button.changed.connect(lambda: self.journal.restore())
        self.discard_button.changed.connect(lambda: self._discard())

    def _discard(self) -> None:
        self.journal.discard()
        self._say("Discarded.")

    def _show_offer(self) -> None:
        note = self.journal.offered
        self.line.value = "" if note is None else self._describe(note)
        self.setVisible(note is not None)

    def _describe(self, note: JournalNote) -> str:
        verb = "was" if note.n_corrections == 1 else "were"
        where = f" of “{note.layer}”" if self.journal.is_offer_of_other_layer else ""
        return f"{note.words}{where} {verb} not saved."
