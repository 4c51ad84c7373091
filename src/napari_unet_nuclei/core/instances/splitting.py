"""Maps become labels: cheap, without a network, rerun on every slider move.

Our own code around a library's watershed: flooding only where nuclei touch gives the
labels of flooding everything in a third of the time (benchmarks/splitting.py).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.cancellation import (
    carrying_cancellation,
    check_cancelled,
)
from napari_unet_nuclei.core.instances.flooding import Flooded, flood, merge_small
from napari_unet_nuclei.core.instances.fragments import fragment_area
from napari_unet_nuclei.core.instances.holes import MAX_HOLE, fill_holes, fill_nuclei
from napari_unet_nuclei.core.instances.outlines import smooth_outlines
from napari_unet_nuclei.core.instances.padding import repeat_edges
from napari_unet_nuclei.core.instances.runs import Runs, label_runs, paint
from napari_unet_nuclei.core.instances.seeds import find_seeds

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters

# How the work is divided; the labels do not depend on it.
N_THREADS = 2
"""Threads for one image; more would wait for memory."""
BAND_ROWS = 256
"""Rows that one thread smooths."""
BLOCK_ROWS = 32
"""Rows that are smoothed at once: few enough to stay in the cache."""

_BOUNDARY_WEIGHT = 0.5
_CONFIDENT_AREA = 30  # px² of a nucleus; half of it is enough, however large it is
_SCALE = 1 / 256  # with it the smoothing weights of both axes add up to 1


def split_instances(
    maps: Maps,
    parameters: SplittingParameters,
    *,
    threshold: float | None = None,
    min_area: int = 0,
    separation: float | None = None,
    smooth: bool = True,
    depth: NDArray[np.float32] | None = None,
    min_part: int | None = None,
) -> NDArray[np.int32]:
    """Split the foreground into nuclei, and number them.

    Seeds, where distance is high and boundary low, are the markers of a watershed of
    the foreground; a component without a seed stays one nucleus.

    Parameters
    ----------
    maps : Maps
        Output of a network, (Y, X) each.
    parameters : SplittingParameters
        The model's own thresholds.
    threshold, separation : float in (0, 1), optional
        Foreground threshold, and depth of seeds (see `find_seeds`), that replace the
        model's own.
    min_area : int, in px²
        Nuclei smaller than this are dropped, or joined to those they touch.
    smooth : bool
        Whether spurs, notches and holes are smoothed and filled.
    depth : (Y, X) ndarray of float32, optional
        What `depth_of` returns for the maps, if that is known.
    min_part : int, in px², optional
        Smaller parts of components are joined; by default what `fragments` says.

    Returns
    -------
    (Y, X) ndarray of int32
        1, 2, 3 … without gaps, 0 = background.  Each is connected, and if smooth has
        no holes but those in which another lies.  A lower threshold finds all pixels
        of a higher one, except in and around holes of more than 4 px.

    References
    ----------
    Meyer: Topographic distance and watershed lines, Signal Processing 1994,
    doi:10.1016/0165-1684(94)90060-4
    """
    threshold = parameters.threshold if threshold is None else threshold
    mask = maps.foreground > threshold
    mask = smooth_outlines(mask) if smooth else mask
    (components, confident), depth = _components_and_depth(
        maps, mask, parameters.confident_from(threshold), depth, fills=smooth
    )
    check_cancelled()
    seeds = find_seeds(depth, mask, parameters.seed_threshold, separation)
    components, seeds = _choose(components, confident, seeds, min_area)
    check_cancelled()
    whole, flooded = _divide(components, seeds, depth)
    del depth  # so that the labels take their memory
    flooded = _join_fragments(maps, whole, flooded, min_area, min_part)
    labels = _number(whole, flooded, mask.shape)
    if smooth:
        fill_nuclei(labels, components)
    return labels


def _join_fragments(
    maps: Maps, whole: Runs, flooded: Flooded, min_area: int, min_part: int | None
) -> Flooded:
    """Join small parts to those they touch."""
    least = max(min_area, MAX_HOLE + 1)
    if min_part is None:
        min_part = fragment_area(maps, _areas(whole, flooded), least)
    return merge_small(flooded, max(least, min_part), maps.foreground.shape)


def depth_of(maps: Maps) -> NDArray[np.float32]:
    """Return how deep inside a nucleus each pixel lies, less where nuclei touch.

    Parameters
    ----------
    maps : Maps
        With a distance: without, the depth follows from the threshold.

    Returns
    -------
    (Y, X) ndarray of float32
        For `split_instances`.
    """
    if maps.distance is None:
        raise ValueError("Expected maps with a distance. Received: none")
    with ThreadPoolExecutor(N_THREADS, thread_name_prefix="splitting") as executor:
        return _smooth_depth(maps.distance, maps.boundary, executor)


def _components_and_depth(
    maps: Maps,
    mask: NDArray[np.bool_],
    confident_from: float,
    depth: NDArray[np.float32] | None,
    *,
    fills: bool,
) -> tuple[_Components, NDArray[np.float32]]:
    """Find components and, beside that, how deep inside a nucleus each pixel lies."""
    if depth is not None:  # a thread would have to wait for its turn
        found = _find_components(mask, maps.foreground, confident_from, fills=fills)
        return found, depth
    with ThreadPoolExecutor(N_THREADS, thread_name_prefix="splitting") as executor:
        find_components = carrying_cancellation(_find_components)
        submitted = executor.submit(
            find_components, mask, maps.foreground, confident_from, fills=fills
        )
        distance = maps.distance
        if distance is None:
            distance = _relative_distance(mask, submitted.result().runs)
        depth = _smooth_depth(distance, maps.boundary, executor)
        return submitted.result(), depth


def _areas(whole: Runs, flooded: Flooded) -> NDArray[np.float64]:
    """Areas of whole components and of parts of others, in px²; some are 0."""
    return np.append(
        np.bincount(whole.numbers, whole.lengths, minlength=1)[1:],
        np.bincount(flooded.numbers, minlength=1)[1:],
    )


def _number(whole: Runs, flooded: Flooded, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Paint nuclei with numbers from 1 without gaps."""
    is_used = np.zeros(max(whole.numbers.max(initial=0), flooded.highest) + 1, np.bool_)
    is_used[whole.numbers] = is_used[flooded.numbers] = True
    is_used[0] = False
    numbers = np.where(is_used, np.cumsum(is_used), 0).astype(np.int32)
    labels = paint(whole, numbers[whole.numbers], shape)
    labels.ravel()[flooded.pixels] = numbers[flooded.numbers]
    return labels


