"""A folder of images beside a folder of label files of the same names.

``images/a.png`` goes with ``labels/a.tif``; ``image`` and ``label``, or StarDist's
``images`` and ``masks``, are understood too.  DSB2018 folders belong to ``dsb2018``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.dsb2018_layout import is_sample_folder
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.image_files import find_images, read_image
from napari_unet_nuclei.core.label_files import read_nuclei
from napari_unet_nuclei.core.sample import Sample, make_sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LAYOUTS = (("images", "labels"), ("image", "label"), ("images", "masks"))


class LabelledFolder:
    """Images and label files matched by name without suffix.

    Parameters
    ----------
    path : path
        The folder with ``images`` and ``labels`` (or ``image`` and ``label``).

    Raises
    ------
    DatasetError
        If the folder has neither pair of sub-folders, or no image.
    ImageError
        If one of the two cannot be listed.
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

    @property
    def sample_ids(self) -> tuple[str, ...]:
        """Names of all images and label files without suffix, sorted."""
        return tuple(sorted(self._images.keys() | self._labels.keys()))

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
        return read_image(self._only_file(self._images, sample_id, "image"))

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
        return read_nuclei(self._only_file(self._labels, sample_id, "label file"))

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

    def _only_file(
        self, files: dict[str, list[Path]], sample_id: str, kind: str
    ) -> Path:
        found = files.get(sample_id, [])
        if len(found) == 1:
            return found[0]
        ids = self.sample_ids
        if sample_id not in ids:
            raise DatasetError(
                f"Expected one of the {len(ids)} samples of {self._path}. Received: "
                f"{sample_id}. Check that the ids belong to this data set."
            )
        names = ", ".join(path.name for path in found) or "none"
        raise DatasetError(
            f"Sample {sample_id} of {self._path} needs exactly one {kind} of its name. "
            f"Received: {names}. Add the missing file or remove the others."
        )


def is_labelled_folder(path: str | os.PathLike[str]) -> bool:
    """Say whether a folder has ``images`` and ``labels`` (or ``image``, ``label``)."""
    return _layout(Path(path)) is not None


def layout_folders(path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Return the folders of images and of labels; none where there is no such pair."""
    path = Path(path)
    return tuple(path / folder for folder in _layout(path) or ())


def _layout(path: Path) -> tuple[str, str] | None:
    for layout in _LAYOUTS:
        if all(os.path.isdir(path / folder) for folder in layout):
            is_one_sample = layout[1] == "masks" and is_sample_folder(path)
            return None if is_one_sample else layout
    return None


def _files_by_stem(folder: Path) -> dict[str, list[Path]]:
    files: dict[str, list[Path]] = {}
    for path in find_images(folder):
        files.setdefault(path.stem, []).append(path)
    return files
