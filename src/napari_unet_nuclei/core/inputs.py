"""What a batch works on: files, folders and data sets become named images.

Nothing is read before it is its turn, so that ten thousand images cost no more
memory than one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
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
from napari_unet_nuclei.core.labelled_folder import LabelledFolder, is_labelled_folder
from napari_unet_nuclei.core.listings import ZipListing
from napari_unet_nuclei.core.mask_names import is_label_folder, stem_of, without_masks
from napari_unet_nuclei.core.samples import open_samples

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
        Image files, folders or zips of images, DSB2018 folders or zips, folders or
        zips with images and labels, of which the images are taken.
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
    if is_labelled_folder(path):
        labelled = LabelledFolder(path)
        for name in labelled.image_names:
            yield NamedImage(name, partial(labelled.read_stored_image, name))
    elif is_dsb2018(path) or is_sample_folder(path):
        source = open_samples(path)
        for name in source.sample_ids:
            yield NamedImage(name, partial(_read_from, source, name))
    elif path.suffix.lower() == ".zip":
        yield from _find_in_zip(path)
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


def _find_in_zip(path: Path) -> Iterator[NamedImage]:
    listing = ZipListing(path)
    names = listing.all_images()
    folders = sorted({str(PurePosixPath(name).parent) for name in names})
    labels = [each for each in folders if is_label_folder(PurePosixPath(each).name)]
    if labels:
        raise DatasetError(
            "Expected a zip of images alone, or of one data set such as images/ and "
            f"labels/. Received: {path} with {', '.join(folders[:4])}. Unpack it, and "
            "choose a folder in it."
        )
    names = [
        name
        for folder in folders
        for name in without_masks(listing.images("" if folder == "." else folder))
    ]
    if not names:
        raise DatasetError(
            f"Expected a zip with images ({', '.join(sorted(IMAGE_SUFFIXES))}) or a "
            f"DSB2018 zip. Received: {path}, which holds neither. Choose another one."
        )
    for name in names:
        yield NamedImage(stem_of(name), partial(_read_packed, listing, name))


def _read_packed(listing: ZipListing, name: str) -> StoredImage:
    return read_stored_image(*listing.open(name))


def _named(name: str, file: Path) -> NamedImage:
    return NamedImage(name, partial(read_stored_image, file), file)


def _read_from(source: SampleSource, name: str) -> StoredImage:
    return StoredImage(source.read_image(name))
