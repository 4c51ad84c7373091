"""The groups of measurements that a user can add to the usual columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import ImageError, LabelsError
from napari_unet_nuclei.core.images.calibration import LENGTH_UNITS
from napari_unet_nuclei.core.instances.intensities import (
    find_rings,
    measure_intensities,
    measure_rings,
    ring_ratios,
)
from napari_unet_nuclei.core.instances.labels import labels_at_border
from napari_unet_nuclei.core.instances.shapes import measure_shapes
from napari_unet_nuclei.core.settings.choices import Measurement
from napari_unet_nuclei.core.settings.measurements import PIXELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.calibration import Calibration
    from napari_unet_nuclei.core.settings.measurements import MeasurementSettings

Pixels = tuple["NDArray[np.intp]", "NDArray[np.intp]", "NDArray[np.intp]"]
"""Rows and columns of the pixels of all nuclei, and the position of each nucleus."""

BORDER_COLUMN = "touches_border"

_COLOURS = ("red", "green", "blue")


def measure_more(
    labels: NDArray[np.int32],
    pixels: Pixels,
    label: NDArray[np.integer],
    channels: Mapping[str, NDArray[Any]],
    settings: MeasurementSettings,
    calibration: Calibration | None,
) -> dict[str, NDArray[Any]]:
    """Measure what the settings ask for.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Label image, 0 = background.
    pixels : tuple of (K,) ndarray of int
        Rows and columns of the pixels of all nuclei, and which row of the table each
        belongs to.
    label : (N,) ndarray of int
        Labels of the nuclei, ascending.
    channels : mapping of str to (Y, X) ndarray
        What intensities are measured in, by name.
    settings : MeasurementSettings
        What to measure.
    calibration : Calibration, optional
        How large a pixel is.

    Returns
    -------
    dict of str to (N,) ndarray
        The columns.

    Raises
    ------
    LabelsError
        If a channel differs in height or width from the labels.
    ImageError
        If the ring has a unit that the image has not.
    """
    _check_channels(channels, labels.shape)
    features: dict[str, NDArray[Any]] = {}
    if Measurement.SHAPE in settings.what:
        features |= measure_shapes(labels, *pixels)
    intensities: dict[str, NDArray[Any]] = {}
    if Measurement.INTENSITY in settings.what or settings.ring is not None:
        intensities = measure_intensities(channels, *pixels)
    if Measurement.INTENSITY in settings.what:
        features |= intensities
    if settings.ring is not None:
        size = ring_pixel_size(settings.ring_unit, calibration)
        rings = find_rings(labels, settings.ring, size)
        in_rings = measure_rings(rings, label, channels)
        features |= in_rings | ring_ratios(intensities, in_rings)
    if Measurement.BORDER in settings.what:
        features[BORDER_COLUMN] = np.isin(label, labels_at_border(labels))
    return features


def _check_channels(
    channels: Mapping[str, NDArray[Any]], shape: tuple[int, ...]
) -> None:
    for name, channel in channels.items():
        if channel.shape != shape:
            raise LabelsError(
                "All channels must be as high and wide as the labels. Received: "
                f"channel {name!r} {channel.shape}, labels {shape}. Leave it "
                "out, or choose the labels that belong to it."
            )


def ring_pixel_size(unit: str, calibration: Calibration | None) -> tuple[float, float]:
    """Return the size of a pixel in the unit that the width of a ring has.

    Parameters
    ----------
    unit : str
        ``"px"``, or a unit of length such as ``"um"``.
    calibration : Calibration, optional
        How large a pixel is.

    Returns
    -------
    (float, float)
        Along Y and X.

    Raises
    ------
    ImageError
        If the size of a pixel is not known in this unit.
    """
    if unit == PIXELS:
        return 1.0, 1.0
    size = None if calibration is None else calibration.pixel_size()
    own = None if calibration is None else calibration.unit
    if size is not None and own == unit:
        return size
    if size is not None and {unit, own} <= set(LENGTH_UNITS):
        factor = LENGTH_UNITS[str(own)] / LENGTH_UNITS[unit]
        return size[0] * factor, size[1] * factor
    raise ImageError(
        f"Expected an image whose pixel size in {unit} is known, for a ring of that "
        f"unit. Received: {'no pixel size' if own is None else f'sizes in {own}'}. "
        "Give the width of the ring in px."
    )


def colours_by_name(channels: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Name the channels of an image: by colours, or not where there is one.

    Parameters
    ----------
    channels : (1, Y, X) or (3, Y, X) ndarray
        A grey image, or red, green and blue.
    """
    names = _COLOURS if len(channels) == len(_COLOURS) else ("",)
    return dict(zip(names, channels, strict=True))
