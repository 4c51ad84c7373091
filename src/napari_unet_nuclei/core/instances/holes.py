"""Holes in a mask and in nuclei, found among runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.runs import Runs, connect_runs, expand

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_HOLE = 4
"""Area of the largest hole of a mask that is filled, in px²: no part fits inside."""


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


def fill_nuclei(labels: NDArray[np.int32], components: Runs) -> None:
    """Fill what one nucleus encloses, unless another nucleus lies in it.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Numbered nuclei, 0 = background; holes are filled in place.
    components : Runs
        Runs of their foreground.

    Notes
    -----
    Pixels of a hole are neighbours when they share a side.
    """
    starts, lengths, numbers = components
    width, flat = labels.shape[1], labels.ravel()
    stops = starts + lengths
    is_gap = starts[1:] // width == starts[:-1] // width
    is_gap &= numbers[1:] == numbers[:-1]
    before = np.flatnonzero(is_gap)
    before = before[flat[stops[before] - 1] == flat[starts[before + 1]]]
    firsts, lasts = stops[before], starts[before + 1]
    holes = connect_runs(firsts, lasts, width)
    owners = flat[firsts - 1]
    owner = np.zeros(holes.max(initial=0) + 1, np.int32)
    owner[holes] = owners
    is_closed = np.ones(owner.size, np.bool_)
    is_closed[holes[owner[holes] != owners]] = False
    pixels = expand(firsts, lasts - firsts)
    of_pixel = np.repeat(holes, lasts - firsts)
    flat[pixels] = -owner[of_pixel]  # tells them from the background beside them
    for step in (-width, width):
        beside = pixels + step
        is_inside = (beside >= 0) & (beside < flat.size)
        value = np.abs(flat[np.where(is_inside, beside, pixels)])
        is_closed[of_pixel[~is_inside | (value != owner[of_pixel])]] = False
    flat[pixels] = np.where(is_closed, owner, 0)[of_pixel]
