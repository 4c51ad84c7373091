"""Label images by name, however they are stored.

A collection is a folder or zip of label images or masks, or of outlines, a DSB2018
folder or zip, a folder or zip with images and labels, one file of outlines, or one of
Kaggle's run-length csv files.  Each plane of a stack of labels is a label image of its
own.  Two of them are compared in ``evaluation.comparison``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

from napari_unet_nuclei.core.datasets.mask_names import stem_of
from napari_unet_nuclei.core.datasets.opening import PathContents, open_samples
from napari_unet_nuclei.core.datasets.outline_collections import (
    OutlineFiles,
    open_outline_file,
    open_outline_files,
)
from napari_unet_nuclei.core.datasets.stored_files import StoredFiles, open_files
from napari_unet_nuclei.core.drawing.overlays import OVERLAY_ENDING
from napari_unet_nuclei.core.errors import DatasetError, LabelsError
from napari_unet_nuclei.core.files.label_reading import (
    LABEL_SUFFIXES,
    leading_shape,
    read_nuclei_stack,
)
from napari_unet_nuclei.core.files.rle import read_rle_table
from napari_unet_nuclei.core.files.run_lengths import decode_labels
from napari_unet_nuclei.core.files.tiff import TIFF_SUFFIXES
from napari_unet_nuclei.core.images.plane_names import plane_names
from napari_unet_nuclei.core.shown_text import as_distinct_texts, as_text

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import SampleSource

Shape = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Labels, and the image they belong to where it is stored beside them.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        0 is background.
    image : (Y, X) or (Y, X, 3 or 4) ndarray, optional
        Pixels as stored.
    """

    labels: NDArray[np.int32]
    image: NDArray[Any] | None = None


class LabelCollection(Protocol):
    """Label images by name."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the images."""
        ...

    def knows_shape(self, name: str) -> bool:
        """Tell whether an image can be read without being told its shape."""
        ...

    def read(self, name: str, shape: Shape | None) -> Labelled:
        """Read the labels of an image; the shape counts only if it is not known."""
        ...


class _SampleCollection:
    """Labels of a data set that has the images too."""

    def __init__(self, source: SampleSource) -> None:
        self._source = source
        self.names = source.sample_ids

    def knows_shape(self, name: str) -> bool:
        return True

    def read(self, name: str, shape: Shape | None) -> Labelled:
        sample = self._source.read_sample(name)
        return Labelled(sample.labels, sample.image)


class _FileCollection:
    """A label image or a stack per file; of several with one name, the TIFF is read."""

    def __init__(self, stored: StoredFiles) -> None:
        self._stored = stored
        suffixes = {file: PurePath(file).suffix.lower() for file in stored.images()}
        files = sorted(
            (file for file in suffixes if suffixes[file] in LABEL_SUFFIXES),
            key=lambda file: (stem_of(file), suffixes[file] not in TIFF_SUFFIXES),
        )
        by_stem: dict[str, str] = {}
        for file in files:
            if not stem_of(file).endswith(OVERLAY_ENDING):
                by_stem.setdefault(stem_of(file), file)
        if not by_stem:
            raise DatasetError(
                f"Expected a folder of label images. Received: {stored.path}, which "
                "holds none. Choose another folder."
            )
        self._files: dict[str, tuple[str, int]] = {}
        for stem, file in by_stem.items():
            planes = plane_names(stem, leading_shape(*stored.open(file)))
            for index, name in enumerate(planes):
                self._files[name] = file, index
        self.names = tuple(self._files)
        self._last: tuple[str, NDArray[np.int32]] | None = None

    def knows_shape(self, name: str) -> bool:
        return True

    def read(self, name: str, shape: Shape | None) -> Labelled:
        file, index = self._files[name]
        last = self._last
        if last is None or last[0] != file:
            stack = read_nuclei_stack(*self._stored.open(file))
            last = self._last = file, stack.reshape(-1, *stack.shape[-2:])
        return Labelled(last[1][index])


class _CsvCollection:
    """Run lengths of Kaggle's csv, which seldom know the shape of the image."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._table = read_rle_table(path)
        self.names = tuple(self._table.runs)

    def knows_shape(self, name: str) -> bool:
        return name in self._table.shapes

    def read(self, name: str, shape: Shape | None) -> Labelled:
        shape = self._table.shapes.get(name, shape)
        if shape is None:
            raise DatasetError(
                "Expected the columns Height and Width in one csv at least, as in "
                f"Kaggle's solution files. Received: {self._path}, which does not say "
                f"how large {name} is. Add them, or compare with the label images or "
                "the data set the csv was made from."
            )
        try:
            return Labelled(decode_labels(self._table.runs[name], shape))
        except LabelsError as error:
            raise LabelsError(f"{self._path}: {error}") from error


class _OutlineCollection:
    """Files of outlines, which never know the shape of the image."""

    def __init__(self, files: OutlineFiles) -> None:
        self._files = files
        self.names = files.names

    def knows_shape(self, name: str) -> bool:
        return False

    def read(self, name: str, shape: Shape | None) -> Labelled:
        return Labelled(self._files.read(name, shape))


class _TextCollection:
    """Another collection, whose names that are not UTF-8 appear as they are written.

    So images meet their nuclei in a csv, and scores can be written down.
    """

    def __init__(self, collection: LabelCollection) -> None:
        self._collection = collection
        texts = as_distinct_texts(collection.names)
        self._names = {text: name for name, text in texts.items()}
        self.names = tuple(self._names)

    def knows_shape(self, name: str) -> bool:
        return self._collection.knows_shape(self._names[name])

    def read(self, name: str, shape: Shape | None) -> Labelled:
        return self._collection.read(self._names[name], shape)


def _name_by_text(collection: LabelCollection) -> LabelCollection:
    if all(name == as_text(name) for name in collection.names):
        return collection
    return _TextCollection(collection)


def open_collection(path: Path) -> LabelCollection:
    """Open label images, however they are stored.

    Parameters
    ----------
    path : Path
        Folder or zip of label images or of outlines, DSB2018 folder or zip, folder or
        zip with images and labels, a file of outlines, or run-length csv.

    Returns
    -------
    LabelCollection
        Label images by name.

    Raises
    ------
    DatasetError
        If the path is none of these.
    ImageError
        If a folder cannot be listed.
    """
    if path.suffix.lower() == ".csv":
        return _CsvCollection(path)  # is text already
    outlines = open_outline_file(path)
    if outlines is not None:
        return _name_by_text(_OutlineCollection(outlines))
    if PathContents(path).is_data_set:
        return _name_by_text(_SampleCollection(open_samples(path)))
    files = open_files(path)
    if files is None:
        raise DatasetError(
            "Expected a folder of label images, a DSB2018 folder or zip, or a "
            f"run-length csv. Received: {path}. Check the path."
        )
    outlines = None if files.images() else open_outline_files(files)
    if outlines is not None:
        return _name_by_text(_OutlineCollection(outlines))
    return _name_by_text(_FileCollection(files))
