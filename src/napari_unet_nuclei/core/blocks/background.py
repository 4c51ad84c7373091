"""Blocks that show nothing, found in a smaller level of the image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_unet_nuclei.core.blocks.plan import RunPlan
    from napari_unet_nuclei.core.images.big_image import BigImage

_FLAT = 0.02  # of the range of intensities; noise, averaged over 8 px or more
_MOST_READ = 2**26  # px² of a smaller level
_LEAST_REDUCTION = 4  # times; with less, noise is hardly averaged


def find_background(image: BigImage, plan: RunPlan) -> tuple[int, ...]:
    """Find the blocks in whose windows a smaller level of the image is flat.

    Parameters
    ----------
    image : BigImage
        The image, with a smaller level or without.
    plan : RunPlan
        Its limits and blocks.

    Returns
    -------
    tuple of int
        Indices of blocks; none where there is no smaller level, or one of more than
        64 Mpx.
    """
    low, high = plan.limits
    if image.reduction < _LEAST_REDUCTION or not high > low:
        return ()
    if math.prod(image.shape) > _MOST_READ * image.reduction**2:
        return ()
    coarse = image.read_coarse()
    if coarse is None:
        return ()
    flat = []
    for block in plan.grid:
        rows, columns = (
            slice(start // image.reduction, -(-stop // image.reduction) + 1)
            for start, stop in block.window
        )
        seen = coarse[rows, columns].astype(np.float64)
        if seen.size and np.ptp(seen, axis=(0, 1)).max() <= _FLAT * (high - low):
            flat.append(block.index)
    return tuple(flat)
