"""How large nuclei are, told from maps before they are split.

What is done about it belongs to :mod:`~napari_unet_nuclei.core.scaled_prediction`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.splitting import Maps

_THRESHOLD = 0.5
_LINE_SPACING = 4  # px
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
    total_length = n_intercepts = 0
    for along_rows in (True, False):
        lines = np.s_[::_LINE_SPACING] if along_rows else np.s_[:, ::_LINE_SPACING]
        inside = maps.foreground[lines] > _THRESHOLD
        if maps.boundary is not None:
            inside &= maps.boundary[lines] < _THRESHOLD
        length, count = _intercepts(inside if along_rows else inside.T)
        total_length += length
        n_intercepts += count
    if n_intercepts < _MIN_INTERCEPTS:
        return None
    return 4 / np.pi * total_length / n_intercepts / _BIAS


def certainty(maps: Maps) -> float:
    """Measure how sure a network is of what may be a nucleus.

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
    possible = maps.foreground[::_LINE_SPACING]
    possible = possible[possible > _POSSIBLE]
    return float(np.abs(2 * possible - 1).mean()) if possible.size else 0.0


def _intercepts(lines: NDArray[np.bool_]) -> tuple[int, int]:
    """Length of all runs along the last axis, in px, and how many they are."""
    n_starts = np.count_nonzero(lines[:, 1:] & ~lines[:, :-1])
    n_starts += np.count_nonzero(lines[:, :1])
    return int(np.count_nonzero(lines)), int(n_starts)
