"""The masks of a sample one by one, as they were drawn.

Training needs one label image per sample, in which no two nuclei share a pixel; here
masks keep their names, what they share, and what they lack.  Reading and checking
samples belongs to ``datasets.opening``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.datasets.dsb2018 import open_dsb2018
from napari_unet_nuclei.core.datasets.opening import PathContents
from napari_unet_nuclei.core.instances.labels import hide_ignored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample

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
        A data set that ``datasets.opening.open_samples`` opens.

    Returns
    -------
    callable
        Yields the masks of a sample that was read from this data set, in the order
        of their names, one in memory at a time.

    Raises
    ------
    DatasetError
        If there is no single data set.
    """
    path = path.absolute()
    if PathContents(path).has_labels:
        return read_label_masks
    data_set = open_dsb2018(path)

    def read_masks(sample: Sample) -> Iterator[Mask]:
        for name, mask in data_set.iter_masks(sample.sample_id):
            box = _find_box(mask)
            yield Mask(PurePosixPath(name).name, box, mask[box])

    return read_masks


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
    numbers, compact = np.unique(hide_ignored(sample.labels), return_inverse=True)
    # Boxes are counted from 1, whether there is background or not.
    compact = compact.reshape(sample.labels.shape) + int(numbers[0] != 0)
    names = numbers[numbers != 0]
    boxes = ndimage.find_objects(compact)
    for number, (name, box) in enumerate(zip(names, boxes, strict=True), start=1):
        yield Mask(str(name), box, compact[box] == number)


def _find_box(mask: NDArray[np.bool_]) -> Box:
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return _NOWHERE
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    return slice(top, bottom), slice(int(columns[0]), int(columns[-1]) + 1)
