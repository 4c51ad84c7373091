"""What a batch works on: files, folders and data sets become named images.

Nothing is read before it is its turn, so that ten thousand images cost no more
memory than one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from napari_unet_nuclei.core.batch.own_results import (
    OwnResultError,
    read_image_of_others,
    read_unless_own,
    set_results_aside,
)
from napari_unet_nuclei.core.datasets.image_folders import list_folder, list_zip
from napari_unet_nuclei.core.datasets.image_label_folder import ImageLabelFolder
from napari_unet_nuclei.core.datasets.mask_names import is_label_folder
from napari_unet_nuclei.core.datasets.opening import (
    PathContents,
    PathKind,
    open_samples,
)
from napari_unet_nuclei.core.datasets.zip_files import ZipFiles, open_zip
from napari_unet_nuclei.core.errors import DatasetError, ImageError
from napari_unet_nuclei.core.files.images import (
    FOREIGN_SUFFIXES,
    IMAGE_SUFFIXES,
    read_stored_image,
)
from napari_unet_nuclei.core.files.tiff import count_series
from napari_unet_nuclei.core.images.stored_image import StoredImage
from napari_unet_nuclei.core.shown_text import find_names
from napari_unet_nuclei.core.writing.own_files import is_own_content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path, PurePath

    from napari_unet_nuclei.core.datasets.sample import SampleSource

Series = int | Literal["all"] | None
"""Which image of files that hold several, from 0; ``None`` is the largest."""

_MOST_NAMED = 5


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
    series : int, optional
        Which of several images in that file, where one was chosen.
    """

    name: str
    read: Callable[[], StoredImage]
    file: Path | None = None
    series: int | None = None


