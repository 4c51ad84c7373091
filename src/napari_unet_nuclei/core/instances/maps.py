"""The maps a network makes of an image, and the thresholds that split them.

How one becomes nuclei belongs in :mod:`~napari_unet_nuclei.core.instances.splitting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CONFIDENT = 1.5  # times the smallest confidence; measured as the threshold was


class Maps(NamedTuple):
    """What a network predicts for each pixel.

    Parameters
    ----------
    foreground : (Y, X) ndarray of float32, values in [0, 1]
        Probability of belonging to a nucleus.
    boundary : (Y, X) ndarray of float32, values in [0, 1], optional
        Probability of lying between two nuclei that touch.
    distance : (Y, X) ndarray of float32, values in [0, 1], optional
        Depth inside the nucleus, 1 at its centre.  A network that knows only the
        foreground has none; the shape of the foreground then gives it.
    scale : float
        How much larger the network saw the image than it is.
    signal : Stain
        What of the image it saw: a dye or a channel alone, or with ``Stain.NONE`` the
        image as it is.
    darkness : tuple of (Y, X) ndarray of uint8
        What nuclei of stained tissue have more of than their surroundings; empty for
        other images.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_unet_nuclei import load_model
    >>> maps = load_model("classic").maps(np.zeros((64, 64), np.uint8))
    >>> [array.shape for array in maps.arrays]
    [(64, 64), (64, 64), (64, 64)]
    >>> bool(maps.foreground.max() < 0.5)
    True
    """

    foreground: NDArray[np.float32]
    boundary: NDArray[np.float32] | None = None
    distance: NDArray[np.float32] | None = None
    scale: float = 1.0
    signal: Stain = Stain.NONE
    darkness: tuple[NDArray[np.uint8], ...] = ()

    @property
    def arrays(self) -> tuple[NDArray[np.float32], ...]:
        """The maps there are, (Y, X) each."""
        each = self.foreground, self.boundary, self.distance
        return tuple(array for array in each if array is not None)


@dataclass(frozen=True, kw_only=True)
class SplittingParameters:
    """What a model's training found best for splitting its maps.

    Parameters
    ----------
    threshold : float in (0, 1)
        Foreground probability above which a pixel belongs to a nucleus.
    seed_threshold : float in (0, 1)
        Depth above which a pixel belongs to the seed of a nucleus; each seed
        becomes one nucleus.
    min_confidence : float in [0, 1)
        How confident a network must be.  On as many pixels as half of the smallest
        nucleus, at most 15, the foreground probability must lie 1.5 times this part
        of the way from the threshold to 1; dim blurs that only just pass the
        threshold are dropped.
    """

    threshold: float = 0.5
    seed_threshold: float = 0.5
    min_confidence: float = 0.2

    def confident_from(self, threshold: float) -> float:
        """Return the foreground probability from which a network is confident."""
        # Half of a nucleus lies above so much where its mean lies above the minimum.
        return threshold + min(1.0, _CONFIDENT * self.min_confidence) * (1 - threshold)

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
