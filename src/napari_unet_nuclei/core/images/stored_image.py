"""What a file holds: its pixels, and what it says about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.images.calibration import Calibration

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class StoredImage:
    """What a file holds: pixels, and what it says about them.

    Parameters
    ----------
    pixels : (Y, X), (Y, X, 3 or 4) or (…, Y, X) ndarray of bool, int or float
        Dtype as stored.
    axes : str, optional
        What the axes mean, such as ``"ZCYX"``, where the file says so.  C are channels
        of their own, S (the last axis) the colours of a pixel.
    calibration : Calibration
        Pixel sizes and units, as far as the file gives them.
    notes : tuple of str
        Sentences for the user, such as what of the file was not read.
    channels : tuple of str
        Names of the channels, where the file gives them.
    """

    pixels: NDArray[Any]
    axes: str | None = None
    calibration: Calibration = field(default_factory=Calibration)
    notes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
