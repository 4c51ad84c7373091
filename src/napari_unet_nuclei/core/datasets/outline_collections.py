"""Outlines of nuclei by the name of their image, as one side of a comparison.

Label images by name are in ``label_collections``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.datasets.mask_names import outlined_stem
from napari_unet_nuclei.core.datasets.outlined_labels import read_outlined_labels
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.outline_reading import is_outline_file

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.stored_files import StoredFiles


class OutlineFiles:
    """Files of outlines by the name of their image, each of a single plane.

    Parameters
    ----------
    files : dict of str to (path or bytes, str)
        Files or their contents, and what messages call them, by name of the image.
    """

    def __init__(self, files: dict[str, tuple[Path | bytes, str]]) -> None:
        self._files = files
        self.names = tuple(files)

    def read(self, name: str, shape: tuple[int, int] | None) -> NDArray[np.int32]:
        """Return the labels of an image.

        Parameters
        ----------
        name : str
            Name of the image.
        shape : (int, int), optional
            Its height and width in px, which no file of outlines knows.

        Returns
        -------
        (Y, X) ndarray of int32
            0 is background.

        Raises
        ------
        DatasetError
            If the shape is not known.
        LabelsError
            If the file cannot be read, or its outlines lie outside of the image.
        """
        source, file = self._files[name]
        if shape is None:
            raise DatasetError(
                "Expected label images or a data set on one side, as outlines do not "
                f"say how large their image is. Received: {file}. Compare with the "
                "labels or the data set of this image."
            )
        return read_outlined_labels(source, file, image_shape=shape)


def open_outline_file(path: Path) -> OutlineFiles | None:
    """Return the outlines in one file; None for what is no file of outlines.

    Parameters
    ----------
    path : Path
        GeoJSON, a ROI of ImageJ or a zip of them.

    Returns
    -------
    OutlineFiles or None
        One image, called as the file without ``_rois`` or ``_nuclei``.
    """
    if not is_outline_file(path):
        return None
    return OutlineFiles({outlined_stem(path.name): (path, os.fspath(path))})


def open_outline_files(stored: StoredFiles) -> OutlineFiles | None:
    """Return the outlines in a folder or zip, one file an image; None without any.

    Parameters
    ----------
    stored : StoredFiles
        A folder or zip.

    Returns
    -------
    OutlineFiles or None
        By name of the image; of several files of one name, the first.
    """
    found: dict[str, tuple[Path | bytes, str]] = {}
    for file in stored.outlines():
        name = outlined_stem(file)
        if name not in found and is_outline_file(*stored.open(file)):
            found[name] = stored.open(file)
    return OutlineFiles(found) if found else None
