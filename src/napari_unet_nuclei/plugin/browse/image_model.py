"""The list of images as Qt shows it; small pictures are asked for as they are seen."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QSize, Qt
from qtpy.QtGui import QColor, QFont, QIcon, QImage, QPainter, QPixmap

from napari_unet_nuclei.core.browsing.results import ImageProgress, ImageState
from napari_unet_nuclei.core.images.staining import Staining

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.browsing.listing import ListedImage
    from napari_unet_nuclei.core.browsing.previews import Preview

SIDE = 48  # px, of the pictures
_MOST_PICTURES = 200
_FAINT = QColor(128, 128, 128, 40)
_ROW = QSize(160, SIDE + 6)
_MARKS = {
    ImageState.NOTHING: "",
    ImageState.SEGMENTED: "○ ",
    ImageState.CORRECTED: "● ",
    ImageState.DONE: "✓ ",
}
_LABELS_BESIDE = "labels beside it"  # shown, and never changed
_STAININGS = {
    Staining.GRAYSCALE_DARK: "grey, dark",
    Staining.GRAYSCALE_BRIGHT: "grey, bright",
    Staining.STAINED_DARK: "stained, dark",
    Staining.STAINED_BRIGHT: "stained, bright",
}


@dataclass(kw_only=True, eq=False)
class ImageRow:
    """An image of the list, and what is known of it by now.

    Parameters
    ----------
    image : ListedImage
        The image.
    progress : ImageProgress
        What has been done of it.
    size, staining : str
        As people read them; empty until it has been read once.
    problem : str, optional
        Why it cannot be read.
    """

    image: ListedImage
    progress: ImageProgress = field(default_factory=ImageProgress)
    size: str = ""
    staining: str = ""
    problem: str | None = None

    @property
    def text(self) -> str:
        """Three lines: the name, what has been done, and what it looks like."""
        if self.problem is not None:
            return f"✕ {self.image.title}\ncannot be read\n"
        progress = self.progress
        done = [progress.state.value]
        if progress.state is ImageState.NOTHING and self.image.has_labels:
            done = [_LABELS_BESIDE]
        if progress.n_nuclei is not None:
            noun = "nucleus" if progress.n_nuclei == 1 else "nuclei"
            done.insert(0, f"{progress.n_nuclei:,} {noun}")
        looks = " · ".join(filter(None, [self.size, self.staining]))
        name = f"{_MARKS[progress.state]}{self.image.title}"
        return f"{name}\n{', '.join(done)}\n{looks}"

    @property
    def tooltip(self) -> str:
        """The whole name, the size of the file, and what is wrong with it."""
        lines = [self.image.name if self.image.file is None else str(self.image.file)]
        if self.image.n_bytes is not None:
            lines.append(f"{self.image.n_bytes / 1e6:,.1f} MB")
        return "\n".join([*lines, *filter(None, [self.problem])])


class ImageModel(QAbstractListModel):
    """Holds the rows of the list, and a limited number of pictures.

    Parameters
    ----------
    on_wanted : callable
        Gets the position of an image whose picture is on show but not there yet.
    """

    def __init__(self, on_wanted: Callable[[int], object]) -> None:
        super().__init__()
        self.rows: list[ImageRow] = []
        self._pictures: OrderedDict[int, QIcon] = OrderedDict()
        self._current: int | None = None
        self._on_wanted = on_wanted
        empty = QPixmap(SIDE, SIDE)
        empty.fill(_FAINT)
        self._empty = QIcon(empty)

    def set_rows(self, rows: Sequence[ImageRow]) -> None:
        """Show other images."""
        self.beginResetModel()
        self.rows = list(rows)
        self._pictures.clear()
        self._current = None
        self.endResetModel()

    def set_current(self, row: int) -> None:
        """Show in bold which image is open."""
        before, self._current = self._current, row
        for each in (before, row):
            if each is not None:
                self.update_row(each)

    def set_progress(self, row: int, progress: ImageProgress) -> None:
        """Show what has been done of an image."""
        self.rows[row].progress = progress
        self.update_row(row)

    def set_problem(self, row: int, problem: str) -> None:
        """Show that an image cannot be read, and why."""
        self.rows[row].problem = problem
        self.update_row(row)

    def set_preview(self, row: int, preview: Preview) -> None:
        """Show the picture of an image, and what it looks like."""
        self.rows[row].size = preview.size
        self.rows[row].staining = _STAININGS[preview.staining]
        self._pictures[row] = _square(preview.picture)
        while len(self._pictures) > _MOST_PICTURES:
            self._pictures.popitem(last=False)
        self.update_row(row)

    def update_row(self, row: int) -> None:
        """Draw a row anew."""
        index = self.index(row)
        self.dataChanged.emit(index, index)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many images there are."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what Qt draws of a row."""
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        number, row = index.row(), self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.text
            case Qt.ItemDataRole.ToolTipRole:
                return row.tooltip
            case Qt.ItemDataRole.DecorationRole:
                return self._picture(number)
            case Qt.ItemDataRole.SizeHintRole:
                return _ROW
            case Qt.ItemDataRole.FontRole if number == self._current:
                font = QFont()
                font.setBold(True)
                return font
        return None

    def _picture(self, number: int) -> QIcon:
        """Return a picture if it is there, and ask for it if not."""
        picture = self._pictures.get(number)
        if picture is not None:
            self._pictures.move_to_end(number)
            return picture
        if self.rows[number].problem is None:
            self._on_wanted(number)
        return self._empty


def _square(picture: NDArray[np.uint8]) -> QIcon:
    """Put a picture into the middle of a square, so that all names are in line."""
    height, width, _ = picture.shape
    image = QImage(
        picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888
    )
    square = QPixmap(SIDE, SIDE)
    square.fill(Qt.GlobalColor.transparent)
    painter = QPainter(square)
    painter.drawImage((SIDE - width) // 2, (SIDE - height) // 2, image)
    painter.end()
    icon = QIcon(square)
    icon.addPixmap(square, QIcon.Mode.Selected)  # or Qt would tint it
    return icon
