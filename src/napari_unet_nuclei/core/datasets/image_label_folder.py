"""Images with label files of the same names, in a folder or a zip.

``images/a.png`` goes with ``labels/a.tif``, and ``a.tif`` with ``a_masks.tif`` beside
it: which files belong together is found in ``image_label_layout``.  Of a stack of
labels each plane is a sample.  DSB2018 folders are read in ``dsb2018``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet_nuclei.core.datasets.image_label_layout import (
    FilesByName,
    find_layout,
    match_files,
)
from napari_unet_nuclei.core.datasets.outlined_labels import read_outlined_labels
from napari_unet_nuclei.core.datasets.sample import Sample, make_sample
from napari_unet_nuclei.core.datasets.stored_files import StoredFiles, open_files
from napari_unet_nuclei.core.datasets.zip_files import ZipFiles
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.images import read_image, read_stored_image
from napari_unet_nuclei.core.files.label_coding import n_plane_axes, without_single_axes
from napari_unet_nuclei.core.files.label_reading import leading_shape, read_nuclei_stack
from napari_unet_nuclei.core.files.outline_reading import OUTLINE_SUFFIXES
from napari_unet_nuclei.core.images.plane_names import plane_names
from napari_unet_nuclei.core.instances.labels import check_labels

if TYPE_CHECKING:
    from napari_unet_nuclei.core.images.stored_image import StoredImage

_Plane = tuple[str, int | None]
_Reader = Callable[[Path | bytes, str], NDArray[Any]]


class ImageLabelFolder:
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
        files = open_files(self._path)
        layout = None if files is None else find_layout(files)
        if files is None or layout is None:
            raise DatasetError(
                "Expected a folder with the sub-folders images and labels. Received: "
                f"{self._path}. Choose the folder above the two."
            )
        is_zip = isinstance(files, ZipFiles)
        self.name = self._path.stem if is_zip else self._path.name
        self._stored: StoredFiles = files
        self._images, self._labels = match_files(files, *layout)
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

    def has_labels(self, name: str) -> bool:
        """Whether there is a label file of an image, by one of ``image_names``."""
        return bool(self._labels.get(name))

    def read_stored_image(self, name: str) -> StoredImage:
        """Return an image, or a whole stack, with what its file says about it.

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
        return read_stored_image(*self._stored.open(file))

    def read_image(self, sample_id: str) -> NDArray[Any]:
        """Return an image.

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

        Raises
        ------
        DatasetError
            If there is no such sample, or not exactly one label file of this name.
        ImageError, LabelsError
            If the label file is damaged or holds no labels.
        """
        read = self._label_reader(sample_id)
        labels = self._read_plane(sample_id, self._labels, "label file", read)
        name = self._planes.get(sample_id, (sample_id, None))[0]
        file = str(self._path / self._labels[name][0])
        return check_labels(labels, name=file, may_ignore=True)

    def read_sample(self, sample_id: str) -> Sample:
        """Return image and labels of a sample.

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
            if len(files) == 1 and _holds_outlines(files[0]):
                files = self._images.get(
                    name, []
                )  # which say how many planes there are
            is_alone = len(files) == 1
            leading = leading_shape(*self._stored.open(files[0])) if is_alone else ()
            if not leading:
                planes[name] = name, None
                continue
            for index, plane in enumerate(plane_names(name, leading)):
                planes[plane] = name, index
        return planes

    def _label_reader(self, sample_id: str) -> _Reader:
        """Return what reads the label file of a sample."""
        name, _ = self._planes.get(sample_id, (sample_id, None))
        if not _holds_outlines(self._only_file(self._labels, name, "label file")):
            return read_nuclei_stack
        image = self._stored.open(self._only_file(self._images, name, "image"))
        return partial(read_outlined_labels, image_shape=read_image(*image).shape)

    def _read_plane(
        self,
        sample_id: str,
        files: FilesByName,
        kind: str,
        read: _Reader,
    ) -> NDArray[Any]:
        name, index = self._planes.get(sample_id, (sample_id, None))
        file = self._only_file(files, name, kind)
        if index is None:
            return _read(self._stored, file, read)
        # Planes are read one after the other, mostly in order: keep the stack.
        last = self._last.get(kind)
        if last is None or last[0] != file:
            last = self._last[kind] = file, _read(self._stored, file, read)
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

    def _only_file(self, files: FilesByName, sample_id: str, kind: str) -> str:
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


def _holds_outlines(file: str) -> bool:
    return PurePath(file).suffix.lower() in OUTLINE_SUFFIXES


def _read(files: StoredFiles, file: str, read: _Reader) -> NDArray[Any]:
    pixels = read(*files.open(file))
    return pixels.reshape(without_single_axes(pixels.shape))
