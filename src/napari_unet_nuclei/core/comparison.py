"""Two collections of label images side by side, however each is stored.

A collection is a folder of label images, a DSB2018 folder or zip, a folder with
images and labels, or one of Kaggle's run-length csv files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from napari_unet_nuclei.core.dsb2018 import is_dsb2018, is_sample_folder
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.image_files import TIFF_SUFFIXES
from napari_unet_nuclei.core.images import Staining, staining
from napari_unet_nuclei.core.label_files import LABEL_SUFFIXES, read_labels
from napari_unet_nuclei.core.labelled_folder import is_labelled_folder
from napari_unet_nuclei.core.metrics import ImageScores, evaluate_image
from napari_unet_nuclei.core.overlays import OVERLAY_ENDING
from napari_unet_nuclei.core.rle import decode_labels, read_rle_csv
from napari_unet_nuclei.core.samples import open_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.sample import SampleSource

Shape = tuple[int, int]


class LabelCollection(Protocol):
    """Label images by name."""

    knows_shape: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the images."""
        ...

    def read(self, name: str, shape: Shape | None) -> NDArray[np.int32]:
        """Read the labels of an image; a csv must be told the shape."""
        ...

    def staining(self, name: str) -> Staining | None:
        """Tell what the image looks like, where it is known."""
        ...


class _SampleCollection:
    """Labels of a data set that has the images too."""

    knows_shape = True

    def __init__(self, source: SampleSource) -> None:
        self._source = source
        self.names = source.sample_ids

    def read(self, name: str, shape: Shape | None) -> NDArray[np.int32]:
        return self._source.read_labels(name)

    def staining(self, name: str) -> Staining | None:
        return staining(self._source.read_image(name))


class _FileCollection:
    """One label image a file; where a name has several, the TIFF is read."""

    knows_shape = True

    def __init__(self, folder: Path) -> None:
        files = sorted(
            (
                path
                for path in folder.iterdir()
                if path.suffix.lower() in LABEL_SUFFIXES
            ),
            key=lambda path: (path.stem, path.suffix.lower() not in TIFF_SUFFIXES),
        )
        self._files: dict[str, Path] = {}
        for path in files:
            if not path.stem.endswith(OVERLAY_ENDING):
                self._files.setdefault(path.stem, path)
        if not self._files:
            raise DatasetError(
                f"Expected a folder of label images. Received: {folder}, which holds "
                "none. Choose another folder."
            )
        self.names = tuple(self._files)

    def read(self, name: str, shape: Shape | None) -> NDArray[np.int32]:
        return read_labels(self._files[name])

    def staining(self, name: str) -> Staining | None:
        return None


class _CsvCollection:
    """Run lengths of Kaggle's csv, which do not know the shape of the image."""

    knows_shape = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs = read_rle_csv(path)
        self.names = tuple(self._runs)

    def read(self, name: str, shape: Shape | None) -> NDArray[np.int32]:
        if shape is None:
            raise DatasetError(
                "Expected label images on one side at least, because a csv does not "
                f"know how large an image is. Received: {self._path} on both sides."
            )
        return decode_labels(self._runs[name], shape)

    def staining(self, name: str) -> Staining | None:
        return None


def open_collection(path: Path) -> LabelCollection:
    """Open label images, however they are stored.

    Parameters
    ----------
    path : Path
        Folder of label images, DSB2018 folder or zip, folder with images and
        labels, or run-length csv.

    Returns
    -------
    LabelCollection
        Label images by name.

    Raises
    ------
    DatasetError
        If the path is none of these.
    """
    if path.suffix.lower() == ".csv":
        return _CsvCollection(path)
    is_data_set = is_dsb2018(path) or is_sample_folder(path) or is_labelled_folder(path)
    if is_data_set or path.suffix.lower() == ".zip":
        return _SampleCollection(open_samples(path))
    if not path.is_dir():
        raise DatasetError(
            "Expected a folder of label images, a DSB2018 folder or zip, or a "
            f"run-length csv. Received: {path}. Check the path."
        )
    return _FileCollection(path)


@dataclass(frozen=True)
class ImageCompared:
    """Scores of one image.

    Parameters
    ----------
    name : str
        Name of the image.
    scores : ImageScores
        How well prediction and truth agree.
    staining : Staining, optional
        What the image looks like, where the truth has the image.
    """

    name: str
    scores: ImageScores
    staining: Staining | None


def compare(
    truth: LabelCollection,
    prediction: LabelCollection,
    names: Sequence[str] | None = None,
) -> Iterator[ImageCompared]:
    """Score a collection of predictions, image by image.

    Parameters
    ----------
    truth, prediction : LabelCollection
        What is true and what is to be scored.
    names : sequence of str, optional
        Images to compare; all of the truth by default.

    Yields
    ------
    ImageCompared
        After each image.

    Raises
    ------
    DatasetError
        If an image is missing on either side.
    LabelsError
        If shapes differ.
    """
    names = truth.names if names is None else names
    for side, collection in (("truth", truth), ("prediction", prediction)):
        missing = sorted(set(names) - set(collection.names))
        if missing:
            raise DatasetError(
                f"Expected a {side} for each of the {len(names)} images. Received: "
                f"{len(missing)} are missing, the first is {missing[0]!r}. Add them, "
                "or name the images to compare with --split or --ids."
            )
    for name in names:
        true, predicted = _read_pair(truth, prediction, name)
        yield ImageCompared(name, evaluate_image(true, predicted), truth.staining(name))


def _read_pair(
    truth: LabelCollection, prediction: LabelCollection, name: str
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Read the side first that knows its shape."""
    if truth.knows_shape:
        true = truth.read(name, None)
        return true, prediction.read(name, _shape(true))
    predicted = prediction.read(name, None)
    return truth.read(name, _shape(predicted)), predicted


def _shape(labels: NDArray[np.int32]) -> Shape:
    height, width = labels.shape
    return height, width
