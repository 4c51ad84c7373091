"""The widget that walks through images: its controls and their keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.history import get_open_history, update_open_history
from qtpy.QtCore import QEvent, QModelIndex, QObject, QSize, Qt
from qtpy.QtGui import QKeySequence, QResizeEvent, QShowEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListView,
    QMainWindow,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_unet_nuclei.plugin.browse.browser import Browser
from napari_unet_nuclei.plugin.browse.image_model import SIDE
from napari_unet_nuclei.plugin.shared.docking import arrange_when_docked
from napari_unet_nuclei.plugin.shared.elision import elide_words
from napari_unet_nuclei.plugin.shared.remembered import recall, remember
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.theme import PRIMARY, follow_theme, style_sheet

if TYPE_CHECKING:
    import napari.viewer

PREVIOUS_KEY, NEXT_KEY, DONE_KEY = "Ctrl+PgUp", "Ctrl+PgDown", "Ctrl+Return"
_NAME, _SEGMENTS_OPENED = "browse", "segments_opened"  # of what is remembered
_LEAST_WIDTH = 240  # px
_WIDTH = 345  # px
_LEAST_ROWS = 2  # of the list
_ZIPS = "Zips of images or data sets (*.zip);;All files (*)"


class BrowseWidget(QWidget):
    """Shows the images of a folder one after the other, and saves their labels.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where images are shown.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._closing: _CloseFilter | None = None
        self._make_controls()
        self.browser = Browser(
            viewer, self, on_change=self._show_choices, say=self._say
        )
        self.list.setModel(self.browser.model)
        self._lay_out()
        self._connect()
        self._show_choices()
        self._say("Open a folder, a zip or a data set to walk through its images.")

    @property
    def native(self) -> QWidget:
        """The widget itself, as those of magicgui call theirs."""
        return self

    def sizeHint(self) -> QSize:
        """Wide enough for usual names."""
        return QSize(_WIDTH, super().sizeHint().height())

    def open(self, path: str | Path, results: Path | None = None) -> None:
        """List the images of a folder or data set, and show the first to do."""
        update_open_history(str(path))
        self.browser.open(Path(path), results)

    # How it is made.

    def _make_controls(self) -> None:
        self.open_button = QPushButton("Open folder or data set …")
        self.open_button.setObjectName(PRIMARY)
        menu = QMenu(self.open_button)
        menu.addAction("Folder or data set …", self.ask_for_folder)
        menu.addAction("Zip or file …", self.ask_for_file)
        self.open_button.setMenu(menu)
        self.place = QLabel()
        self.list = QListView()
        self.list.setUniformItemSizes(True)
        self.list.setIconSize(QSize(SIDE, SIDE))
        self.list.setSpacing(1)
        self.list.setMinimumHeight(_LEAST_ROWS * (SIDE + 8))
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setToolTip("Double-click an image to show it")
        self.previous_button = QPushButton("◀ Previous")
        self.previous_button.setToolTip(
            f"Save and show the image before ({PREVIOUS_KEY})"
        )
        self.next_button = QPushButton("Next ▶")
        self.next_button.setToolTip(f"Save and show the next image ({NEXT_KEY})")
        self.done_box = QCheckBox("Done")
        self.done_box.setToolTip(f"Nothing is left to do of this image ({DONE_KEY})")
        self.skip_box = QCheckBox("Skip what is done")
        self.skip_box.setToolTip("Previous and Next pass over images that are done")
        self.segment_box = QCheckBox("Segment when opened")
        self.segment_box.setToolTip(
            "Images without labels are segmented at once, with the settings of "
            "Segment nuclei"
        )
        self.results_label = QLabel("Results")
        self.results = QLabel()
        self.results_button = QPushButton("Change …")
        self.results_button.setToolTip("Choose where labels are saved")
        self.status = StatusLine(value="")

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(self.open_button)
        layout.addWidget(self.place)
        layout.addWidget(self.list, 1)
        for row in (
            (self.previous_button, self.next_button),
            (self.done_box, self.skip_box),
            (self.segment_box,),
            (self.results_label, self.results, self.results_button),
        ):
            line = QHBoxLayout()
            for widget in row:
                line.addWidget(widget, 1 if widget is not self.results_label else 0)
            layout.addLayout(line)
        layout.addWidget(self.status.native)
        for label in (self.place, self.results):
            label.setMinimumWidth(0)
            policy = label.sizePolicy()
            policy.setHorizontalPolicy(policy.Policy.Ignored)
            label.setSizePolicy(policy)
        self.setMinimumWidth(_LEAST_WIDTH)
        arrange_when_docked(self, self._viewer)
        follow_theme(
            self._viewer,
            self,
            lambda colours: self.setStyleSheet(style_sheet(colours)),
        )

    def _connect(self) -> None:
        browser = self.browser
        self.list.doubleClicked.connect(self._open_index)
        self.list.activated.connect(self._open_index)
        self.previous_button.clicked.connect(lambda: browser.go(-1))
        self.next_button.clicked.connect(lambda: browser.go(1))
        self.done_box.clicked.connect(browser.mark_done)
        self.skip_box.toggled.connect(self._skip_done)
        self.segment_box.toggled.connect(self._segment_opened)
        self.segment_box.setChecked(recall(_NAME).get(_SEGMENTS_OPENED) is True)
        self.results_button.clicked.connect(self.ask_for_results)
        for button, key in (
            (self.previous_button, PREVIOUS_KEY),
            (self.next_button, NEXT_KEY),
            (self.done_box, DONE_KEY),
        ):
            button.setShortcut(QKeySequence(key))

    # What the user asks for.

    def ask_for_folder(self) -> None:
        """Ask for a folder and list its images."""
        start = str(get_open_history()[0])
        if folder := QFileDialog.getExistingDirectory(self, "Browse a folder", start):
            self.open(folder)

    def ask_for_file(self) -> None:
        """Ask for a zip and list its images."""
        start = str(get_open_history()[0])
        file, _ = QFileDialog.getOpenFileName(self, "Browse a zip", start, _ZIPS)
        if file:
            self.open(file)

    def ask_for_results(self) -> None:
        """Ask where labels are saved."""
        if self.browser.listing is None:
            return
        start = str(self.browser.listing.results.folder.parent)
        title = "Choose a folder for results"
        if folder := QFileDialog.getExistingDirectory(self, title, start):
            self.browser.use_results(Path(folder))

    def _open_index(self, index: QModelIndex) -> None:
        self.browser.go_to(index.row())

    def _skip_done(self, is_on: bool) -> None:
        self.browser.way.skips_done = is_on
        self._show_choices()

    def _segment_opened(self, is_on: bool) -> None:
        self.browser.segments_opened = is_on
        remember(_NAME, {_SEGMENTS_OPENED: is_on})

    # What is shown.

    def _show_choices(self) -> None:
        """Show what can be done now, and where results go."""
        browser = self.browser
        row, listing = browser.row, browser.listing
        has_list = listing is not None
        self.open_button.setEnabled(not browser.is_busy or not has_list)
        self.previous_button.setEnabled(has_list and browser.way.next(-1) is not None)
        self.next_button.setEnabled(has_list and browser.way.next(1) is not None)
        self.done_box.setEnabled(row is not None)
        self.done_box.setChecked(row is not None and row.progress.is_done)
        self.results_button.setEnabled(has_list)
        self._show_places()
        current = browser.way.current
        if current is not None and not browser.is_busy:
            self.list.setCurrentIndex(browser.model.index(current))

    def _show_places(self) -> None:
        listing = self.browser.listing
        if listing is None:
            return
        path, folder = listing.images.path, listing.results.folder
        rows = self.browser.model.rows
        n_done = sum(each.progress.is_done for each in rows)
        words = f"{path.name}: {len(rows):,} images, {n_done:,} done"
        for label, text, tip in (
            (self.place, words, str(path)),
            (self.results, folder.name, str(folder)),
        ):
            label.setText(
                elide_words(text, label.fontMetrics(), max(label.width(), 80))
            )
            label.setToolTip(tip)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Shorten names to the new width."""
        super().resizeEvent(event)
        self._show_places()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Hear from now on when napari's window is closed."""
        super().showEvent(event)
        parent = self.parent()
        while parent is not None and not isinstance(parent, QMainWindow):
            parent = parent.parent()
        if parent is not None and self._closing is None:
            self._closing = _CloseFilter(self)
            parent.installEventFilter(self._closing)

    def event(self, event: QEvent | None) -> bool:
        """Save what has changed when napari takes the widget out of its dock."""
        is_taken_out = (
            event is not None
            and event.type() == QEvent.Type.ParentChange
            and self.parent() is None
        )
        if is_taken_out and hasattr(self, "browser"):
            self.browser.save_now()
        return super().event(event)

    def _say(self, text: str) -> None:
        if text:
            self.status.value = text


class _CloseFilter(QObject):
    """Saves what has changed before the window closes."""

    def __init__(self, widget: BrowseWidget) -> None:
        super().__init__(widget)
        self._widget = widget

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Close:
            self._widget.browser.save_now()
        return False
