"""Maps become labels: cheap, without a network, rerun on every slider move."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.flooding import Box, flood

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BOUNDARY_WEIGHT = 0.5
_BLOCK_ROWS = 32  # smoothed at once: little enough to stay in the cache


class Maps(NamedTuple):
    """What a network says of each pixel.

    Parameters
    ----------
    foreground : (Y, X) ndarray of float32, values in [0, 1]
        Probability of belonging to a nucleus.
    boundary : (Y, X) ndarray of float32, values in [0, 1], optional
        Probability of lying between two nuclei that touch.
    distance : (Y, X) ndarray of float32, values in [0, 1], optional
        Depth inside the nucleus, 1 at its heart.  A network that knows only the
        foreground has none; the shape of the foreground then gives it.
    """

    foreground: NDArray[np.float32]
    boundary: NDArray[np.float32] | None = None
    distance: NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True)
class SplittingParameters:
    """What a model's training found best for splitting its maps.

    Parameters
    ----------
    threshold : float in (0, 1)
        Foreground probability above which a pixel belongs to a nucleus.
    seed_threshold : float in (0, 1)
        Depth above which a pixel belongs to the heart of a nucleus; each heart
        becomes one nucleus.
    min_confidence : float in [0, 1)
        How far the mean foreground probability of a nucleus must lie between the
        threshold and 1; dim blurs that only just pass the threshold are dropped.
    """

    threshold: float = 0.5
    seed_threshold: float = 0.5
    min_confidence: float = 0.2

    def __post_init__(self) -> None:
        for name in ("threshold", "seed_threshold"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise SettingsError(
                    f"The {name} must lie between 0 and 1, both excluded. "
                    f"Received: {value}"
                )
        if not 0 <= self.min_confidence < 1:
            raise SettingsError(
                "The min_confidence must lie between 0 and 1, 1 excluded. "
                f"Received: {self.min_confidence}"
            )


def split_instances(
    maps: Maps,
    parameters: SplittingParameters,
    *,
    threshold: float | None = None,
    min_area: int = 0,
) -> NDArray[np.int32]:
    """Give each nucleus a number.

    Hearts of nuclei, where the distance map is high and the boundary map is low,
    seed a watershed that floods the foreground; foreground without a heart stays
    one nucleus.

    Parameters
    ----------
    maps : Maps
        Output of a network, (Y, X) each.
    parameters : SplittingParameters
        The model's own thresholds.
    threshold : float in (0, 1), optional
        Foreground threshold that replaces the model's own.
    min_area : int, in px²
        Nuclei smaller than this are dropped.

    Returns
    -------
    (Y, X) ndarray of int32
        1, 2, 3 … without gaps, 0 = background.

    Notes
    -----
    A connected component of the foreground with one heart, or none, is a nucleus
    as it stands.  Only the few with more are flooded, so that the time is spent
    on finding components; the result is that of flooding everything.

    References
    ----------
    Meyer: Topographic distance and watershed lines, Signal Processing 1994,
    doi:10.1016/0165-1684(94)90060-4
    """
    if threshold is None:
        threshold = parameters.threshold
    mask = maps.foreground > threshold
    with ThreadPoolExecutor(1, thread_name_prefix="components") as executor:
        found = executor.submit(_find_components, mask)
        distance = maps.distance
        if distance is None:
            distance = _relative_distance(mask, found.result().numbers)
        depth = _smooth_depth(distance, maps.boundary)
        is_heart = mask & (depth > parameters.seed_threshold)
        hearts, n_hearts = ndimage.label(is_heart)
        components, boxes = found.result()
    n_components = len(boxes)

    component_of_heart = np.zeros(n_hearts + 1, np.intp)
    heart_pixels = np.flatnonzero(is_heart)
    component_of_heart[hearts.ravel()[heart_pixels]] = components.ravel()[heart_pixels]
    hearts_of_component = np.bincount(
        component_of_heart[1:], minlength=n_components + 1
    )
    # A component is called by its only heart, or by a number after all hearts.
    numbers = n_hearts + np.arange(n_components + 1, dtype=np.int32)
    numbers[component_of_heart[1:]] = np.arange(1, n_hearts + 1)

    pixels = np.flatnonzero(mask)
    labels = np.zeros(mask.shape, np.int32)
    labels.ravel()[pixels] = numbers[components.ravel()[pixels]]
    flooded = {
        int(number): boxes[number - 1]
        for number in np.flatnonzero(hearts_of_component > 1)
    }
    flood(labels, depth, hearts, components, flooded)
    min_probability = threshold + parameters.min_confidence * (1 - threshold)
    _drop_unlikely(labels, pixels, maps.foreground, min_area, min_probability)
    return labels


class _Components(NamedTuple):
    """Connected parts of the foreground, numbered from 1, and the box of each."""

    numbers: NDArray[np.integer]
    boxes: list[Box]


def _find_components(mask: NDArray[np.bool_]) -> _Components:
    numbers, _ = ndimage.label(mask)
    return _Components(numbers, ndimage.find_objects(numbers))


def _relative_distance(
    mask: NDArray[np.bool_], components: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Distance to the background over its maximum in the component."""
    # Beyond the image a nucleus is taken to go on, as in the training targets.
    distance = (
        np.ones(mask.shape, np.float32)
        if mask.all()
        else ndimage.distance_transform_edt(mask).astype(np.float32)
    )
    deepest = np.ones(components.max(initial=0) + 1, np.float32)
    np.maximum.at(deepest, components[mask], distance[mask])
    relative: NDArray[np.float32] = distance / deepest[components]
    return relative


