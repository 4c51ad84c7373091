"""Measurements that follow edits: only nuclei that an edit can have changed.

Unlike :mod:`~napari_unet_nuclei.core.instances.corrections`, this measures everything
that can be measured, at the cost of the nuclei around an edit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.instances.labels import labels_at_border
from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.core.instances.more_measurements import (
    BORDER_COLUMN,
    ring_pixel_size,
)
from napari_unet_nuclei.core.settings.measurements import MeasurementSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.calibration import Calibration
    from napari_unet_nuclei.core.instances.measurements import Features

    Box = tuple[slice, slice]

_LARGE_PART = 0.25  # of a plane, from which all of it is measured again


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaneImage:
    """What the nuclei of a plane are measured in.

    Parameters
    ----------
    image : (Y, X), (Y, X, 3) or (Y, X, 4) ndarray, optional
        The image that they were found in.
    channels : mapping of str to (Y, X) ndarray
        All channels, by name.
    foreground : (Y, X) ndarray of float, optional
        Probability of each pixel to belong to a nucleus.
    calibration : Calibration, optional
        How large a pixel is.
    settings : MeasurementSettings
        What is measured.
    """

    image: NDArray[Any] | None = None
    channels: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    foreground: NDArray[Any] | None = None
    calibration: Calibration | None = None
    settings: MeasurementSettings = field(default_factory=MeasurementSettings)

    def measure(self, labels: NDArray[np.integer]) -> Features:
        """Measure all nuclei of the plane; see `measure_nuclei`."""
        return measure_nuclei(
            *(labels, self.image, self.foreground),
            calibration=self.calibration,
            settings=self.settings,
            channels=self.channels,
        )

    def cut(self, box: Box) -> PlaneImage:
        """Return a part of it."""
        image, foreground = self.image, self.foreground
        return replace(
            self,
            image=None if image is None else image[box],
            channels={name: pixels[box] for name, pixels in self.channels.items()},
            foreground=None if foreground is None else foreground[box],
        )

    @property
    def reach(self) -> int:
        """Distance in px up to which an edit can change the ring of a nucleus."""
        if self.settings.ring is None:
            return 1
        size = ring_pixel_size(self.settings.ring_unit, self.calibration)
        return 2 * math.ceil(self.settings.ring / min(size)) + 1


def remeasure(
    features: Features,
    before: NDArray[np.integer],
    labels: NDArray[np.integer],
    plane: PlaneImage,
) -> Features:
    """Update the measurements of a plane after an edit.

    Parameters
    ----------
    features : dict of str to (N,) ndarray
        What ``plane.measure(before)`` has returned, or this function.
    before, labels : (Y, X) ndarray of integers
        The labels before and after the edit.
    plane : PlaneImage
        What they are measured in.

    Returns
    -------
    dict of str to (M,) ndarray
        What ``plane.measure(labels)`` returns; the very same as before if nothing has
        changed.
    """
    box = _box_of(before != labels)
    if box is None:
        return features
    around = _grow(box, plane.reach, labels.shape)
    touched = np.union1d(before[around], labels[around])
    touched = touched[touched > 0]
    box = _box_of(np.isin(labels, touched))
    if box is None:
        return _replace_rows(features, touched, None)
    box = _grow(box, plane.reach, labels.shape)
    part = labels[box]
    if part.size > _LARGE_PART * labels.size:
        return plane.measure(labels)
    measured = plane.cut(box).measure(part)
    is_touched = np.isin(measured["label"], touched)
    new = {name: column[is_touched] for name, column in measured.items()}
    _move(new, box, plane.calibration)
    if BORDER_COLUMN in new:
        new[BORDER_COLUMN] = np.isin(new["label"], labels_at_border(labels))
    return _replace_rows(features, touched, new)


def _box_of(mask: NDArray[np.bool_]) -> Box | None:
    """Return the box around what is true."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _grow(box: Box, distance: int, shape: tuple[int, ...]) -> Box:
    rows, columns = (
        slice(max(part.start - distance, 0), min(part.stop + distance, length))
        for part, length in zip(box, shape, strict=True)
    )
    return rows, columns


def _move(features: Features, box: Box, calibration: Calibration | None) -> None:
    """Let the centroids in a part count from the corner of the whole plane."""
    unit = None if calibration is None else calibration.unit
    sizes = None if calibration is None else calibration.pixel_size()
    for axis, part, size in zip("yx", box, sizes or (1.0, 1.0), strict=True):
        for name, scale in (
            (f"centroid_{axis}", 1.0),
            (f"centroid_{axis}_{unit}", size),
        ):
            if name in features:
                features[name] = features[name] + part.start * scale


def _replace_rows(
    features: Features, gone: NDArray[np.integer], new: Features | None
) -> Features:
    """Take rows out of a table, and put others in, by ascending label."""
    is_left = np.isin(features["label"], gone, invert=True)
    rows = {name: column[is_left] for name, column in features.items()}
    if new is not None:
        rows = {name: np.concatenate([rows[name], new[name]]) for name in rows}
    order = np.argsort(rows["label"], kind="stable")
    return {name: column[order] for name, column in rows.items()}