def _choose(
    components: Runs, confident: NDArray[np.intp], seeds: Runs, min_area: int
) -> tuple[Runs, Runs]:
    """Choose components that are large enough, and confident enough, and their seeds.

    What passes at one threshold passes at all lower ones, where components are larger
    and what counts as confident is more.
    """
    areas = np.bincount(components.numbers, components.lengths, minlength=1)
    n_confident = np.bincount(components.numbers, confident, minlength=1)
    is_kept = areas >= max(min_area, 1)
    is_kept &= n_confident >= max(1, min(min_area, _CONFIDENT_AREA) // 2)
    is_kept[0] = False
    of_seeds = components.numbers[components.around(seeds.starts)]
    return (
        components.chosen(is_kept[components.numbers]),
        seeds.chosen(is_kept[of_seeds]),
    )


class _Components(NamedTuple):
    """Runs of the foreground, and how many pixels of each are confident."""

    runs: Runs
    confident: NDArray[np.intp]


def _find_components(
    mask: NDArray[np.bool_],
    foreground: NDArray[np.float32],
    confident_from: float,
    *,
    fills: bool,
) -> _Components:
    """Find components, and perhaps fill their holes, also in the mask."""
    runs = label_runs(mask)
    if fills:
        runs = fill_holes(runs, mask)
    firsts = np.cumsum(runs.lengths) - runs.lengths
    is_confident = foreground[mask] >= np.float32(confident_from)
    return _Components(runs, np.add.reduceat(is_confident, firsts, dtype=np.intp))


def _relative_distance(mask: NDArray[np.bool_], runs: Runs) -> NDArray[np.float32]:
    """Distance to the background over its maximum in the component."""
    # Beyond the image a nucleus is taken to go on, as in the training targets.
    distance = (
        np.ones(mask.shape, np.float32)
        if mask.all()
        else ndimage.distance_transform_edt(mask).astype(np.float32)
    )
    components = np.repeat(runs.numbers, runs.lengths)
    deepest = np.ones(components.max(initial=0) + 1, np.float32)
    np.maximum.at(deepest, components, distance[mask])
    distance[mask] /= deepest[components]
    return distance


def _divide(
    components: Runs, seeds: Runs, depth: NDArray[np.float32]
) -> tuple[Runs, Flooded]:
    """Divide components: runs of whole ones, 0 for the others, and their pixels.

    A component with one seed, or none, is a nucleus as it stands; only the others are
    flooded.  A nucleus is called by its only seed, or by a number after all seeds.
    """
    n_components = components.numbers.max(initial=0)
    component_of_seed = np.zeros(seeds.numbers.max(initial=0) + 1, np.int32)
    holding = components.numbers[components.around(seeds.starts)]
    component_of_seed[seeds.numbers] = holding
    n_seeds = np.bincount(component_of_seed[1:], minlength=n_components + 1)
    is_crowded = n_seeds > 1
    crowded = is_crowded[components.numbers]
    flooded = flood(
        depth, components.chosen(crowded), seeds.chosen(is_crowded[holding])
    )
    names = component_of_seed.size + np.arange(n_components + 1)
    names[component_of_seed[1:]] = np.arange(1, component_of_seed.size)
    names[is_crowded] = 0
    return components._replace(numbers=names[components.numbers]), flooded


def _smooth_depth(
    distance: NDArray[np.float32],
    boundary: NDArray[np.float32] | None,
    executor: Executor,
) -> NDArray[np.float32]:
    """How deep inside a nucleus each pixel lies, less between nuclei that touch.

    Averaged with the binomial weights 1, 4, 6, 4, 1 (σ = 1 px) along both axes,
    because noise would seed a nucleus more than once.
    """
    height = distance.shape[0]
    depth = np.empty(distance.shape, np.float32)

    def smooth(start: int) -> None:
        _smooth_rows(depth, distance, boundary, start, min(start + BAND_ROWS, height))

    list(executor.map(carrying_cancellation(smooth), range(0, height, BAND_ROWS)))
    return depth


def _smooth_rows(
    depth: NDArray[np.float32],
    distance: NDArray[np.float32],
    boundary: NDArray[np.float32] | None,
    top: int,
    bottom: int,
) -> None:
    """Smooth from one row to another, a block at a time."""
    height, width = distance.shape
    # Two buffers for all blocks: fresh memory would cost more than the sums.
    buffers = np.empty((2, BLOCK_ROWS + 4, width + 4), np.float32)
    for start in range(top, bottom, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, bottom)
        block, other = (buffer[: stop - start + 4] for buffer in buffers)
        first, last = max(start - 2, 0), min(stop + 2, height)
        inside = np.s_[first - start + 2 : last - start + 2, 2:-2]
        if boundary is None:
            np.multiply(distance[first:last], _SCALE, out=block[inside])
        else:
            weight = np.multiply(
                boundary[first:last], -_BOUNDARY_WEIGHT * _SCALE, out=other[inside]
            )
            weight += _SCALE
            np.multiply(distance[first:last], weight, out=block[inside])
        repeat_edges(block, inside)
        for _ in range(4):
            block, other = np.add(block[:-1], block[1:], out=other[:-1]), block[:-1]
        for _ in range(3):
            block, other = (
                np.add(block[:, :-1], block[:, 1:], out=other[:, :-1]),
                block[:, :-1],
            )
        np.add(block[:, :-1], block[:, 1:], out=depth[start:stop])
