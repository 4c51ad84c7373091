"""Maps become labels: cheap, without a network, rerun on every slider move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from napari_unet_nuclei.core.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    """

    threshold: float = 0.5
    seed_threshold: float = 0.4

    def __post_init__(self) -> None:
        for name in ("threshold", "seed_threshold"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise SettingsError(
                    f"The {name} must lie between 0 and 1, both excluded. "
                    f"Received: {value}"
                )


def split_instances(
    maps: Maps,
    parameters: SplittingParameters,
    *,
    threshold: float | None = None,
    min_area: int = 0,
) -> NDArray[np.int32]:
    """Give each nucleus a number.

    Hearts of nuclei, where the distance map less the boundary map is high, seed
    a watershed that floods the foreground; foreground without a heart stays one
    nucleus.

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
    """
    mask = maps.foreground > (parameters.threshold if threshold is None else threshold)
    depth = maps.distance * (1 - 0.5 * maps.boundary)
    hearts = mask & (depth > parameters.seed_threshold)
    seeds, n_seeds = ndimage.label(hearts)
    components, n_components = ndimage.label(mask)
    has_seed = np.zeros(n_components + 1, np.bool_)
    has_seed[components[hearts]] = True
    has_seed[0] = True
    without_seed = ~has_seed[components]
    seeds[without_seed] = n_seeds + components[without_seed]
    labels = watershed(-depth, seeds, mask=mask)
    return _drop_small(labels, max(min_area, 1))


def _drop_small(labels: NDArray[np.integer], min_area: int) -> NDArray[np.int32]:
    areas = np.bincount(labels.ravel())
    keep = areas >= min_area
    keep[0] = False
    numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return np.asarray(numbers[labels])
