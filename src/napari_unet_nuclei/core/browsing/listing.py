"""Which images a folder or data set holds, and the labels that it came with.

Which formats and layouts there are is known to ``batch.inputs`` and ``datasets``; what
has been done of the images is in ``results``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from napari_unet_nuclei.core.batch.inputs import find_inputs
from napari_unet_nuclei.core.datasets.dsb2018 import Dsb2018
from napari_unet_nuclei.core.datasets.image_label_folder import ImageLabelFolder
from napari_unet_nuclei.core.datasets.opening import PathContents, open_samples
from napari_unet_nuclei.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.batch.inputs import NamedImage
    from napari_unet_nuclei.core.datasets.sample import SampleSource
    from napari_unet_nuclei.core.images.stored_image import StoredImage

Read = TypeVar("Read")


@dataclass(frozen=True, eq=False)
class ListedImage:
    """An image of a folder or data set.

    Parameters
    ----------
    name : str
        Its name; results are named after it.
    read : callable
        Reads the image.
    read_labels : callable
        Reads the labels that the data set has of it, (Y, X) of int32; ``None`` where
        it has none.
    file : Path, optional
        The file it is read from, where it is one of its own.
    n_bytes : int, optional
        Size of that file.
    has_labels : bool
        Whether labels came with it, by the names of the files.
    """

    name: str
    read: Callable[[], StoredImage]
    read_labels: Callable[[], NDArray[np.int32] | None]
    file: Path | None = None
    n_bytes: int | None = None
    has_labels: bool = False

    @property
    def title(self) -> str:
        """The name as people read it: that of the file, where it has one."""
        return Path(self.name).name if self.file is None else self.file.name


@dataclass(frozen=True, eq=False)
class ImageList:
    """The images of a folder or data set.

    Parameters
    ----------
    path : Path
        Where they are.
    images : tuple of ListedImage
        At least one.
    is_data_set : bool
        Whether they belong to a data set, so that they are known by their names.
    notes : tuple of str
        Sentences for the user, such as what was left out.
    """

    path: Path
    images: tuple[ListedImage, ...]
    is_data_set: bool = False
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of the images, in their order."""
        return [image.name for image in self.images]


def list_images(path: str | os.PathLike[str]) -> ImageList:
    """List the images of a folder, zip or data set; none of them is read.

    Parameters
    ----------
    path : path
        Whatever ``segment`` on the command line takes.

    Returns
    -------
    ImageList
        Files that cannot be read are on it, too: reading them says why.

    Raises
    ------
    DatasetError
        If there is nothing at the path, no image in it, or two of one name.
    ImageError
        If the folder cannot be listed.
    """
    path = Path(os.path.abspath(path))
    notes: list[str] = []
    found = find_inputs([path], say=notes.append)
    source, lock = _open_source(path), Lock()
    images = tuple(_list(image, source, lock) for image in found)
    return ImageList(path, images, source is not None, tuple(notes))


def _open_source(path: Path) -> SampleSource | None:
    """Open a data set, if it is one with labels that can be read."""
    if not PathContents(path).is_data_set:
        return None
    try:
        return open_samples(path)
    except DatasetError:
        return None


def _list(image: NamedImage, source: SampleSource | None, lock: Lock) -> ListedImage:
    """List an image; of a data set, one thread reads at a time, as sets keep things."""
    return ListedImage(
        image.name,
        image.read if image.file is not None else partial(_alone, lock, image.read),
        partial(_alone, lock, partial(_read_labels, source, image.name)),
        image.file,
        _size_of(image.file),
        _has_labels(source, image.name),
    )


def _alone(lock: Lock, read: Callable[[], Read]) -> Read:
    with lock:
        return read()


def _size_of(file: Path | None) -> int | None:
    try:
        return None if file is None else os.stat(file).st_size
    except OSError:  # reading it says why
        return None


def _has_labels(source: SampleSource | None, name: str) -> bool:
    if isinstance(source, Dsb2018):
        return name in source.sample_ids and source.has_masks(name)
    return isinstance(source, ImageLabelFolder) and source.has_labels(name)


def _read_labels(source: SampleSource | None, name: str) -> NDArray[np.int32] | None:
    """Read the labels of a sample; a whole stack is no sample, and has none here."""
    if source is None or name not in source.sample_ids:
        return None
    if isinstance(source, Dsb2018) and not source.has_masks(name):
        return None
    try:
        return source.read_labels(name)
    except DatasetError:  # this image has none, or not exactly one
        return None
