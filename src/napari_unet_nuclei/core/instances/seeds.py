"""Seeds: the places from which the nuclei of a crowded component are flooded.

How eagerly touching nuclei are cut is decided here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.runs import (
    Runs,
    connect_runs,
    expand,
    label_runs,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL_STEP = 0.05
"""Depth by which seeds are raised at once."""


def find_seeds(
    depth: NDArray[np.float32],
    mask: NDArray[np.bool_],
    own_level: float,
    separation: float | None = None,
) -> Runs:
    """Find the seeds of nuclei, more of them with more separation.

    Parameters
    ----------
    depth : (Y, X) ndarray of float32
        Depth inside a nucleus.
    mask : (Y, X) ndarray of bool
        Foreground.
    own_level : float in (0, 1)
        Depth above which the model's own training found a pixel to be of a seed.
    separation : float in (0, 1), optional
        Depth that replaces it.

    Returns
    -------
    Runs
        A number for each seed.

    Notes
    -----
    A plain threshold loses shallow nuclei when it is raised, and finds noise when it is
    lowered.  Here separation only ever cuts seeds or joins them: above the model's own
    level, which is raised in steps, a seed that would vanish stays as it was; below it,
    what holds no seed of the model's own is none.  So each seed lies in one of a lower
    separation, and each of those holds one or more.

    Examples
    --------
    >>> depth = np.array([[0, 0.6, 0.4, 0.9, 0.1, 0.45, 0]], np.float32)
    >>> mask = depth > 0
    >>> [
    ...     int(find_seeds(depth, mask, 0.35, separation).numbers.max())
    ...     for separation in (0.05, 0.35, 0.5, 0.8)
    ... ]
    [1, 2, 3, 3]
    """
    own = label_runs((depth > own_level) & mask)
    if separation is None or separation == own_level:
        return own
    if separation < own_level:
        return _join(label_runs((depth > separation) & mask), own)
    # Half a step of rounding, so that a level that is reached counts.
    n_steps = int((separation - own_level) / LEVEL_STEP + 1e-6)
    for step in range(1, n_steps + 1):
        own = _cut(own, depth, own_level + step * LEVEL_STEP)
    return own


def _join(lower: Runs, own: Runs) -> Runs:
    """Keep what holds seeds."""
    holds = np.zeros(lower.numbers.max(initial=0) + 1, np.bool_)
    holds[lower.numbers[lower.around(own.starts)]] = True
    names = np.cumsum(holds, dtype=np.int32)
    return lower._replace(numbers=names[lower.numbers]).chosen(holds[lower.numbers])


def _cut(seeds: Runs, depth: NDArray[np.float32], level: float) -> Runs:
    """Take from each seed what is no deeper than a level, unless nothing is left."""
    pixels = expand(seeds.starts, seeds.lengths)
    seed_of_pixel = np.repeat(seeds.numbers, seeds.lengths)
    is_left = depth.ravel()[pixels] > level
    goes_on = np.zeros(seeds.numbers.max(initial=0) + 1, np.bool_)
    goes_on[seed_of_pixel[is_left]] = True
    pixels = pixels[is_left | ~goes_on[seed_of_pixel]]
    width = depth.shape[1]
    is_start = np.append(True, np.diff(pixels) > 1)[: pixels.size]
    is_start |= pixels % width == 0
    starts = pixels[is_start]
    stops = pixels[np.append(is_start[1:], True)[: pixels.size]] + 1
    return Runs(starts, stops - starts, connect_runs(starts, stops, width))