def find_inputs(
    paths: Sequence[Path],
    ids: Sequence[str] | None = None,
    *,
    series: Series = None,
    say: Callable[[str], object] | None = None,
) -> list[NamedImage]:
    """List the images that paths stand for.

    Parameters
    ----------
    paths : sequence of Path
        Image files, folders or zips of images, DSB2018 folders or zips, folders or
        zips with images and labels, of which the images are taken.
    ids : sequence of str, optional
        Names to keep, in this order.
    series : int or "all", optional
        Which image of files that hold several, from 0; by default the largest.  Of
        ``all``, the images of ``a.tif`` are called ``a_s0``, ``a_s1`` and so on.
    say : callable, optional
        Called with sentences for the user, such as what was skipped.

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
        for image in _find(path, series, say or _ignore):
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


def _find(
    path: Path, series: Series, say: Callable[[str], object]
) -> Iterator[NamedImage]:
    match PathContents(path).kind:
        case PathKind.NOTHING:
            raise DatasetError(
                f"Expected an image or a folder. Received: {path}, which does not "
                "exist. Check the path."
            )
        case PathKind.IMAGES_AND_LABELS:
            pairs = ImageLabelFolder(path)
            for name in pairs.image_names:
                yield NamedImage(name, partial(pairs.read_stored_image, name))
        case PathKind.DSB2018:
            source = open_samples(path)
            for name in source.sample_ids:
                yield NamedImage(name, partial(_read_from, source, name))
        case PathKind.ZIP:
            yield from _find_in_zip(path, say)
        case PathKind.IMAGE_FOLDER:
            yield NamedImage(str(path), partial(_refuse_folder, path), path)
        case PathKind.FOLDER:
            yield from _find_in_folder(path, series, say)
        case PathKind.FILE:
            yield from _in_file(path, series, read_image_of_others)


def _find_in_folder(
    path: Path, series: Series, say: Callable[[str], object]
) -> Iterator[NamedImage]:
    contents = list_folder(path)
    files = contents.images + contents.others
    if not files:
        raise DatasetError(
            f"Expected a folder with images ({', '.join(sorted(IMAGE_SUFFIXES))}). "
            f"Received: {path}, which holds none. Choose another folder."
        )
    kept, results = set_results_aside(files)
    if results:
        say(_describe_results(results))
    if contents.sub_folders:
        say(_describe_sub_folders(path, contents.sub_folders))
    others = set(contents.others)
    images = [file for file in kept if file not in others]
    for file in images:
        yield from _in_file(file, series, read_unless_own)
    names = {file.stem for file in images}
    exported = []
    # Reading the others says why that is not possible.
    for file in kept:
        is_foreign = file.suffix.lower() in FOREIGN_SUFFIXES
        if is_foreign and not names.isdisjoint((file.stem, file.name)):
            exported += [file] if file in others else []
        elif file in others:
            yield NamedImage(str(file), partial(_read_other, file), file)
    if exported:
        say(
            "Skipped files in formats that cannot be read, beside images of the same "
            f"name: {_name_few([file.name for file in exported])}."
        )


def _in_file(
    file: Path, series: Series, read: Callable[[Path, int | None], StoredImage]
) -> Iterator[NamedImage]:
    n_series = count_series(file) if series == "all" else 1
    if series != "all" or n_series == 1:
        number = None if series == "all" else series
        yield NamedImage(file.stem, partial(read, file, number), file, number)
        return
    stem, ending = file.stem, ""
    if stem.lower().endswith(".ome"):  # which says what results are written as
        stem, ending = stem[:-4], stem[-4:]
    for number in range(n_series):
        name = f"{stem}_s{number}{ending}"
        yield NamedImage(name, partial(read, file, number), file, number)


def _describe_results(results: Sequence[PurePath]) -> str:
    n = len(results)
    what = "1 result of an earlier run" if n == 1 else f"{n:,} results of earlier runs"
    first = results[0] if n == 1 else f"the first is {results[0]}"
    return f"Skipped {what}: {first}."


def _describe_sub_folders(path: Path, folders: Sequence[Path]) -> str:
    names = _name_few([folder.name for folder in folders])
    return (
        f"Sub-folders of {path} with images were not entered: {names}. Name them to "
        "segment them."
    )


def _name_few(names: Sequence[str]) -> str:
    n_more = len(names) - _MOST_NAMED
    more = f" and {n_more:,} more" if n_more > 0 else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"


def _ignore(sentence: str) -> None:
    """Tell nobody."""


def _read_other(path: Path) -> StoredImage:
    if os.path.isdir(path):
        return _refuse_folder(path)
    return read_stored_image(path)


def _refuse_folder(path: Path) -> StoredImage:
    raise ImageError(
        f"Expected an image file. Received: {path}, a folder of the kind OME-Zarr. "
        "Name an output that ends in .zarr, or save the image as TIFF."
    )


def _find_in_zip(path: Path, say: Callable[[str], object]) -> Iterator[NamedImage]:
    listing = open_zip(path)
    images, others = list_zip(listing)
    by_folder: dict[str, list[PurePosixPath]] = {}
    for name in images:
        file = PurePosixPath(name)
        by_folder.setdefault(str(file.parent), []).append(file)
    if any(is_label_folder(PurePosixPath(folder).name) for folder in by_folder):
        raise DatasetError(
            "Expected a zip of images alone, or of one data set such as images/ and "
            f"labels/. Received: {path} with {', '.join(list(by_folder)[:4])}. Unpack "
            "it, and choose a folder in it."
        )
    if not images and not others:
        raise DatasetError(
            f"Expected a zip with images ({', '.join(sorted(IMAGE_SUFFIXES))}) or a "
            f"DSB2018 zip. Received: {path}, which holds neither. Choose another one."
        )
    results = []
    for files in by_folder.values():
        kept, set_aside = set_results_aside(
            files, lambda file: _is_own_packed(listing, str(file))
        )
        results += set_aside
        for file in kept:
            yield NamedImage(file.stem, partial(_read_packed, listing, str(file)))
    if results:
        say(_describe_results(results))
    for name in others:  # reading says why that is not possible
        yield NamedImage(f"{path}/{name}", partial(_read_packed, listing, name))


def _is_own_packed(listing: ZipFiles, name: str) -> bool:
    try:
        content, _ = listing.open(name)
    except DatasetError:  # reading it says why
        return False
    return is_own_content(BytesIO(content))


def _read_packed(listing: ZipFiles, name: str) -> StoredImage:
    content, display_name = listing.open(name)
    if is_own_content(BytesIO(content)):
        raise OwnResultError(f"{display_name} is a result that this program wrote.")
    return read_stored_image(content, display_name)


def _read_from(source: SampleSource, name: str) -> StoredImage:
    return StoredImage(source.read_image(name))
