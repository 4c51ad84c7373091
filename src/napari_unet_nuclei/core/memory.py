"""Memory that segmenting takes, and what the computer has of it."""

from __future__ import annotations

import math
import warnings

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError

_BYTES_PER_PIXEL = 28  # of a plane the network sees, or that is split
_BYTES_PER_LABEL = 4


def check_memory(shape: tuple[int, ...], n_planes: int = 1) -> None:
    """Refuse what would end the process, warn of what would slow the computer down.

    Parameters
    ----------
    shape : (height, width), in px
        Of a plane.
    n_planes : int
        Planes whose labels are kept.

    Raises
    ------
    ImageError
        If segmenting takes more memory than the computer has.
    """
    size = math.prod(shape) * (_BYTES_PER_PIXEL + n_planes * _BYTES_PER_LABEL)
    total, free = hardware.total_memory(), hardware.free_memory()
    planes = f"{n_planes} planes of " if n_planes > 1 else ""
    needs = f"{planes}{'x'.join(map(str, shape))} px, about {size / 1e9:.1f} GB"
    if size > total:
        raise ImageError(
            f"Expected an image that fits into memory. Received: {needs} to segment, "
            f"where this computer has {total / 1e9:.1f} GB. Cut it into pieces."
        )
    if size > free:
        warnings.warn(
            f"There may be too little memory to segment {needs}, of which "
            f"{free / 1e9:.1f} GB are free; close other programs if it gets slow.",
            stacklevel=2,
        )


def n_planes_at_once(shape: tuple[int, ...]) -> int:
    """Planes to split at once: one a processor, as far as the memory goes.

    Parameters
    ----------
    shape : (height, width), in px
        Of a plane.

    Returns
    -------
    int
        At least one.
    """
    size = _BYTES_PER_PIXEL * max(1, math.prod(shape))
    return max(1, min(hardware.n_processors(), hardware.free_memory() // size))
