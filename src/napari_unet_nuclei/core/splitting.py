"""Maps become labels: cheap, without a network, rerun on every slider move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BOUNDARY_WEIGHT = 0.5
_SMOOTHING = 1.0  # px; noise in the depth would seed a nucleus more than once


class Maps(NamedTuple):
    """What a network says of each pixel.

    Parameters
    ----------
    foreground : (Y, X) ndarray of float32, values in [0, 1]
        Probability of belonging to a nucleus.
    boundary : (Y, X) ndarray of float32, values in [0, 1]
        Probability of being a nucleus' contour.
    distance : (Y, X) ndarray of float32, values in [0, 1]
        Depth inside the nucleus, 1 at its heart.
    """

    foreground: NDArray[np.float32]
    boundary: NDArray[np.float32]
    distance: NDArray[np.float32]


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

    References
    ----------
    Meyer: Topographic distance and watershed lines, Signal Processing 1994,
    doi:10.1016/0165-1684(94)90060-4
    """
    from skimage.segmentation import watershed  # loads half of scikit-image

    if threshold is None:
        threshold = parameters.threshold
    mask = maps.foreground > threshold
    depth = ndimage.gaussian_filter(
        maps.distance * (1 - _BOUNDARY_WEIGHT * maps.boundary), _SMOOTHING
    )
    seeds = _find_seeds(mask, mask & (depth > parameters.seed_threshold))
    labels = watershed(-depth, seeds, mask=mask)
    min_probability = threshold + parameters.min_confidence * (1 - threshold)
    return _drop_unlikely(labels, maps.foreground, min_area, min_probability)


def _find_seeds(
    mask: NDArray[np.bool_], hearts: NDArray[np.bool_]
) -> NDArray[np.integer]:
    """Give a number to each heart and to each component without one."""
    seeds, n_seeds = ndimage.label(hearts)
    components, n_components = ndimage.label(mask)
    has_heart = np.zeros(n_components + 1, np.bool_)
    has_heart[components[hearts]] = True
    heartless = mask & ~has_heart[components]
    seeds[heartless] = n_seeds + components[heartless]
    numbered: NDArray[np.integer] = seeds
    return numbered


def _drop_unlikely(
    labels: NDArray[np.integer],
    foreground: NDArray[np.float32],
    min_area: int,
    min_probability: float,
) -> NDArray[np.int32]:
    """Drop small nuclei and improbable ones, and close the gaps in the numbers."""
    areas = np.bincount(labels.ravel())
    sums = np.bincount(labels.ravel(), weights=foreground.ravel())
    keep = (areas >= max(min_area, 1)) & (sums >= min_probability * areas)
    keep[0] = False
    numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    renumbered: NDArray[np.int32] = numbers[labels]
    return renumbered
