"""Images with label files of the same names, in a folder or a zip.

``images/a.png`` goes with ``labels/a.tif``, and ``a.tif`` with ``a_masks.tif`` beside
it; all names that are understood stand in ``mask_names``.  Of a stack of labels each
plane is a sample.  DSB2018 folders belong to ``dsb2018``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet_nuclei.core.datasets.dsb2018_layout import is_pair, is_sample_folder
from napari_unet_nuclei.core.datasets.listings import (
    FolderListing,
    Listing,
    ZipListing,
    images_or_none,
    open_listing,
)
from napari_unet_nuclei.core.datasets.mask_names import (
    IMAGE_ENDINGS,
    folder_pair,
    image_stems,
    images_of_masks,
    stem_of,
    without_masks,
)
from napari_unet_nuclei.core.datasets.sample import Sample, make_sample
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.images import read_image, read_stored_image
from napari_unet_nuclei.core.files.label_coding import n_plane_axes, without_single_axes
from napari_unet_nuclei.core.files.label_reading import leading_shape, read_nuclei_stack
from napari_unet_nuclei.core.images.plane_names import plane_names
from napari_unet_nuclei.core.instances.labels import check_labels

if TYPE_CHECKING:
    from napari_unet_nuclei.core.images.stored_image import StoredImage

_Files = dict[str, list[str]]
_Plane = tuple[str, int | None]
_Reader = Callable[[Path | bytes, str], NDArray[Any]]


class LabelledFolder:
    """Images and label files matched by name without suffix.

    Parameters
    ----------
    path : path
        A folder or zip with ``images`` and ``labels`` or another pair of
        ``mask_names.FOLDER_PAIRS``, or with masks beside their images.

    Raises
    ------
    DatasetError
        If there is neither, or no image, or the zip is damaged.
    ImageError
        If one of the folders cannot be listed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(os.path.abspath(path))
        listing = open_listing(self._path)
        layout = None if listing is None else _layout(listing)
        if listing is None or layout is None:
            raise DatasetError(
                "Expected a folder with the sub-folders images and labels. Received: "
                f"{self._path}. Choose the folder above the two."
            )
        is_zip = isinstance(listing, ZipListing)
        self.name = self._path.stem if is_zip else self._path.name
        self._listing: Listing = listing
        self._images, self._labels = _match(listing, *layout)
        if not self._images:
            raise DatasetError(
                f"Expected images in {self._path / layout[0]}. Received: no image "
                "file. Add some, or choose another folder."
            )
        self._planes = self._find_planes()
        self._last: dict[str, tuple[str, NDArray[Any]]] = {}

    @property
    def sample_ids(self) -> tuple[str, ...]:
        """Names of all images and label files without suffix, sorted.

        Planes of a stack are called ``stack[0]``, ``stack[1]``, and so on.
        """
        return tuple(self._planes)

    @property
    def image_names(self) -> tuple[str, ...]:
        """The same names, where a stack is one."""
        return tuple(sorted(self._images.keys() | self._labels.keys()))

    def read_stored_image(self, name: str) -> StoredImage:
        """Return an image, or a whole stack, with what its file says of it.

        Parameters
        ----------
        name : str
            One of ``image_names``.

        Returns
        -------
        StoredImage
            Pixels, axes, calibration and notes.

        Raises
        ------
        DatasetError
            If there is no such image, or more than one.
        ImageError
            If the image is damaged.
        """
        file = self._only_file(self._images, name, "image")
        return read_stored_image(*self._listing.open(file))

    def read_image(self, sample_id: str) -> NDArray[Any]:
        """Return an image.

        Parameters
        ----------
        sample_id : str
            One of ``sample_ids``.

        Returns
        -------
        (Y, X) or (Y, X, 3 or 4) ndarray
            Pixels as stored.

        Raises
        ------
        DatasetError
            If there is no such sample, or not exactly one image of this name.
        ImageError
            If the image is damaged.
        """
        return self._read_plane(sample_id, self._images, "image", read_image)

    def read_labels(self, sample_id: str) -> NDArray[np.int32]:
        """Return the nuclei of an image, numbered where the file is a mask.

        Parameters
        ----------
        sample_id : str
            One of ``sample_ids``.

        Returns
        -------
        (Y, X) ndarray of int32
            0 is background.

        Raises
        ------
        DatasetError
            If there is no such sample, or not exactly one label file of this name.
        ImageError, LabelsError
            If the label file is damaged or holds no labels.
        """
        labels = self._read_plane(
            sample_id, self._labels, "label file", read_nuclei_stack
        )
        name = self._planes.get(sample_id, (sample_id, None))[0]
        return check_labels(labels, name=str(self._path / self._labels[name][0]))

    def read_sample(self, sample_id: str) -> Sample:
        """Return image and labels of a sample.

        Parameters
        ----------
        sample_id : str
            One of ``sample_ids``.

        Returns
        -------
        Sample
            What ``read_image`` and ``read_labels`` return.

        Raises
        ------
        DatasetError
            If there is no such sample, it lacks one of its files or has two, or
            image and labels differ in shape.
        ImageError, LabelsError
            If one of the files is damaged or holds no labels.
        """
        image = self.read_image(sample_id)
        labels = self.read_labels(sample_id)
        return make_sample(str(self._path), sample_id, image, labels)

    def _find_planes(self) -> dict[str, _Plane]:
        """Find the file name and the position in its stack of each sample."""
        planes: dict[str, _Plane] = {}
        for name in self.image_names:
            files = self._labels.get(name, [])
            is_alone = len(files) == 1
            leading = leading_shape(*self._listing.open(files[0])) if is_alone else ()
            if not leading:
                planes[name] = name, None
                continue
            for index, plane in enumerate(plane_names(name, leading)):
                planes[plane] = name, index
        return planes

    def _read_plane(
        self,
        sample_id: str,
        files: _Files,
        kind: str,
        read: _Reader,
    ) -> NDArray[Any]:
        name, index = self._planes.get(sample_id, (sample_id, None))
        file = self._only_file(files, name, kind)
        if index is None:
            return _read(self._listing, file, read)
        # Planes are read one after the other, mostly in order: keep the stack.
        last = self._last.get(kind)
        if last is None or last[0] != file:
            last = self._last[kind] = file, _read(self._listing, file, read)
        stack = last[1]
        n_plane = n_plane_axes(stack.shape)
        planes = stack.reshape(-1, *stack.shape[-n_plane:])
        n_planes = sum(each == name for each, _ in self._planes.values())
        if len(planes) != n_planes:
            raise DatasetError(
                f"Sample {sample_id} of {self._path} needs as many planes in its image "
                f"as in its labels, {n_planes}. Received: {len(planes)} in {file}, of "
                f"shape {stack.shape}. Check that they belong together."
            )
        return np.asarray(planes[index])

    def _only_file(self, files: _Files, sample_id: str, kind: str) -> str:
        found = files.get(sample_id, [])
        if len(found) == 1:
            return found[0]
        ids = self.image_names
        if sample_id not in ids:
            raise DatasetError(
                f"Expected one of the {len(self._planes)} samples of {self._path}. "
                f"Received: {sample_id}. Check that the ids belong to this data set."
            )
        names = ", ".join(PurePath(name).name for name in found) or "none"
        raise DatasetError(
            f"Sample {sample_id} of {self._path} needs exactly one {kind} of its name. "
            f"Received: {names}. Add the missing file or remove the others."
        )


