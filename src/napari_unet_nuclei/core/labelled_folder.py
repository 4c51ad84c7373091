"""A folder of images beside a folder of label files of the same names.

``images/a.png`` goes with ``labels/a.tif``; ``image`` and ``label`` are
understood too.  DSB2018 folders belong to ``dsb2018``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.image_files import find_images, read_image
from napari_unet_nuclei.core.label_files import read_labels
from napari_unet_nuclei.core.sample import Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LAYOUTS = (("images", "labels"), ("image", "label"))


class LabelledFolder:
    """Images and label files matched by name without suffix.

    Parameters
    ----------
    path : path
        The folder with ``images`` and ``labels`` (or ``image`` and ``label``).

    Raises
    ------
    DatasetError
        If the folder has neither pair of sub-folders, no image, two images or
        two label files of one name, or a label file without an image.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(os.path.abspath(path))
        self.name = self._path.name
        layout = _layout(self._path)
        if layout is None:
            raise DatasetError(
                "Expected a folder with the sub-folders images and labels. Received: "
                f"{self._path}. Choose the folder above the two."
            )
        self._images = _files_by_stem(self._path / layout[0])
        self._labels = _files_by_stem(self._path / layout[1])
        if not self._images:
            raise DatasetError(
                f"Expected images in {self._path / layout[0]}. Received: no image "
                "file. Add some, or choose another folder."
            )
        lonely = sorted(self._labels.keys() - self._images.keys())
        if lonely:
            raise DatasetError(
                "Expected an image of the same name for each label file. Received: "
                f"{self._labels[lonely[0]]} without an image. Rename or remove it."
            )

    @property
    def sample_ids(self) -> tuple[str, ...]:
        """Names of all images without suffix, sorted."""
        return tuple(sorted(self._images))

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
            If there is no such sample.
        ImageError
            If the image is damaged.
        """
        if sample_id not in self._images:
            raise DatasetError(
                f"Expected one of the {len(self._images)} samples of {self._path}. "
                f"Received: {sample_id}. Check that the ids belong to this data set."
            )
        return read_image(self._images[sample_id])

    def read_labels(self, sample_id: str) -> NDArray[np.int32]:
        """Return the nuclei of an image.

        A file in which all foreground has one value is taken for a mask: each of
        its 4-connected components becomes a label.

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
            If there is no label file for this sample.
        ImageError, LabelsError
            If the label file is damaged or holds no labels.
        """
        if sample_id not in self._labels:
            raise DatasetError(
                f"Sample {sample_id} of {self._path} has no labels. Expected a label "
                "file of the same name. Add it or remove the image."
            )
        labels = read_labels(self._labels[sample_id])
        is_mask = not np.any((labels > 0) & (labels < labels.max()))
        if is_mask:
            labels, _ = ndimage.label(labels, output=np.int32)
        return labels

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
            If there is no such sample, it has no label file, or image and labels
            differ in shape.
        ImageError, LabelsError
            If one of the files is damaged or holds no labels.
        """
        image = self.read_image(sample_id)
        return Sample(sample_id, image, self.read_labels(sample_id))


def is_labelled_folder(path: str | os.PathLike[str]) -> bool:
    """Say whether a folder has ``images`` and ``labels`` (or ``image``, ``label``)."""
    return _layout(Path(path)) is not None


def _layout(path: Path) -> tuple[str, str] | None:
    for layout in _LAYOUTS:
        if all((path / folder).is_dir() for folder in layout):
            return layout
    return None


def _files_by_stem(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in find_images(folder):
        if path.stem in files:
            raise DatasetError(
                f"Expected one file a name in {folder}. Received: "
                f"{files[path.stem].name} and {path.name}. Remove one of them."
            )
        files[path.stem] = path
    return files
