"""Measurements of nuclei that are linked through depth: volumes, surfaces, extents.

What is measured in a plane belongs in ``measurements``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.measure import marching_cubes, mesh_surface_area

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.labels import compact_labels
from napari_unet_nuclei.core.instances.linked_measurements import N_PLANES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.calibration import Calibration
    from napari_unet_nuclei.core.instances.measurements import Features

_SMOOTHED = 1.0  # px: steps of voxels, which would make a surface too large
_MARGIN = 3  # voxels


def measure_volumes(
    labels: NDArray[np.integer],
    values: Sequence[Features] = (),
    *,
    calibration: Calibration | None = None,
) -> Features:
    """Measure each nucleus of a volume; one row each, by ascending label.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of int
        Nuclei of all planes, 0 = background.
    values : sequence of dict of str to (N,) ndarray, optional
        Tables of the planes, with ``label`` and ``area``; of ``mean_intensity`` and
        ``probability``, the means over all pixels are taken.
    calibration : Calibration, optional
        Distances between pixels and planes.

    Returns
    -------
    dict of str to (N,) ndarray
        ``label``, ``volume`` (voxels), ``n_planes``, ``first_plane``, ``last_plane``,
        ``centroid_z``, ``centroid_y``, ``centroid_x``, ``extent_y`` and ``extent_x``
        (px); with a known distance along all axes also ``volume_um3``,
        ``diameter_um`` (of a ball), ``surface_um2``, ``sphericity``, and extents and
        centroids in that unit.

    Raises
    ------
    LabelsError
        If there are not three axes.

    Notes
    -----
    The surface is that of marching cubes through the voxels, smoothed by 1 px: of
    balls with a radius of 6 px or more and planes up to 6 px apart, it is right
    within 10 %.  Without smoothing, the steps make it up to 23 % too large.

    Examples
    --------
    >>> labels = np.zeros((4, 6, 6), int)
    >>> labels[1:3, 1:5, 1:4] = 7
    >>> measure_volumes(labels)["volume"].tolist()
    [24]
    """
    if labels.ndim != 3:
        raise LabelsError(
            "Expected the labels of a volume, (Z, Y, X). Received: shape "
            f"{labels.shape}; measure one time point at a time."
        )
    compact, label = compact_labels(labels)
    boxes = ndimage.find_objects(compact)
    features: Features = {"label": label}
    features |= _count_voxels(compact, label.size) | _measure_boxes(boxes)
    for name in ("mean_intensity", "probability"):
        if values and all(name in table for table in values):
            features[name] = _average(values, name, label)
    if calibration is not None and _is_known(calibration):
        features |= _in_units(features, compact, boxes, calibration)
    return features


def _measure_boxes(boxes: Sequence[tuple[slice, ...]]) -> Features:
    """Return where nuclei begin and end."""
    starts = [[part.start for part in box] for box in boxes]
    stops = [[part.stop for part in box] for box in boxes]
    first = np.array(starts, np.int64).reshape(-1, 3)
    end = np.array(stops, np.int64).reshape(-1, 3)
    extent = end - first
    return {
        "first_plane": first[:, 0],
        "last_plane": end[:, 0] - 1,
        "extent_y": extent[:, 1],
        "extent_x": extent[:, 2],
    }


def _count_voxels(compact: NDArray[np.int32], n_nuclei: int) -> Features:
    """Count voxels and planes, and average places, plane by plane."""
    volume, n_planes = np.zeros((2, n_nuclei), np.int64)
    sums = np.zeros((3, n_nuclei))
    for z, plane in enumerate(compact):
        y, x = np.nonzero(plane)
        row = plane[y, x] - 1
        area = np.bincount(row, minlength=n_nuclei)
        volume += area
        n_planes += area > 0
        sums[0] += z * area
        sums[1] += np.bincount(row, weights=y, minlength=n_nuclei)
        sums[2] += np.bincount(row, weights=x, minlength=n_nuclei)
    features: Features = {"volume": volume, N_PLANES: n_planes}
    for axis, total in zip("zyx", sums, strict=True):
        features[f"centroid_{axis}"] = total / volume
    return features


def _average(
    tables: Sequence[Features], name: str, label: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Average what planes say of their outlines over the pixels of nuclei."""
    rows = np.searchsorted(label, np.concatenate([each["label"] for each in tables]))
    area = np.concatenate([each["area"] for each in tables])
    values = np.concatenate([each[name] for each in tables])
    summed = np.bincount(rows, weights=values * area, minlength=label.size)
    return np.asarray(summed / np.bincount(rows, weights=area, minlength=label.size))


def _is_known(calibration: Calibration) -> bool:
    return calibration.unit is not None and {"Z", "Y", "X"} <= set(calibration.sizes)


def _in_units(
    features: Features,
    compact: NDArray[np.int32],
    boxes: Sequence[tuple[slice, ...]],
    calibration: Calibration,
) -> Features:
    """Volumes, surfaces, extents and places in the unit of the image."""
    unit, sizes = calibration.unit, calibration.sizes
    steps = sizes["Z"], sizes["Y"], sizes["X"]
    volume = features["volume"] * float(np.prod(steps))
    surface = np.array(
        [_surface(compact, number, box, steps) for number, box in enumerate(boxes, 1)]
    )
    converted: dict[str, NDArray[Any]] = {
        f"volume_{unit}3": volume,
        f"diameter_{unit}": np.cbrt(6 / np.pi * volume),
        f"surface_{unit}2": surface,
        "sphericity": np.cbrt(36 * np.pi * volume**2) / surface,
    }
    spans = {"z": features["last_plane"] - features["first_plane"] + 1}
    spans |= {axis: features[f"extent_{axis}"] for axis in "yx"}
    for axis, step in zip("zyx", steps, strict=True):
        converted[f"extent_{axis}_{unit}"] = spans[axis] * step
        converted[f"centroid_{axis}_{unit}"] = features[f"centroid_{axis}"] * step
    return converted


def _surface(
    compact: NDArray[np.int32],
    number: int,
    box: tuple[slice, ...],
    steps: tuple[float, float, float],
) -> float:
    """Return the area of the surface of a nucleus."""
    inside = np.pad(compact[box] == number, _MARGIN).astype(np.float32)
    pixel = np.sqrt(steps[1] * steps[2])
    sigma = [_SMOOTHED * min(1.0, pixel / step) for step in steps]
    smooth = ndimage.gaussian_filter(inside, sigma)
    if smooth.max() <= 0.5:  # a speck
        smooth = inside
    vertices, faces, _, _ = marching_cubes(smooth, 0.5, spacing=steps)
    return float(mesh_surface_area(vertices, faces))
