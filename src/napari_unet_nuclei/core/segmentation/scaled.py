"""One image becomes maps, at the scale its nuclei ask for.

Channels, intensities and scale are settled here; tiles belong in
:mod:`~napari_unet_nuclei.core.segmentation.tiled`, stacks of planes in
:mod:`~napari_unet_nuclei.core.segmentation.model`.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.images.channels import to_planes
from napari_unet_nuclei.core.images.intensity import (
    fine_detail,
    intensity_limits,
    normalise,
)
from napari_unet_nuclei.core.images.rescaling import rescale
from napari_unet_nuclei.core.images.single_colour import single_colour_as_grey
from napari_unet_nuclei.core.instances.diameter import certainty, estimate_diameter
from napari_unet_nuclei.core.instances.maps import Maps
from napari_unet_nuclei.core.segmentation.memory import check_memory
from napari_unet_nuclei.core.segmentation.tiled import iter_tiles

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.images.intensity import Limits
    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.progress import TileDone
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

# Nuclei under so many typical diameters are enlarged; above so many they are shrunk;
# those the network is sure of only when they are huge.  All that follows was measured
# in docs/experiments.md.
_SMALL, _LARGE, _HUGE = 0.62, 1.45, 2.75
_SURE = 0.86
# Nuclei so large that a network sees only their texture show at a coarse scale, to
# which an image without fine detail is brought when that makes the network surer.
_COARSE = 1 / 4
_FINE_DETAIL = 0.15
_SURER = 0.05
_MAX_RESCALINGS = 3
_MIN_SCALE, _MAX_SCALE = 1 / 16, 4.0  # nuclei beyond that are blurs, and dots
_STEPS = 4  # of the scale, from one power of two to the next
_BYTES_PER_PIXEL = 32  # of a rescaled image: its planes and maps


def iter_plane_maps(
    engine: Engine,
    config: ModelConfig,
    image: NDArray[np.generic],
    settings: SegmentationSettings,
    *,
    scale: float | None = None,
    max_area: int | None = None,
) -> Generator[TileDone, None, Maps]:
    """Evaluate a network on one image, tile by tile.

    Parameters
    ----------
    engine : Engine
        Runtime that holds the network.
    config : ModelConfig
        Its stride, receptive radius, maps and typical diameter.
    image : (Y, X) or (Y, X, 3|4) ndarray
        Grey or colour image.
    settings : SegmentationSettings
        Only diameter and test-time flips matter here.  Without a diameter the image
        is evaluated as it is, and again rescaled where that shows nuclei much
        smaller or larger than the network knows; where it is blurred and the network
        unsure, a look at a quarter of its scale comes between.
    scale : float, optional
        Scale to evaluate it at all the same, as that of other planes of its stack.
    max_area : int, in px², optional
        Largest area of a tile, see
        :func:`~napari_unet_nuclei.core.segmentation.tiled.iter_tiles`.

    Yields
    ------
    TileDone
        After each tile.

    Returns
    -------
    Maps
        Those of the network, (Y, X) float32 each, with the scale they were made at.

    Raises
    ------
    ImageError
        If the image cannot be used.
    EngineError
        If the engine fails, or finds no memory for the smallest tiles either.
    """
    planes = single_colour_as_grey(to_planes(image))
    limits = intensity_limits(planes)

    def predict_at(
        scale: float, *, tta: bool = False
    ) -> Generator[TileDone, None, Maps]:
        return _iter_scaled(
            engine, config, planes, limits, scale, tta=tta, max_area=max_area
        )

    if scale is None and settings.diameter is not None:
        scale = config.diameter / settings.diameter
    if scale is not None:
        return (yield from predict_at(scale, tta=settings.tta))
    maps = yield from predict_at(1.0)
    is_blurred = 0 < fine_detail(planes, limits) < _FINE_DETAIL
    if is_blurred and (sureness := certainty(maps)) < _SURE:
        coarse = yield from predict_at(_COARSE)
        if certainty(coarse) > sureness + _SURER:
            maps = coarse
    for _ in range(_MAX_RESCALINGS):
        better = _better_scale(maps, config.estimated_diameter or config.diameter)
        if better is None or not _is_affordable(maps, better):
            break
        rescaled = yield from predict_at(better)
        if estimate_diameter(rescaled) is None:
            break  # nothing is left of what was seen before
        maps = rescaled
    if settings.tta and config.n_symmetries > 1:
        maps = yield from predict_at(maps.scale, tta=True)
    return maps


def _better_scale(maps: Maps, typical: float) -> float | None:
    """Scale that brings the nuclei to their typical diameter, where that would help."""
    diameter = estimate_diameter(maps)
    if diameter is None:
        return None
    seen_as = diameter * maps.scale / typical
    is_too_large = seen_as > _HUGE or (seen_as > _LARGE and certainty(maps) < _SURE)
    if seen_as < _SMALL or is_too_large:
        # In steps, so that noise in the estimate does not change the maps.
        steps = round(_STEPS * math.log2(typical / diameter))
        scale = min(max(2 ** (steps / _STEPS), _MIN_SCALE), _MAX_SCALE)
        return scale if scale != maps.scale else None
    return None


def _is_affordable(maps: Maps, scale: float) -> bool:
    """Whether half of the free memory holds the image at another scale."""
    area = maps.foreground.size * scale**2
    if area * _BYTES_PER_PIXEL <= hardware.free_memory() // 2:
        return True
    warnings.warn(
        f"There is too little memory to enlarge the image {scale:.1f} times for its "
        "small nuclei; cut it into pieces to find more of them.",
        stacklevel=2,
    )
    return False


def _iter_scaled(
    engine: Engine,
    config: ModelConfig,
    planes: NDArray[np.generic],
    limits: Limits,
    scale: float,
    *,
    tta: bool,
    max_area: int | None,
) -> Generator[TileDone, None, Maps]:
    """Evaluate a network on planes brought to another scale."""
    shape = planes.shape[:2]
    height, width = (max(1, round(length * scale)) for length in shape)
    if (height, width) != shape:
        check_memory((height, width))
        planes = rescale(normalise(planes, limits), (height, width))
        limits = (0.0, 1.0)
    maps = yield from iter_tiles(
        engine, config, planes, limits, tta=tta, max_area=max_area
    )
    if (height, width) != shape:
        maps = np.moveaxis(rescale(np.moveaxis(maps, 0, -1), shape), -1, 0)
    named = dict(zip(config.maps, maps, strict=True))
    return Maps(**named, scale=scale)
