"""What a batch works on: files, folders and data sets become named images.

Nothing is read before it is its turn, so that ten thousand images cost no more
memory than one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.dsb2018_layout import is_dsb2018, is_sample_folder
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.image_files import (
    FOREIGN_SUFFIXES,
    IMAGE_SUFFIXES,
    StoredImage,
    find_images,
    read_stored_image,
)
from napari_unet_nuclei.core.labelled_folder import is_labelled_folder
from napari_unet_nuclei.core.samples import open_samples
from napari_unet_nuclei.core.shown_text import find_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from napari_unet_nuclei.core.sample import SampleSource


@dataclass(frozen=True)
class NamedImage:
    """An image that can be read.

    Parameters
    ----------
    name : str
        File name without suffix, or sample id; results are named after it.
    read : callable
        Reads the image.
    file : Path, optional
        The file it is read from, where it is one of its own.
    """

    name: str
    read: Callable[[], StoredImage]
    file: Path | None = None


def find_inputs(
    paths: Sequence[Path], ids: Sequence[str] | None = None
) -> list[NamedImage]:
    """List the images that paths stand for.

    Parameters
    ----------
    paths : sequence of Path
        Image files, folders of images, DSB2018 folders or zips, folders with
        images and labels.
    ids : sequence of str, optional
        Names to keep, in this order.

    Returns
    -------
    list of NamedImage
        At least one; no name occurs twice.

    Raises
    ------
    DatasetError
        If a path does not exist or holds no image, two images share a name, or
        an id is not among them.
    """
    images: dict[str, NamedImage] = {}
    for path in paths:
        for image in _find(path):
            if image.name in images:
                raise DatasetError(
                    "Expected images with different names, because results are named "
                    f"after them. Received: two called {image.name!r}, the second in "
                    f"{path}. Rename one, or work on the folders one by one."
                )
            images[image.name] = image
    if ids is None:
        return list(images.values())
    ids = find_names(ids, images)
    missing = [name for name in ids if name not in images]
    if missing:
        raise DatasetError(
            f"Expected the {len(ids)} images of the list. Received: {len(missing)} are "
            f"missing, the first is {missing[0]!r}. Check the list or the input."
        )
    return [images[name] for name in ids]


def _find(path: Path) -> Iterator[NamedImage]:
    if not os.path.exists(path):
        raise DatasetError(
            f"Expected an image or a folder. Received: {path}, which does not exist. "
            "Check the path."
        )
    is_data_set = is_dsb2018(path) or is_sample_folder(path) or is_labelled_folder(path)
    if is_data_set or path.suffix.lower() == ".zip":
        source = open_samples(path)
        for name in source.sample_ids:
            yield NamedImage(name, partial(_read_from, source, name))
    elif os.path.isdir(path):
        files = find_images(path, IMAGE_SUFFIXES | FOREIGN_SUFFIXES)
        if not files:
            raise DatasetError(
                f"Expected a folder with images ({', '.join(sorted(IMAGE_SUFFIXES))}). "
                f"Received: {path}, which holds none. Choose another folder."
            )
        readable = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
        for file in readable:
            yield _named(file.stem, file)
        names = {file.stem for file in readable}
        # Reading the others says why that is not possible.
        for file in sorted(set(files).difference(readable)):
            if names.isdisjoint((file.stem, file.name)):
                yield _named(str(file), file)
    else:
        yield _named(path.stem, path)


def _named(name: str, file: Path) -> NamedImage:
    return NamedImage(name, partial(read_stored_image, file), file)


def _read_from(source: SampleSource, name: str) -> StoredImage:
    return StoredImage(source.read_image(name))
