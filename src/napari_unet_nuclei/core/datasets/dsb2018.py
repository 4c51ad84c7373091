"""The 2018 Data Science Bowl layout: one folder per sample, one mask per nucleus.

Folders and zips are read as they are, never unpacked.  Which files belong together
is known in ``dsb2018_layout``; they are written in ``dsb2018_writing``.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.datasets.dsb2018_layout import (
    SampleFiles,
    group_by_sample,
    is_sample_folder,
)
from napari_unet_nuclei.core.datasets.folder_files import FolderFiles
from napari_unet_nuclei.core.datasets.sample import Sample, make_sample
from napari_unet_nuclei.core.datasets.zip_files import ZipFiles
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.images import read_image
from napari_unet_nuclei.core.files.label_reading import read_mask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.stored_files import StoredFiles

_LOSSY_SUFFIXES = (".jpg", ".jpeg")


class Dsb2018:
    """A DSB2018 data set, read sample by sample.

    Parameters
    ----------
    files : StoredFiles
        The files of the data set.
    name : str
        What the data set is called.

    Raises
    ------
    DatasetError
        If there is no sample, or more than one data set.
    """

    def __init__(self, files: StoredFiles, name: str) -> None:
        self.name = name
        self._stored = files
        data_sets = group_by_sample(files.names())
        if len(data_sets) != 1:
            found = ", ".join(parent or "samples at the top" for parent in data_sets)
            raise DatasetError(
                "Expected one DSB2018 data set (<id>/images/<id>.png and "
                f"<id>/masks/*.png for each sample). Received: {files.path} with "
                f"{found or 'no sample'}. Choose the folder that holds the samples."
            )
        self._files = next(iter(data_sets.values()))

    @property
    def sample_ids(self) -> tuple[str, ...]:
        """Names of all samples, sorted."""
        return tuple(sorted(self._files))

    def read_image(self, sample_id: str) -> NDArray[Any]:
        """Return the image of a sample; Kaggle's own are RGBA, uint8.

        Raises
        ------
        DatasetError
            If there is no such sample, or not exactly one image in it.
        ImageError
            If the image is damaged.
        """
        images = self._files_of(sample_id).images
        if len(images) != 1:
            raise DatasetError(
                f"Sample {sample_id} of {self._stored.path} needs exactly one image "
                f"in its images folder. Received: {_count(images)}. Add the missing "
                "image or remove the others."
            )
        return self._read(images[0])

    def has_masks(self, sample_id: str) -> bool:
        """Say whether a sample is annotated, as Kaggle's test images are not.

        An empty ``masks`` folder is enough.

        Raises
        ------
        DatasetError
            If there is no such sample.
        """
        return self._files_of(sample_id).masks is not None

    def read_labels(self, sample_id: str) -> NDArray[np.int32]:
        """Return the nuclei of a sample, as `read_sample` does."""
        return self.read_sample(sample_id).labels

    def read_sample(self, sample_id: str) -> Sample:
        """Return image and labels of a sample.

        Mask number *n* in the order of file names becomes label *n*.  Where masks
        overlap, the first one keeps the pixel; the number of a mask that is empty
        or wholly hidden does not occur.  An empty ``masks`` folder says that there
        are no nuclei.

        Raises
        ------
        DatasetError
            If there is no such sample, it lacks its image or its masks, or a mask
            differs in shape from the image or is a JPEG.
        ImageError
            If the image or a mask is damaged.
        """
        image = self.read_image(sample_id)
        background = np.zeros(image.shape[:2], np.int32)
        sample = make_sample(str(self._stored.path), sample_id, image, background)
        flat = sample.labels.reshape(-1)
        for number, (name, mask) in enumerate(self.iter_masks(sample_id), start=1):
            if mask.shape != sample.labels.shape:
                raise DatasetError(
                    "Expected a mask of the shape of its image, "
                    f"{sample.labels.shape}. Received: {self._stored.path}/{name} of "
                    f"shape {mask.shape}. Replace or remove the mask."
                )
            pixels = np.flatnonzero(mask)
            flat[pixels[flat[pixels] == 0]] = number
        return sample

    def iter_masks(self, sample_id: str) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Read the masks of a sample one by one, as they were drawn.

        Parameters
        ----------
        sample_id : str
            One of ``sample_ids``.

        Yields
        ------
        name : str
            File of the mask, inside the data set.
        mask : (Y, X) ndarray of bool
            True inside the nucleus.

        Raises
        ------
        DatasetError
            If there is no such sample, it has no masks, or a mask is a JPEG.
        ImageError
            If a mask is damaged.
        LabelsError
            If a mask holds several nuclei.
        """
        files = self._files_of(sample_id)
        if files.masks is None:
            raise DatasetError(
                f"Sample {sample_id} of {self._stored.path} has no masks. Expected "
                "one file per nucleus in its masks folder. Choose an annotated data "
                "set."
            )
        if files.other_masks and not files.masks:
            raise DatasetError(
                f"Sample {sample_id} of {self._stored.path} needs its masks as image "
                f"files. Received: {_count(files.other_masks)}. Save them as PNG."
            )
        for name in files.masks:
            yield name, self._read_mask(name)

    def _files_of(self, sample_id: str) -> SampleFiles:
        try:
            return self._files[sample_id]
        except KeyError:
            raise DatasetError(
                f"Expected one of the {len(self._files)} samples of "
                f"{self._stored.path}. Received: {sample_id}. Check that the ids "
                "belong to this data set."
            ) from None

    def _read(self, name: str) -> NDArray[Any]:
        return read_image(self._stored.read(name), name=f"{self._stored.path}/{name}")

    def _read_mask(self, name: str) -> NDArray[np.bool_]:
        if name.lower().endswith(_LOSSY_SUFFIXES):
            raise DatasetError(
                "Expected masks without lossy compression. Received: "
                f"{self._stored.path}/{name}. Save the masks as PNG."
            )
        return read_mask(self._stored.read(name), f"{self._stored.path}/{name}")


def open_dsb2018(path: str | os.PathLike[str]) -> Dsb2018:
    """Return a DSB2018 data set, ready to be read sample by sample.

    Parameters
    ----------
    path : path
        The folder of the samples, the folder one above it, a zip of either, or
        the folder of a single sample.

    Returns
    -------
    Dsb2018
        The data set.

    Raises
    ------
    DatasetError
        If there is no such file or folder, or no single data set in it.
    """
    path = Path(os.path.abspath(path))
    if not os.path.exists(path):
        raise DatasetError(
            "Expected a folder or zip of annotated images. Received: "
            f"{path}, which does not exist. Check the path."
        )
    if os.path.isfile(path):
        files = ZipFiles(path)
        files.check_names()
        return Dsb2018(files, path.stem)
    if is_sample_folder(path):
        return Dsb2018(FolderFiles(path.parent, path.name), path.name)
    return Dsb2018(FolderFiles(path), path.name)


def _count(names: Sequence[str]) -> str:
    """Say how many files there are and what the first are called."""
    few = ", ".join(PurePosixPath(name).name for name in names[:2])
    dots = ", …" if len(names) > 2 else ""
    return f"{len(names)} ({few}{dots})" if names else "none"
