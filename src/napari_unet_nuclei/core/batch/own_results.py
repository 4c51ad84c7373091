"""Results of earlier runs beside the images they were made from, and no images.

They are recognised by their names beside an image, and by the mark that
``own_files`` knows.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeVar

from napari_unet_nuclei.core.datasets.mask_names import images_of_masks
from napari_unet_nuclei.core.drawing.overlays import OVERLAY_ENDING
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.images import read_stored_image
from napari_unet_nuclei.core.files.label_reading import LABEL_SUFFIXES
from napari_unet_nuclei.core.writing.own_files import is_own_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_unet_nuclei.core.images.stored_image import StoredImage

File = TypeVar("File", bound=PurePath)

LABELS_ENDING = "_masks"
"""What the name of a label image ends in where images are beside it."""

TABLE_ENDING = "_nuclei"
"""What the name of a table of nuclei, or of their outlines in a text, ends in."""

ROIS_ENDING = "_rois"
"""What the name of a zip of outlines ends in."""

_PICTURES_AND_TABLES = (
    (OVERLAY_ENDING, ".png"),
    (TABLE_ENDING, ".csv"),
    (TABLE_ENDING, ".geojson"),
    (ROIS_ENDING, ".zip"),
)


class OwnResultError(ImageError):
    """A file among images is a result that this package wrote."""


def set_results_aside(
    files: Sequence[File], is_own: Callable[[File], bool] | None = None
) -> tuple[list[File], list[File]]:
    """Separate images from results that were made from them.

    Parameters
    ----------
    files : sequence of path
        Files of one folder, or of a folder in a zip.
    is_own : callable, optional
        Says whether a file bears the mark of this package; by default it is opened.

    Returns
    -------
    images, results : list of path
        Each in the order of the files.  Results are masks as ``mask_names`` knows
        them, also those of other tools, ``x_overlay.png`` and the like beside any
        ``x``, and what bears the mark of this package beside another file of its
        name; no other file is opened.
    """
    stems = {file.stem for file in files}
    masks = images_of_masks(stems)

    def is_named_like_a_result(file: File) -> bool:
        return (file.stem in masks and file.suffix.lower() in LABEL_SUFFIXES) or any(
            file.suffix.lower() == suffix
            and file.stem.endswith(ending)
            and file.stem.removesuffix(ending) in stems
            for ending, suffix in _PICTURES_AND_TABLES
        )

    others = [file for file in files if not is_named_like_a_result(file)]
    n_files = Counter(file.stem for file in others)
    images = [
        file
        for file in others
        if n_files[file.stem] == 1 or not (is_own or is_own_file)(file)
    ]
    kept = set(images)
    return images, [file for file in files if file not in kept]


def read_image_of_others(file: Path, series: int | None = None) -> StoredImage:
    """Read an image that was chosen, unless it is a result that this package wrote.

    Parameters
    ----------
    file : Path
        An image file.
    series : int, optional
        Which of several images in it, from 0; by default the largest.

    Returns
    -------
    StoredImage
        As from ``files.images.read_stored_image``.

    Raises
    ------
    ImageError
        If it is such a result, or cannot be read.
    """
    if is_own_file(file):
        raise ImageError(
            f"Expected an image of nuclei. Received: {file}, a label image or picture "
            "that this program wrote. Choose the image that it was made from."
        )
    return read_stored_image(file, series=series)


def read_unless_own(file: Path, series: int | None = None) -> StoredImage:
    """Read an image that was found in a folder.

    Parameters
    ----------
    file, series
        As in `read_image_of_others`.

    Returns
    -------
    StoredImage
        As from ``files.images.read_stored_image``.

    Raises
    ------
    OwnResultError
        If it is a result that this package wrote, which may be skipped.
    ImageError
        If the file cannot be read.
    """
    if is_own_file(file):
        raise OwnResultError(f"{file} is a result that this program wrote.")
    return read_stored_image(file, series=series)
