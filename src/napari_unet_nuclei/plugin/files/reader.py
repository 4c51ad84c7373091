"""DSB2018 samples and data sets, labels that were written here, outlines → layers.

What a path stands for is asked in ``core.datasets.opening``; label images become layers
in ``label_reader``, outlines in ``outline_reader``.  Other image files are left to
napari.
"""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.datasets.dsb2018 import open_dsb2018
from napari_unet_nuclei.core.datasets.opening import PathContents
from napari_unet_nuclei.core.datasets.zip_files import is_broken_zip
from napari_unet_nuclei.core.files.outline_reading import is_outline_file
from napari_unet_nuclei.plugin.files.data_set_layers import next_layers
from napari_unet_nuclei.plugin.files.label_reader import (
    is_label_file,
    is_label_folder,
    is_own_label_file,
    read_label_folder,
    read_label_stack,
)
from napari_unet_nuclei.plugin.files.outline_reader import read_outline_file
from napari_unet_nuclei.plugin.shared.label_files import read_label_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari_unet_nuclei.plugin.shared.layers import LayerData

_N_FOLDERS_TO_CHECK = 20

Paths = str | os.PathLike[str]


def get_reader(
    path: Paths | Sequence[Paths],
) -> Callable[[Paths | Sequence[Paths]], list[LayerData]] | None:
    """Return the function that opens a path, or ``None`` if it is not for this plugin.

    Parameters
    ----------
    path : path or list of them
        What the user opens; a list if it is opened as one stack.

    Returns
    -------
    callable or None
        `read`, if every path is a DSB2018 sample, data set or zip, or labels, or
        outlines, or a folder of labels that were written here.
    """
    paths = _as_list(path)
    if paths and all(_is_ours(each) for each in paths):
        return read
    return None


def read(path: Paths | Sequence[Paths]) -> list[LayerData]:
    """Return the layers of a sample for each path.

    Of a data set it is one sample; see `data_set_layers.next_layers`.

    Parameters
    ----------
    path : path or list of them
        Sample folders, data-set folders or zips, label images or folders of them,
        files of outlines.

    Returns
    -------
    list of (data, keyword arguments, layer type)
        Of a label image, its labels; of several, a stack of them.  Of a sample, an
        image and, where there are masks, its nuclei as labels.

    Raises
    ------
    DatasetError
        If a data set, or each of its samples, is incomplete or contradictory.
    ImageError
        If a label image, or an image or a mask of a single sample, is damaged.
    LabelsError
        If a label image holds none, or outlines cannot be read.
    """
    paths = _as_list(path)
    if len(paths) > 1 and all(map(is_label_file, paths)):
        return read_label_stack(paths)
    return [layer for each in paths for layer in _read(each)]


def _as_list(path: Paths | Sequence[Paths]) -> list[str]:
    paths = [path] if isinstance(path, (str, os.PathLike)) else path
    return [os.fspath(each) for each in paths]


def is_ours_by_content(path: str) -> bool:
    """Return whether a path is for this plugin by its content, whatever its name.

    Parameters
    ----------
    path : str
        Anything.

    Returns
    -------
    bool
        True for DSB2018 samples, data sets and zips, for labels that were written here
        and for folders of such, for ROIs of ImageJ and for GeoJSON.
    """
    if os.path.isdir(path):
        return _is_data_set(path) or is_label_folder(path)
    is_labels = is_own_label_file(path) or is_outline_file(path)
    return is_labels or PathContents(path).is_dsb2018


def _is_ours(path: str) -> bool:
    if not path:  # which would mean the current folder
        return False
    if not os.path.isdir(path):
        # No other reader would say what is wrong with a broken zip.
        is_labels = is_label_file(path) or is_outline_file(path)
        return is_labels or PathContents(path).is_dsb2018 or is_broken_zip(path)
    return _is_data_set(path) or is_label_folder(path)


def _is_data_set(path: str) -> bool:
    contents = PathContents(path)
    return contents.is_sample or (_may_hold_samples(path) and contents.is_dsb2018)


def _may_hold_samples(path: str) -> bool:
    """Check a few folders only: this runs for every folder dropped on napari."""
    for folder in _sub_folders(path):
        candidates = [folder, *islice(_sub_folders(folder), _N_FOLDERS_TO_CHECK)]
        if any(os.path.isdir(os.path.join(each, "images")) for each in candidates):
            return True
    return False


def _sub_folders(path: str) -> Iterator[str]:
    try:
        with os.scandir(path) as entries:
            yield from (entry.path for entry in entries if entry.is_dir())
    except OSError:  # no permission
        return


def _read(path: str) -> list[LayerData]:
    if is_label_file(path):
        return [read_label_file(path)]
    if is_outline_file(path):
        return [read_outline_file(path)]
    if os.path.isdir(path) and not _is_data_set(path):
        return read_label_folder(path)
    return _read_next(path)


def _read_next(path: str) -> list[LayerData]:
    path = os.path.abspath(path)
    folder = "" if os.path.isfile(path) else ", or the folder of any sample"
    return next_layers(
        open_dsb2018(path), path, hint=f"Open it again for the next one{folder}."
    )
