"""How large nuclei are, estimated from the lengths that rows and columns cut from them.

What is done about it belongs to :mod:`~napari_unet_nuclei.core.segmentation.scaled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps

_THRESHOLD = 0.5
_LINES = np.s_[::4], np.s_[:, ::4]
_MIN_INTERCEPTS = 8
_BIAS = 0.93
"""Estimate over the median diameter of the annotated nuclei, from 5 to 80 px."""
_POSSIBLE = 0.2
"""Foreground probability above which a pixel may belong to a nucleus."""


def estimate_diameter(maps: Maps) -> float | None:
    """Estimate the typical diameter of the nuclei from their mean intercept length.

    Lines along rows and columns cross a disc of diameter d over a mean length of
    π d / 4.

    Parameters
    ----------
    maps : Maps
        Output of a network, (Y, X) each.

    Returns
    -------
    float, in px
        ``None`` where there is too little foreground to tell.

    References
    ----------
    Tomkeieff: Linear intercepts, areas and volumes, Nature 1945,
    doi:10.1038/155024a0
    """
    inside = []
    for lines in _LINES:
        is_inside = maps.foreground[lines] > _THRESHOLD
        if maps.boundary is not None:
            is_inside &= maps.boundary[lines] < _THRESHOLD
        inside.append(is_inside)
    return _diameter(inside)


def annotated_diameter(labels: Iterable[NDArray[np.integer]]) -> float | None:
    """Estimate the diameter of annotated nuclei in the same way.

    Parameters
    ----------
    labels : iterable of (Y, X) ndarray of int
        Numbered nuclei, 0 = background, -1 = not annotated.

    Returns
    -------
    float, in px
        Median over the images; ``None`` where none has enough nuclei to tell.
    """
    estimates = [
        estimate
        for numbers in labels
        if (estimate := _diameter([numbers[lines] for lines in _LINES])) is not None
    ]
    return round(float(np.median(estimates)), 1) if estimates else None


def confidence(maps: Maps) -> float:
    """Measure how confident a network is of what may be a nucleus.

    Parameters
    ----------
    maps : Maps
        Output of a network, (Y, X) each.

    Returns
    -------
    float in [0, 1]
        Mean distance of the foreground probability from one half, doubled; 0 where
        there are no nuclei.
    """
    possible = maps.foreground[_LINES[0]]
    possible = possible[possible > _POSSIBLE]
    return float(np.abs(2 * possible - 1).mean()) if possible.size else 0.0


def _diameter(sections: Sequence[NDArray[Any]]) -> float | None:
    """Diameter of discs that rows, and then columns, cross over the same lengths."""
    rows, columns = sections
    total_length = n_intercepts = 0
    for lines in (rows, columns.T):
        is_start = (lines[:, 1:] != lines[:, :-1]) & (lines[:, 1:] > 0)
        total_length += int(np.count_nonzero(lines > 0))
        n_intercepts += int(np.count_nonzero(is_start))
        n_intercepts += int(np.count_nonzero(lines[:, :1] > 0))
    if n_intercepts < _MIN_INTERCEPTS:
        return None
    return 4 / np.pi * total_length / n_intercepts / _BIAS
