"""Label images that were written here → labels layers, with their scale and units.

napari asks which reader to use for every name that two readers claim, so the manifest
claims only ``*_masks`` images; others that were written here are found by their folder.
"""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_warning

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files.images import read_stored_image
from napari_unet_nuclei.core.files.label_records import LabelRecord, read_record
from napari_unet_nuclei.core.images.calibration import LENGTH_UNITS, TIME_UNITS
from napari_unet_nuclei.core.instances.labels import check_labels
from napari_unet_nuclei.core.writing.own_files import is_own_file
from napari_unet_nuclei.plugin.files.layer_records import restore_layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari_unet_nuclei.core.images.calibration import Calibration
    from napari_unet_nuclei.plugin.shared.layers import LayerData

_SUFFIXES = (".tif", ".tiff", ".png")
_ENDING = "_masks"  # of labels beside their image, here and in other programs
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
    return _name(path) != _stem(path) or is_own_label_file(path)


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


def read_label_file(path: str) -> LayerData:
    """Return labels as a layer.

    Parameters
    ----------
    path : str
        A TIFF or PNG.

    Returns
    -------
    (data, keyword arguments, layer type)
        With scale, units and names of the axes as far as the file has them.  A file
        that was saved here from a layer restores its table, metadata and position,
        too.

    Raises
    ------
    ImageError
        If the file is missing or damaged.
    LabelsError
        If it holds no labels.
    """
    stored = read_stored_image(path, as_shown=False)
    axes, pixels = stored.axes, stored.pixels
    if axes is not None and {"C", "S"} & set(axes):
        raise LabelsError(
            f"Expected labels as whole numbers. Received: {path} with channels. Choose "
            "napari's own reader to open it as an image."
        )
    rows = pixels.reshape(-1, pixels.shape[-1])
    labels = check_labels(rows, name=path, may_ignore=True).reshape(pixels.shape)
    kwargs: dict[str, Any] = {
        "name": _stem(path),
        "metadata": {"sample_id": _name(path)},
    }
    if axes is not None:
        kwargs |= _placing(axes, stored.calibration)
    record = _read_record(path)
    if record is not None:
        labels, place = restore_layer(record, labels)
        kwargs["metadata"] |= record.provenance
        kwargs |= place
        if record.features:
            kwargs["features"] = dict(record.features)
    return labels, kwargs, "labels"


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


def _read_record(path: str) -> LabelRecord | None:
    """Return the record in a file, ``None`` with a warning if it is damaged."""
    try:
        return read_record(path)
    except LabelsError as error:
        show_warning(f"{os.path.basename(path)} opened without its table. {error}")
        return None


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
    ordered = sorted(_files_in(path), key=lambda file: (_stem(file), file.lower()))
    own = {_stem(file): file for file in ordered if is_own_label_file(file)}
    files = list(own.values())
    if len(files) > max_layers:
        show_warning(
            f"Opened the first {max_layers} of {len(files):,} label images in {path}."
        )
    return [read_label_file(file) for file in files[:max_layers]]


def _placing(axes: str, calibration: Calibration) -> dict[str, Any]:
    sizes = calibration.sizes
    units = {
        axis: calibration.time_unit if axis == "T" else calibration.unit
        for axis in axes
        if axis in sizes
    }
    return {
        "scale": tuple(sizes.get(axis, 1.0) for axis in axes),
        "units": tuple(_known_unit(units.get(axis)) for axis in axes),
        "axis_labels": tuple(axes.lower()),
    }


def _known_unit(name: str | None) -> str:
    """Return the name of a unit if napari supports it, else pixels."""
    return name if name in LENGTH_UNITS or name in TIME_UNITS else "pixel"


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


def _stem(path: str) -> str:
    stem = Path(path).stem
    return stem[:-4] if stem.lower().endswith(".ome") else stem


def _name(path: str) -> str:
    """Return the name of the image that labels belong to."""
    return _stem(path).removesuffix(_ENDING)
