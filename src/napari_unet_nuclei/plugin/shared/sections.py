"""Sections of a form that can be folded, with a word about what is inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_unet_nuclei.plugin.shared.form import make_form
from napari_unet_nuclei.plugin.shared.theme import SECTION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from magicgui.widgets.bases import Widget

_OPEN, _FOLDED = "▾", "▸"
_MARGIN = 16  # px, of the header, both sides together
_INDENT = 10  # px


class Section(QWidget):
    """Rows of a form below a header, which folds them.

    Parameters
    ----------
    title : str
        What the header says.
    rows : sequence of Widget or QWidget
        As for `make_form`.
    is_open : bool
        Whether the rows are shown at first.
    on_toggle : callable
        Called when the user opens or folds it.
    """

    def __init__(
        self,
        title: str,
        rows: Sequence[Widget | QWidget],
        *,
        is_open: bool = False,
        on_toggle: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__()
        self.title = title
        self._on_toggle = on_toggle
        self._summary = ""
        self.header = _Header()
        self._body = make_form(rows)
        self._body.setContentsMargins(_INDENT, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.header)
        layout.addWidget(self._body)
        self._body.setVisible(is_open)
        self._write()
        self.header.clicked.connect(self._toggle)

    @property
    def is_open(self) -> bool:
        """Whether the rows are shown."""
        return not self._body.isHidden()

    def open(self, *, is_open: bool = True) -> None:
        """Show the rows, or fold them."""
        self._body.setVisible(is_open)
        self._write()

    def summarise(self, text: str) -> None:
        """Say what the rows hold, shown while they are folded."""
        self._summary = text
        self._write()

    def _toggle(self) -> None:
        self.open(is_open=not self.is_open)
        self._on_toggle()

    def _write(self) -> None:
        arrow = _OPEN if self.is_open else _FOLDED
        shown = "" if self.is_open or not self._summary else f": {self._summary}"
        self.header.write(f"{arrow}  {self.title}{shown}")
        folds = "Fold this section" if self.is_open else "Open this section"
        self.header.setToolTip("\n".join(filter(None, [self._summary, folds])))


class _Header(QPushButton):
    """A flat button as wide as the form, whose text is shortened at its end."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setObjectName(SECTION)
        self.setFlat(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.installEventFilter(_Fitting(self))

    def write(self, text: str) -> None:
        self._whole = text
        self.setAccessibleName(text[1:].strip())
        self.fit()

    def fit(self) -> None:
        """Shorten the text to the present width."""
        width = max(self.width() - _MARGIN, 0)
        shown = self.fontMetrics().elidedText(
            self._whole, Qt.TextElideMode.ElideRight, width
        )
        if shown != self.text():
            self.setText(shown)

    def minimumSizeHint(self) -> QSize:
        """No wider than the dock."""
        return QSize(0, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        """No wider than the dock."""
        return QSize(0, super().sizeHint().height())


class _Fitting(QObject):
    """Shortens the text of a header again when its place changes."""

    def __init__(self, header: _Header) -> None:
        super().__init__(header)
        self._header = header

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in (
            QEvent.Type.Resize,
            QEvent.Type.FontChange,
        ):
            self._header.fit()
        return False
