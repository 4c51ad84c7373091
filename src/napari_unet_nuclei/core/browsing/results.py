"""What has been done of the images of a folder: label files, and a small JSON file.

The files say which images are segmented; the JSON file adds what they do not say at
once: what is done, and how many nuclei there are.  It may be lost or out of date
without harm.  How labels are written is for those who have them.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.batch.outputs import can_be_a_file_name
from napari_unet_nuclei.core.batch.own_results import LABELS_ENDING
from napari_unet_nuclei.core.datasets.input_files import check_output_folder
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.files.label_records import read_record
from napari_unet_nuclei.core.writing.atomic_files import replacing
from napari_unet_nuclei.core.writing.outputs import file_id
from napari_unet_nuclei.core.writing.own_files import is_own_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

PROGRESS_FILE = "browsing.json"
"""Name of the JSON file in a folder of results."""

CORRECTED = "corrected_by_hand"
"""Entry of the provenance of labels that somebody has corrected."""

_MALFORMED = (AttributeError, KeyError, RecursionError, TypeError, ValueError)
_ENDINGS = (f"{LABELS_ENDING}.tif", ".tif", f"{LABELS_ENDING}.png", ".png")


class ImageState(StrEnum):
    """How far an image is."""

    NOTHING = "not segmented"
    SEGMENTED = "segmented"
    CORRECTED = "corrected"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class ImageProgress:
    """What has been done of an image.

    Parameters
    ----------
    is_segmented : bool
        Whether there are labels of it.
    is_corrected : bool
        Whether somebody has drawn or corrected these.
    is_done : bool
        Whether the user has said so.
    n_nuclei : int, optional
        How many there are, where that is known.
    """

    is_segmented: bool = False
    is_corrected: bool = False
    is_done: bool = False
    n_nuclei: int | None = None

    @property
    def state(self) -> ImageState:
        """All of it in a word."""
        if self.is_done:
            return ImageState.DONE
        if self.is_corrected:
            return ImageState.CORRECTED
        return ImageState.SEGMENTED if self.is_segmented else ImageState.NOTHING

    @property
    def is_known(self) -> bool:
        """Whether the label file need not be read to know more."""
        return not self.is_segmented or self.n_nuclei is not None


def default_folder(path: Path) -> Path:
    """Say where the results of a folder or data set go: beside it.

    Parameters
    ----------
    path : Path
        The folder, zip or file.

    Returns
    -------
    Path
        Such as ``cells_results`` for ``cells`` and ``cells.zip``.

    Examples
    --------
    >>> from pathlib import Path
    >>> default_folder(Path("/data/cells.zip")).name
    'cells_results'
    """
    name = path.name if os.path.isdir(path) else path.stem
    return path.with_name(f"{name}_results")


class ResultFolder:
    """The results of the images of one place, in a folder of their own.

    Parameters
    ----------
    folder : Path
        Where they are; it is made when the first is written.
    source : Path
        What the images were found in.

    Raises
    ------
    OutputError
        If the folder is that of the images or a part of a data set, or can be none.
    """

    def __init__(self, folder: Path, source: Path) -> None:
        check_output_folder(folder, [source])
        images = source if os.path.isdir(source) else source.parent
        target = file_id(folder)
        if target is not None and target == file_id(images):
            raise OutputError(
                "Expected a folder for results alone. Received: "
                f"{folder}, in which the images are. Choose another folder."
            )
        self.folder = folder

    def path_of(self, name: str) -> Path:
        """Return where the labels of an image are written.

        Parameters
        ----------
        name : str
            Name of the image.

        Returns
        -------
        Path
            A TIFF, ``<name>_masks.tif``.

        Raises
        ------
        OutputError
            If no file can have this name, or another program wrote what is there.
        """
        if not can_be_a_file_name(name):
            raise OutputError(
                "Expected the name of an image to be one that a file can have. "
                f"Received: {name!r}. Rename the image."
            )
        path = self.folder / f"{name}{_ENDINGS[0]}"
        if os.path.lexists(path) and not is_own_file(path):
            raise OutputError(
                "Expected to replace labels that this program wrote. Received: "
                f"{path}, which another program wrote. Choose another folder for "
                "results."
            )
        return path

    def find(self, name: str) -> Path | None:
        """Return the labels of an image, ``None`` if there are none of this program.

        Those written here come before those of ``segment`` on the command line.
        """
        if not can_be_a_file_name(name):
            return None
        paths = (self.folder / f"{name}{ending}" for ending in _ENDINGS)
        return next((path for path in paths if is_own_file(path)), None)

    def progress(self, names: Iterable[str]) -> dict[str, ImageProgress]:
        """Say what has been done of images, without reading any labels.

        Parameters
        ----------
        names : iterable of str
            Names of the images.

        Returns
        -------
        dict of str to ImageProgress
            For each of them.
        """
        noted = self._read_notes()
        try:
            there = set(os.listdir(self.folder))
        except OSError:
            there = set()
        progress = {}
        for name in names:
            may_exist = any(f"{name}{ending}" in there for ending in _ENDINGS)
            path = self.find(name) if may_exist else None
            progress[name] = _progress_of(path, noted.get(name, {}))
        return progress

    def look_into(self, name: str) -> ImageProgress:
        """Say what has been done of an image, by reading its labels if need be.

        Parameters
        ----------
        name : str
            Name of the image.

        Returns
        -------
        ImageProgress
            With the number of nuclei.

        Raises
        ------
        ImageError, LabelsError
            If the label file is damaged.
        """
        progress = self.progress([name])[name]
        path = self.find(name)
        if progress.is_known or path is None:
            return progress
        labels = read_labels(path)
        record = read_record(path)
        provenance = {} if record is None else record.provenance
        return replace(
            progress,
            n_nuclei=count_nuclei(labels),
            is_corrected=is_corrected(provenance),
        )

    def note(self, name: str, progress: ImageProgress) -> None:
        """Keep what has been done of an image.

        Parameters
        ----------
        name : str
            Name of the image.
        progress : ImageProgress
            What has been done.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        noted = dict(self._read_notes())  # another window may have written meanwhile
        path = self.find(name)
        noted[name] = {
            **asdict(progress),
            "stamp": None if path is None else _stamp(path),
        }
        with replacing(self.folder / PROGRESS_FILE) as temporary:
            temporary.write_text(
                json.dumps({"images": noted}, indent=1), encoding="utf-8"
            )

    def _read_notes(self) -> Mapping[str, Mapping[str, Any]]:
        """Read the JSON file; what is damaged counts as missing."""
        with suppress(OSError, *_MALFORMED):
            text = (self.folder / PROGRESS_FILE).read_text(encoding="utf-8")
            images = json.loads(text)["images"]
            return {
                name: each for name, each in images.items() if isinstance(each, dict)
            }
        return {}


def count_nuclei(labels: NDArray[np.int32]) -> int:
    """Count the nuclei of labels, in which 0 is background and -1 not annotated."""
    numbers = np.unique(labels)
    return int(np.count_nonzero(numbers > 0))


def is_corrected(provenance: Mapping[str, Any]) -> bool:
    """Whether somebody has corrected labels, or drawn them without a model."""
    return CORRECTED in provenance or "model" not in provenance


def _progress_of(path: Path | None, noted: Mapping[str, Any]) -> ImageProgress:
    """Take from the notes what holds for the file that is there now."""
    is_done = noted.get("is_done") is True
    if path is None:
        return ImageProgress(is_done=is_done)
    progress = ImageProgress(is_segmented=True, is_done=is_done)
    n_nuclei = noted.get("n_nuclei")
    if noted.get("stamp") != _stamp(path) or type(n_nuclei) is not int:
        return progress
    is_corrected = noted.get("is_corrected") is True
    return replace(progress, n_nuclei=n_nuclei, is_corrected=is_corrected)


def _stamp(path: Path) -> list[int] | None:
    """Return what changes whenever a file is replaced."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]
