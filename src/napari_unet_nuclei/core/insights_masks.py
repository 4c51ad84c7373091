"""The masks of a sample one by one, as they were drawn.

Training needs one label image a sample, in which no two nuclei share a pixel;
here masks keep their names, what they share, and what they lack.  Reading and
checking samples belongs to ``samples``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.dsb2018 import is_sample_folder
from napari_unet_nuclei.core.image_files import IMAGE_SUFFIXES, read_image
from napari_unet_nuclei.core.labelled_folder import is_labelled_folder
from napari_unet_nuclei.core.members import FolderMembers, Members, ZipMembers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.sample import Sample

    MaskReader = Callable[[Sample], Iterator["Mask"]]

Box = tuple[slice, slice]

_NOWHERE: Box = (slice(0, 0), slice(0, 0))


@dataclass(frozen=True, eq=False)
class Mask:
    """One nucleus as it was drawn.

    Parameters
    ----------
    name : str
        Name of the mask file, or the label of the nucleus.
    box : (slice, slice)
        Rows and columns of the image that hold the nucleus; empty if the mask is.
    pixels : (Y, X) ndarray of bool
        The mask inside the box.
    """

    name: str
    box: Box
    pixels: NDArray[np.bool_]


def open_masks(path: Path) -> MaskReader:
    """Return what reads the masks of the samples of a data set.

    Parameters
    ----------
    path : Path
        A data set that ``samples.open_samples`` opens.

    Returns
    -------
    callable
        Yields the masks of a sample that was read from this data set, in the order
        of their names, one in memory at a time.

    Raises
    ------
    DatasetError
        If a zip cannot be read.
    """
    path = path.absolute()
    if is_labelled_folder(path):
        return read_label_masks
    if path.is_file():
        return _MaskFiles(ZipMembers(path)).read_masks
    if is_sample_folder(path):
        return _MaskFiles(FolderMembers(path.parent, path.name)).read_masks
    return _MaskFiles(FolderMembers(path)).read_masks


def read_label_masks(sample: Sample) -> Iterator[Mask]:
    """Yield each nucleus of a label image as a mask.

    Parameters
    ----------
    sample : Sample
        Any sample; its image does not matter.

    Yields
    ------
    Mask
        Named by its label.
    """
    numbers, compact = np.unique(sample.labels, return_inverse=True)
    # Boxes are counted from 1, whether there is background or not.
    compact = compact.reshape(sample.labels.shape) + int(numbers[0] != 0)
    names = numbers[numbers != 0]
    boxes = ndimage.find_objects(compact)
    for number, (name, box) in enumerate(zip(names, boxes, strict=True), start=1):
        yield Mask(str(name), box, compact[box] == number)


class _MaskFiles:
    """Masks with a file each, ``<id>/masks/<mask>``."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._files: defaultdict[str, list[str]] = defaultdict(list)
        for member in sorted(members.names()):
            path = PurePosixPath(member)
            if path.suffix.lower() in IMAGE_SUFFIXES and not _is_hidden(path):
                *_, sample_id, folder, _ = ("", "", *path.parts)
                if folder == "masks":
                    self._files[sample_id].append(member)

    def read_masks(self, sample: Sample) -> Iterator[Mask]:
        for member in self._files[sample.sample_id]:
            name = f"{self._members.path}/{member}"
            mask = np.asarray(read_image(self._members.read(member), name=name) > 0)
            if mask.ndim == 3:
                mask = np.asarray(mask[..., :3].any(axis=-1))
            box = _find_box(mask)
            yield Mask(PurePosixPath(member).name, box, mask[box])


def _is_hidden(path: PurePosixPath) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _find_box(mask: NDArray[np.bool_]) -> Box:
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return _NOWHERE
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    return slice(top, bottom), slice(int(columns[0]), int(columns[-1]) + 1)
