"""Intensity of each channel in each nucleus, and in a ring around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.images.channels import to_channels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Channels = Mapping[str, NDArray[Any]]

MEAN, STD, TOTAL = "intensity_mean", "intensity_std", "intensity_total"
RING_AREA, RING_MEAN, RING_RATIO = "ring_area", "ring_mean", "ring_ratio"


def column_name(column: str, channel: str) -> str:
    """Return the name of a column of a channel; of the only one, it is the plain name.

    Examples
    --------
    >>> column_name("ring_mean", "red"), column_name("ring_mean", "")
    ('ring_mean_red', 'ring_mean')
    """
    return f"{column}_{channel}" if channel else column


def measure_intensities(
    channels: Channels,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    positions: NDArray[np.intp],
) -> dict[str, NDArray[Any]]:
    """Measure each channel in each nucleus.

    Parameters
    ----------
    channels : mapping of str to (Y, X) ndarray
        Pixels by the name of their channel; what is not finite counts as the smallest
        value that is.
    rows, columns : (K,) ndarray of int
        Pixels of all nuclei.
    positions : (K,) ndarray of int
        Which row of the table each pixel belongs to, from 0.

    Returns
    -------
    dict of str to (N,) ndarray of float
        ``intensity_mean``, ``intensity_std`` (over all pixels of a nucleus, divided by
        their number) and ``intensity_total`` of each channel.
    """
    area = np.bincount(positions)
    features: dict[str, NDArray[Any]] = {}
    for name, pixels in channels.items():
        check_cancelled()
        values = _values(pixels, rows, columns)
        total = np.bincount(positions, weights=values)
        mean = total / area
        from_mean = values - mean[positions]
        variance = np.bincount(positions, weights=from_mean * from_mean) / area
        features[column_name(MEAN, name)] = mean
        features[column_name(STD, name)] = np.sqrt(variance)
        features[column_name(TOTAL, name)] = total
    return features


def find_rings(
    labels: NDArray[np.int32], width: float, pixel_size: tuple[float, float]
) -> NDArray[np.int32]:
    """Return the ring around each nucleus as a label image.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Label image, 0 = background.
    width : float
        How far a ring reaches, in the unit of the pixel size.
    pixel_size : (float, float)
        Along Y and X.

    Returns
    -------
    (Y, X) ndarray of int32
        Rings enter no nucleus, and end in the middle between two.

    Examples
    --------
    >>> find_rings(np.array([[1, 0, 0, 0, 2]]), 1, (1, 1)).tolist()
    [[0, 1, 0, 2, 0]]
    """
    from skimage.segmentation import expand_labels  # loads half of scikit-image

    check_cancelled()
    rings = np.asarray(expand_labels(labels, width, pixel_size), np.int32)
    rings[labels != 0] = 0
    return rings


def measure_rings(
    rings: NDArray[np.int32], label: NDArray[np.integer], channels: Channels
) -> dict[str, NDArray[Any]]:
    """Measure each channel in the ring around each nucleus.

    Parameters
    ----------
    rings : (Y, X) ndarray of int32
        What `find_rings` returns.
    label : (N,) ndarray of int
        Labels of the nuclei, ascending.
    channels : mapping of str to (Y, X) ndarray
        Pixels by the name of their channel.

    Returns
    -------
    dict of str to (N,) ndarray
        ``ring_area`` (px²) and ``ring_mean`` of each channel, NaN where a nucleus has
        no room for a ring.
    """
    rows, columns = np.nonzero(rings)
    positions = np.searchsorted(label, rings[rows, columns])
    area = np.bincount(positions, minlength=label.size)
    features: dict[str, NDArray[Any]] = {RING_AREA: area}
    for name, pixels in channels.items():
        check_cancelled()
        values = _values(pixels, rows, columns)
        total = np.bincount(positions, weights=values, minlength=label.size)
        features[column_name(RING_MEAN, name)] = _ratio(total, area)
    return features


def ring_ratios(
    nuclei: Mapping[str, NDArray[Any]], rings: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Divide the mean intensity of nuclei by that of their rings.

    Parameters
    ----------
    nuclei, rings : mapping of str to (N,) ndarray
        What `measure_intensities` and `measure_rings` return.

    Returns
    -------
    dict of str to (N,) ndarray of float
        ``ring_ratio`` of each channel, NaN where the ring is empty or dark.
    """
    return {
        RING_RATIO + name.removeprefix(RING_MEAN): _ratio(
            nuclei[MEAN + name.removeprefix(RING_MEAN)], mean
        )
        for name, mean in rings.items()
        if name.startswith(RING_MEAN)
    }


def _values(
    pixels: NDArray[Any], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float64]:
    return np.asarray(to_channels(pixels)[rows, columns, 0], np.float64)


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    nothing = np.full(above.shape, np.nan)
    np.divide(above, below, out=nothing, where=np.asarray(below) != 0)
    return nothing
