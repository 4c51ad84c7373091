"""Measurements of each nucleus, as columns of a table.

Finding nuclei and comparing them with other labels do not belong here.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.images.channels import distinct_channels, to_channels
from napari_unet_nuclei.core.instances.labels import check_labels, hide_ignored
from napari_unet_nuclei.core.instances.more_measurements import (
    BORDER_COLUMN,
    Pixels,
    colours_by_name,
    measure_more,
)
from napari_unet_nuclei.core.instances.nucleus_runs import NucleusRuns
from napari_unet_nuclei.core.instances.shapes import SHAPE_COLUMNS
from napari_unet_nuclei.core.settings.measurements import MeasurementSettings
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from napari_unet_nuclei.core.images.calibration import Calibration

Features = dict[str, "NDArray[Any]"]

USUAL_COLUMNS = (
    *("area", "centroid_y", "centroid_x", "mean_intensity", "probability", "diameter"),
    *("z", "t"),
)
"""What every table of nuclei may have: cheap to measure, and to keep up to date."""

_NAMES = frozenset({"label", "n_planes", *USUAL_COLUMNS, *SHAPE_COLUMNS, BORDER_COLUMN})
_NAMED_AFTER = re.compile(
    r"(intensity_(mean|std|total)|ring_(area|mean|ratio))(_|$)"
    r"|area_[a-z]+2$|(centroid_[yx]|diameter|perimeter)_[a-z]+$"
)
_USUAL = MeasurementSettings()
_SQUARE = 1e-3  # relative difference of the sides of a pixel that is called square


def measure_nuclei(
    labels: ArrayLike,
    image: NDArray[Any] | None = None,
    foreground: NDArray[Any] | None = None,
    *,
    calibration: Calibration | None = None,
    settings: MeasurementSettings = _USUAL,
    channels: Mapping[str, NDArray[Any]] | None = None,
) -> Features:
    """Measure each nucleus; one row for each, by ascending label.

    Parameters
    ----------
    labels : (Y, X) ndarray of integers
        Label image, 0 = background.
    image : (Y, X), (Y, X, 3) or (Y, X, 4) ndarray, optional
        The image the labels belong to.
    foreground : (Y, X) ndarray of float, values in [0, 1], optional
        Probability of each pixel to belong to a nucleus.
    calibration : Calibration, optional
        How large a pixel is.
    settings : MeasurementSettings
        What is measured beside the usual columns.
    channels : mapping of str to (Y, X) ndarray, optional
        What intensities and rings are measured in, by the endings of their columns;
        by default the image.

    Returns
    -------
    dict of str to (N,) ndarray
        ``label``, ``area`` (px²), ``centroid_y``, ``centroid_x``, ``diameter`` (px),
        ``mean_intensity`` (of R, G and B) and ``probability``; what the settings ask
        for; with a known pixel size, ``area_um2`` and so on.

    Raises
    ------
    LabelsError, ImageError
        If the labels, an image or the unit of the ring cannot be used, or an image,
        a channel or the foreground has another size than the labels.

    Examples
    --------
    >>> labels = np.array([[1, 1, 0], [0, 0, 2]])
    >>> table = measure_nuclei(labels, labels * 10)
    >>> table["area"].tolist(), table["mean_intensity"].tolist()
    ([2, 1], [10.0, 20.0])
    """
    labels = hide_ignored(check_labels(labels, may_ignore=True))
    colours = None if image is None else np.moveaxis(_colours(image, labels), -1, 0)
    nuclei = NucleusRuns(labels)
    if foreground is not None:
        _check_shape("foreground", foreground.shape, labels.shape)
    features = _usual_columns(nuclei, colours, foreground)
    if settings:
        if channels is None:
            channels = {} if colours is None else colours_by_name(colours)
        pixels = _pixels_of(labels, nuclei.label)
        label = nuclei.label
        features |= measure_more(labels, pixels, label, channels, settings, calibration)
    if calibration is not None:
        features |= _in_units(features, calibration)
    return features


def _usual_columns(
    nuclei: NucleusRuns,
    colours: NDArray[Any] | None,
    foreground: NDArray[Any] | None,
) -> Features:
    """Measure what every table has, in pixels."""
    features: Features = {"label": nuclei.label, "area": nuclei.area}
    features["centroid_y"], features["centroid_x"] = nuclei.centroids()
    if colours is not None:
        intensities = [nuclei.means(channel) for channel in colours]
        features["mean_intensity"] = np.mean(intensities, axis=0)
    if foreground is not None:
        features["probability"] = nuclei.means(foreground)
    features["diameter"] = equivalent_diameters(nuclei.area)
    return features


def _pixels_of(labels: NDArray[np.int32], label: NDArray[np.int32]) -> Pixels:
    """List row and column of all pixels of nuclei, and the row in the table."""
    rows, columns = np.nonzero(labels)
    return rows, columns, np.searchsorted(label, labels[rows, columns])


def _colours(image: NDArray[Any], labels: NDArray[np.int32]) -> NDArray[Any]:
    """Return the channels of an image, last: one if all have the same values."""
    channels = to_channels(image)
    _check_shape("image", channels.shape[:2], labels.shape)
    return distinct_channels(channels)


def equivalent_diameters(area: NDArray[Any]) -> NDArray[np.float64]:
    """Return the diameters of discs with these areas."""
    return np.sqrt(4 / np.pi * np.asarray(area, np.float64))


def is_measurement(name: str) -> bool:
    """Whether a column of a table is one that this package measures.

    Parameters
    ----------
    name : str
        Name of a column.

    Examples
    --------
    >>> is_measurement("solidity"), is_measurement("intensity_mean_red")
    (True, True)
    >>> is_measurement("cluster")
    False
    """
    return name in _NAMES or _NAMED_AFTER.match(name) is not None


def _in_units(features: Features, calibration: Calibration) -> Features:
    """Sizes and places in the unit of the image; nothing where a pixel has no size."""
    size, unit = calibration.pixel_size(), calibration.unit
    if size is None:
        return {}
    height, width = size
    area = features["area"] * (height * width)
    converted = {
        f"area_{unit}2": area,
        f"centroid_y_{unit}": features["centroid_y"] * height,
        f"centroid_x_{unit}": features["centroid_x"] * width,
        f"diameter_{unit}": equivalent_diameters(area),
    }
    # The length of an outline is known in pixels only, which may not be square.
    if "perimeter" in features and abs(height - width) < _SQUARE * height:
        converted[f"perimeter_{unit}"] = features["perimeter"] * height
    return converted


def write_features_csv(
    path: str | os.PathLike[str],
    features: Mapping[str, NDArray[Any]],
    *,
    may_replace: bool = True,
) -> None:
    """Write the columns of a table as a comma-separated file with one header line.

    Parameters
    ----------
    path : path
        The file to write; what was there is replaced once all is written.
    features : dict of str to (N,) ndarray
        What `measure_nuclei` returns, and columns of words; NaN and ``None`` become
        empty fields.
    may_replace : bool
        Whether what is there is replaced.

    Raises
    ------
    OutputError
        If the file cannot be written, or is there and may not be replaced.
    """
    rows = zip(*(column.tolist() for column in features.values()), strict=True)
    with (
        replacing(path, may_replace=may_replace) as part,
        part.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(features)
        writer.writerows([_as_text(value) for value in row] for row in rows)


def _check_shape(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        raise LabelsError(
            f"The {name} must be as high and wide as the labels. Received: {name} "
            f"{shape}, labels {expected}. Pass the {name} the labels were made from."
        )


def _as_text(value: float | str | None) -> str:
    if value is None or value != value:  # NaN
        return ""
    return f"{value:.7g}" if isinstance(value, float) else str(value)
