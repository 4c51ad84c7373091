"""Labels layers ↔ label files that keep scale, units, table and metadata.

What else a file records is in ``layer_records``, the formats are in
``core.files.labels``.  Which files are offered to napari, and which may be replaced, is
for the callers to say.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_warning

from napari_unet_nuclei.core.batch.own_results import LABELS_ENDING
from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files.images import read_stored_image
from napari_unet_nuclei.core.files.label_records import LabelRecord, read_record
from napari_unet_nuclei.core.files.labels import write_labels_tiff
from napari_unet_nuclei.core.images.calibration import LENGTH_UNITS, TIME_UNITS
from napari_unet_nuclei.core.instances.labels import check_labels
from napari_unet_nuclei.plugin.shared.file_names import file_stem
from napari_unet_nuclei.plugin.shared.layer_records import (
    FILE_ORDER,
    make_record,
    restore_layer,
)
from napari_unet_nuclei.plugin.shared.layers import labels_array, layer_calibration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_unet_nuclei.core.images.calibration import Calibration
    from napari_unet_nuclei.plugin.shared.layers import LayerData


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
        "name": file_stem(path),
        "metadata": {"sample_id": image_name(path)},
    }
    if axes is not None:
        kwargs |= axes_placing(axes, stored.calibration)
    record = _read_record(path)
    if record is not None:
        labels, place = restore_layer(record, labels)
        kwargs["metadata"] |= record.provenance
        kwargs |= place
        if record.features:
            kwargs["features"] = dict(record.features)
    return labels, kwargs, "labels"


def write_label_tiff(
    path: str | os.PathLike[str], data: Any, meta: Mapping[str, Any]
) -> None:
    """Write a labels layer as a TIFF that opens as the same layer, bit for bit.

    Parameters
    ----------
    path : path
        The file to write or replace.
    data : array_like
        Data of a labels layer, 0 = background.
    meta : mapping
        Keyword arguments of that layer.

    Raises
    ------
    LabelsError
        If these are no labels, or have axes that the format cannot hold.
    OutputError
        If the file cannot be written.
    """
    labels, axes = labels_array(data, meta)
    order = "".join(axis for axis in FILE_ORDER if axis in axes)
    write_labels_tiff(
        path,
        labels.transpose([axes.index(axis) for axis in order]),
        axes=order,
        calibration=layer_calibration(meta, axes),
        record=make_record(meta, axes, labels.shape),
    )


def image_name(path: str) -> str:
    """Return the name of the image that labels belong to, by that of their file."""
    return file_stem(path).removesuffix(LABELS_ENDING)


def _read_record(path: str) -> LabelRecord | None:
    """Return the record in a file, ``None`` with a warning if it is damaged."""
    try:
        return read_record(path)
    except LabelsError as error:
        show_warning(f"{os.path.basename(path)} opened without its table. {error}")
        return None


def axes_placing(axes: str, calibration: Calibration) -> dict[str, Any]:
    """Return where a layer lies whose file says what its axes are.

    Parameters
    ----------
    axes : str
        One letter an axis.
    calibration : Calibration
        Their pixel sizes and units, as far as they are known.

    Returns
    -------
    dict
        ``scale``, ``units`` and ``axis_labels`` of the layer.
    """
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