def is_labelled_folder(path: str | os.PathLike[str]) -> bool:
    """Say whether a folder or zip has images with label files of the same names.

    Parameters
    ----------
    path : path
        Anything; what cannot be read is none.

    Returns
    -------
    bool
        True for a pair of sub-folders, or masks beside their images.
    """
    try:
        listing = open_listing(path)
    except DatasetError:
        return False
    return listing is not None and _layout(listing) is not None


def layout_folders(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the names of the sub-folders of images and of labels.

    Parameters
    ----------
    path : path
        Anything; what cannot be read has none.

    Returns
    -------
    tuple of str
        Two, of a folder or zip; empty where there is no such pair, also for masks
        beside their images.
    """
    try:
        listing = open_listing(path)
    except DatasetError:
        return ()
    layout = None if listing is None else _layout(listing)
    return tuple(folder for folder in layout or () if folder)


def _layout(listing: FolderListing | ZipListing) -> tuple[str, str] | None:
    """Find the sub-folders of images and of labels, both empty where none is needed."""
    pair = folder_pair(listing.folders())
    if pair is not None:
        is_sample = pair[1].lower() == "masks" and _is_one_sample(listing, pair)
        return None if is_sample else pair
    stems = {stem_of(name) for name in images_or_none(listing)}
    return ("", "") if images_of_masks(stems) else None


def _is_one_sample(
    listing: FolderListing | ZipListing, layout: tuple[str, str]
) -> bool:
    if isinstance(listing, FolderListing):
        return is_sample_folder(listing.path)
    images, masks = ([stem_of(name) for name in listing.images(f)] for f in layout)
    is_sample = listing.has_folder_on_top  # <id>/images/… and <id>/masks/…
    return len(images) == 1 and (is_sample or not is_pair(images[0], masks, ""))


def _read(listing: Listing, file: str, read: _Reader) -> NDArray[Any]:
    pixels = read(*listing.open(file))
    return pixels.reshape(without_single_axes(pixels.shape))


def _match(listing: Listing, images: str, labels: str) -> tuple[_Files, _Files]:
    """Group images and label files by the name of the image without suffix."""
    names = listing.images(images)
    image_files = _by_stem(without_masks(names))
    masks = listing.images(labels)
    if not labels:
        masks = [name for name in masks if stem_of(name) not in image_files]
    label_files: _Files = {}
    for name in masks:
        stem = stem_of(name)
        likely = (stem, *(stem + ending for ending in IMAGE_ENDINGS))
        candidates = (*likely, *image_stems(stem))
        image = next((each for each in candidates if each in image_files), stem)
        label_files.setdefault(image, []).append(name)
    return image_files, label_files


def _by_stem(names: list[str]) -> _Files:
    files: _Files = {}
    for name in names:
        files.setdefault(stem_of(name), []).append(name)
    return files
