"""Holes of a few pixels in a mask, found among its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.runs import Runs, connect_runs, expand

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_HOLE = 4
"""Area of the largest hole that is filled, in px²."""


def fill_holes(components: Runs, mask: NDArray[np.bool_]) -> Runs:
    """Fill what one component encloses, if it is no larger than a few pixels.

    Parameters
    ----------
    components : Runs
        Runs of the mask.
    mask : (Y, X) ndarray of bool
        True on the foreground; holes are filled in place.

    Returns
    -------
    Runs
        Runs of the mask as it is now; components keep their numbers.

    Notes
    -----
    Pixels of a hole are neighbours when they share a side.  What a larger mask, whose
    components hold those of this one, leaves of a hole is filled too.
    """
    starts, lengths, numbers = components
    width = mask.shape[1]
    stops = starts + lengths
    gaps = starts[1:] - stops[:-1]
    is_short = (gaps <= MAX_HOLE) & (starts[1:] // width == starts[:-1] // width)
    is_short &= numbers[1:] == numbers[:-1]
    before = np.flatnonzero(is_short)
    if before.size == 0:
        return components
    firsts, lasts = stops[before], starts[before + 1]
    holes = connect_runs(firsts, lasts, width)
    pixels = expand(firsts, lasts - firsts)
    of_pixel = np.repeat(holes, lasts - firsts)
    is_filled = np.bincount(of_pixel) <= MAX_HOLE
    owner = np.zeros(is_filled.size, numbers.dtype)
    owner[holes] = numbers[before]
    is_filled[holes[owner[holes] != numbers[before]]] = False
    for step in (-width, width):
        beside = pixels + step
        is_inside = (beside >= 0) & (beside < mask.size)
        is_filled[of_pixel[~is_inside]] = False
        at = np.where(is_inside, beside, pixels)
        is_hole = np.isin(at, pixels)  # of the same hole, as both touch
        runs = np.maximum(components.around(at), 0)
        is_owned = mask.ravel()[at] & (numbers[runs] == owner[of_pixel])
        is_filled[of_pixel[~(is_hole | is_owned)]] = False
    mask.ravel()[pixels[is_filled[of_pixel]]] = True
    joined = np.zeros(starts.size, np.bool_)
    joined[before] = is_filled[holes]  # with the next run
    is_first = np.append(True, ~joined[:-1])
    new_starts = starts[is_first]
    return Runs(new_starts, stops[~joined] - new_starts, numbers[is_first])
