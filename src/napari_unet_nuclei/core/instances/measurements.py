"""Measurements of each nucleus, as columns of a table.

Finding nuclei and comparing them with other labels do not belong here.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.images.channels import distinct_channels, to_channels
from napari_unet_nuclei.core.instances.labels import check_labels, hide_ignored
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from napari_unet_nuclei.core.images.calibration import Calibration

Features = dict[str, "NDArray[Any]"]


def measure_nuclei(
    labels: ArrayLike,
    image: NDArray[Any],
    foreground: NDArray[Any] | None = None,
    *,
    calibration: Calibration | None = None,
) -> Features:
    """Measure each nucleus; one row for each, by ascending label.

    Parameters
    ----------
    labels : (Y, X) ndarray of integers
        Label image, 0 = background.
    image : (Y, X), (Y, X, 3) or (Y, X, 4) ndarray
        The image the labels belong to.
    foreground : (Y, X) ndarray of float, values in [0, 1], optional
        Probability of each pixel to belong to a nucleus.
    calibration : Calibration, optional
        How large a pixel is.

    Returns
    -------
    dict of str to (N,) ndarray
        Columns ``label``, ``area`` (px²), ``centroid_y`` and ``centroid_x`` (px),
        ``mean_intensity`` (of the raw image, averaged over R, G, B); with a foreground,
        ``probability`` (mean over the nucleus); with a known pixel size, area and
        centroid in its unit too (``area_um2``, ``centroid_y_um``, ``centroid_x_um``).

    Raises
    ------
    LabelsError
        If the labels are no label image, or differ in height or width from the
        image or the foreground.
    ImageError
        If the image has a shape or type that cannot be used.
    """
    labels = hide_ignored(check_labels(labels, may_ignore=True))
    channels = to_channels(image)
    _check_shape("image", channels.shape[:2], labels.shape)
    rows, columns = np.nonzero(labels)
    ids = labels[rows, columns]
    label, positions = _rows_of(ids)
    area = np.bincount(positions, minlength=label.size)

    def mean(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(positions, weights=values, minlength=label.size) / area

    # A grey image has the same values in all channels.
    distinct = np.moveaxis(distinct_channels(channels), -1, 0)
    intensities = [mean(channel[rows, columns]) for channel in distinct]
    features: Features = {"label": label, "area": area}
    features |= {"centroid_y": mean(rows), "centroid_x": mean(columns)}
    features["mean_intensity"] = np.mean(intensities, axis=0)
    if foreground is not None:
        _check_shape("foreground", foreground.shape, labels.shape)
        features["probability"] = mean(foreground[rows, columns])
    if calibration is not None:
        features |= _in_units(features, calibration)
    return features


def _in_units(features: Features, calibration: Calibration) -> Features:
    """Area and centroid in the unit of the image; nothing where a pixel has no size."""
    size, unit = calibration.pixel_size(), calibration.unit
    if size is None:
        return {}
    return {
        f"area_{unit}2": features["area"] * (size[0] * size[1]),
        f"centroid_y_{unit}": features["centroid_y"] * size[0],
        f"centroid_x_{unit}": features["centroid_x"] * size[1],
    }


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
        What `measure_nuclei` returns, and columns of words.
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


def _rows_of(ids: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Sort out the distinct labels, and the row of each pixel among them."""
    largest = int(ids.max(initial=0))
    if largest > 2 * ids.size:
        label, rows = np.unique(ids, return_inverse=True)
        return label, rows
    # Counting takes a tenth of the time of sorting.
    present = np.bincount(ids, minlength=1) > 0
    label = np.flatnonzero(present).astype(np.int32)
    return label, (np.cumsum(present) - 1)[ids]


def _as_text(value: float | str) -> str:
    return f"{value:.7g}" if isinstance(value, float) else str(value)