def _smooth_depth(
    distance: NDArray[np.float32], boundary: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """How deep inside a nucleus each pixel lies, less between nuclei that touch.

    Averaged with the binomial weights 1, 4, 6, 4, 1 (σ = 1 px) along both axes,
    because noise would seed a nucleus more than once.
    """
    height, width = distance.shape
    depth = np.empty_like(distance)
    # Two buffers for all blocks: fresh memory would cost more than the sums.
    buffers = np.empty((2, _BLOCK_ROWS + 4, width + 4), np.float32)
    for start in range(0, height, _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, height)
        block, other = (buffer[: stop - start + 4] for buffer in buffers)
        first, last = max(start - 2, 0), min(stop + 2, height)
        inside = np.s_[first - start + 2 : last - start + 2, 2:-2]
        if boundary is None:
            block[inside] = distance[first:last]
        else:
            weight = np.multiply(
                boundary[first:last], -_BOUNDARY_WEIGHT, out=other[inside]
            )
            weight += 1
            np.multiply(distance[first:last], weight, out=block[inside])
        _repeat_edges(block, inside)
        for _ in range(4):
            block, other = np.add(block[:-1], block[1:], out=other[:-1]), block[:-1]
        for _ in range(4):
            block, other = (
                np.add(block[:, :-1], block[:, 1:], out=other[:, :-1]),
                block[:, :-1],
            )
        np.multiply(block, 1 / 256, out=depth[start:stop])
    return depth


def _repeat_edges(block: NDArray[np.float32], inside: tuple[slice, slice]) -> None:
    """Fill what lies around the inside of a block with its outermost pixels."""
    rows, columns = inside
    block[: rows.start, columns] = block[rows.start, columns]
    block[rows.stop :, columns] = block[rows.stop - 1, columns]
    block[:, :2], block[:, -2:] = block[:, 2:3], block[:, -3:-2]


def _drop_unlikely(
    labels: NDArray[np.int32],
    pixels: NDArray[np.intp],
    foreground: NDArray[np.float32],
    min_area: int,
    min_probability: float,
) -> None:
    """Drop small nuclei and improbable ones, and close the gaps in the numbers."""
    flat = labels.ravel()
    numbers = flat[pixels]
    areas = np.bincount(numbers, minlength=1)
    sums = np.bincount(numbers, foreground.ravel()[pixels], minlength=1)
    keep = (areas >= max(min_area, 1)) & (sums >= min_probability * areas)
    keep[0] = False
    flat[pixels] = np.where(keep, np.cumsum(keep), 0).astype(np.int32)[numbers]
