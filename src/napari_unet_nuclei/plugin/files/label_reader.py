"""Label images that were written here → labels layers, with their scale and units.

napari asks which reader to use for every name that two readers claim, so the manifest
claims only ``*_masks`` images; others that were written here are found by their folder.
"""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_warning

from napari_unet_nuclei.core.writing.own_files import is_own_file
from napari_unet_nuclei.plugin.shared.file_names import file_stem
from napari_unet_nuclei.plugin.shared.label_files import (
    image_name,
    read_label_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari_unet_nuclei.plugin.shared.layers import LayerData

_SUFFIXES = (".tif", ".tiff", ".png")
_N_FILES_TO_CHECK = 20


def is_label_file(path: str) -> bool:
    """Return whether a file holds labels, by the program that wrote it or its name.

    Parameters
    ----------
    path : str
        Anything.

    Returns
    -------
    bool
        True for labels that were written here, and for any ``*_masks`` image.
    """
    if not path.lower().endswith(_SUFFIXES) or not os.path.isfile(path):
        return False
    return image_name(path) != file_stem(path) or is_own_label_file(path)


def is_own_label_file(path: str) -> bool:
    """Return whether a file holds labels that were written here.

    Parameters
    ----------
    path : str
        Anything.

    Returns
    -------
    bool
        False for pictures in colour, such as overlays and figures.
    """
    if not path.lower().endswith(_SUFFIXES) or not is_own_file(path):
        return False
    with open(path, "rb") as file:
        beginning = file.read(26)
    return not beginning.startswith(b"\x89PNG") or beginning[25] == 0


def is_label_folder(path: str) -> bool:
    """Return whether the first files of a folder hold labels written here.

    Parameters
    ----------
    path : str
        A folder.

    Returns
    -------
    bool
        False for one that cannot be listed.
    """
    return any(map(is_own_label_file, islice(_files_in(path), _N_FILES_TO_CHECK)))


def read_label_stack(paths: Sequence[str]) -> list[LayerData]:
    """Return several label images that were opened as a stack.

    Parameters
    ----------
    paths : sequence of str
        TIFFs or PNGs.

    Returns
    -------
    list of (data, keyword arguments, layer type)
        One layer with an additional axis, placed like the first file; a layer for each
        where they differ in shape.

    Raises
    ------
    ImageError, LabelsError
        As from `read_label_file`.
    """
    layers = [read_label_file(path) for path in paths]
    if len({data.shape for data, *_ in layers}) > 1:
        show_warning("These labels differ in shape, so each has a layer of its own.")
        return layers
    _, first, kind = layers[0]
    kwargs = {"name": f"{first['name']} and {len(layers) - 1} more"}
    kwargs |= _with_leading_axis(first)
    return [(np.stack([data for data, *_ in layers]), kwargs, kind)]


def _with_leading_axis(placing: Mapping[str, Any]) -> dict[str, Any]:
    """Return what places a stack of labels that are placed alike."""
    kwargs: dict[str, Any] = {}
    for name, of_stack in ("scale", 1.0), ("translate", 0.0), ("units", "pixel"):
        if name in placing:
            kwargs[name] = (of_stack, *placing[name])
    for name in ("rotate", "shear", "affine"):
        if name not in placing:
            continue
        matrix = np.asarray(placing[name])
        if matrix.ndim == 1:  # napari's short form: the upper triangle, row by row
            n_axes = len(placing["scale"])
            kwargs[name] = (*np.zeros(n_axes), *matrix)
        else:
            kwargs[name] = np.eye(len(matrix) + 1)
            kwargs[name][1:, 1:] = matrix
    return kwargs


def read_label_folder(path: str, *, max_layers: int = 50) -> list[LayerData]:
    """Return the labels in a folder that were written here, a layer for each name.

    Parameters
    ----------
    path : str
        A folder.
    max_layers : int
        How many are opened; a warning says so if there are more.

    Returns
    -------
    list of (data, keyword arguments, layer type)
        Sorted by name.  Of a TIFF and a PNG of one name, which hold the same, only the
        TIFF.
    """
    ordered = sorted(_files_in(path), key=lambda file: (file_stem(file), file.lower()))
    own = {file_stem(file): file for file in ordered if is_own_label_file(file)}
    files = list(own.values())
    if len(files) > max_layers:
        show_warning(
            f"Opened the first {max_layers} of {len(files):,} label images in {path}."
        )
    return [read_label_file(file) for file in files[:max_layers]]


def _files_in(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (
                entry.path
                for entry in entries
                if entry.name.lower().endswith(_SUFFIXES) and entry.is_file()
            )
    except OSError:  # no permission
        return
