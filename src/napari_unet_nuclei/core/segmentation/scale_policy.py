"""At which scale a network sees an image, and what decides it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.instances.diameter import confidence, estimate_diameter

if TYPE_CHECKING:
    from napari_unet_nuclei.core.instances.maps import Maps


@dataclass(frozen=True, kw_only=True)
class ScalePolicy:
    """When an image is seen at another scale, and at which.

    The defaults were measured on images that no model was trained on; how is in
    docs/experiments.md.  Diameters are in multiples of the one that is typical of the
    images the model was trained on.

    Parameters
    ----------
    small : float
        Nuclei with a diameter below this are enlarged.
    large, huge : float
        Nuclei with a diameter above ``large`` are shrunk where the network is not
        confident, those above ``huge`` always.
    confident : float in [0, 1]
        Confidence from which a network is believed about large nuclei.
    coarse_scale : float
        Scale of a first pass over blurred images: of nuclei so large that the network
        sees only their texture, it shows the whole.
    max_detail : float
        Fine detail below which an image counts as blurred, see
        :func:`~napari_unet_nuclei.core.images.intensity.fine_detail`.
    min_gain : float
        Gain in confidence from which the coarse pass replaces the one before.
    max_rescalings : int
        How often the scale is corrected after that.
    min_scale, max_scale : float
        Limits of the scale; nuclei beyond them are blurs, and dots.
    steps_per_octave : int
        Scales from one power of two to the next: few, so that noise in the estimate
        of the diameter does not change the maps.
    """

    small: float = 0.62
    large: float = 1.45
    huge: float = 2.75
    confident: float = 0.86
    coarse_scale: float = 1 / 4
    max_detail: float = 0.15
    min_gain: float = 0.05
    max_rescalings: int = 3
    min_scale: float = 1 / 16
    max_scale: float = 4.0
    steps_per_octave: int = 4

    def needs_coarse_pass(self, maps: Maps, detail: float) -> bool:
        """Whether nuclei may be too large for the network to see them as such.

        Parameters
        ----------
        maps : Maps
            Output of the network for the image as it is.
        detail : float
            Fine detail of the image, 0 for an even one.
        """
        return 0 < detail < self.max_detail and confidence(maps) < self.confident

    def prefers(self, coarse: Maps, maps: Maps) -> bool:
        """Whether the coarse pass tells more than the one before."""
        return confidence(coarse) > confidence(maps) + self.min_gain

    def better_scale(self, maps: Maps, typical: float) -> float | None:
        """Scale that brings the nuclei to their typical diameter.

        Parameters
        ----------
        maps : Maps
            Output of the network at any scale.
        typical : float, in px
            Diameter that the model knows.

        Returns
        -------
        float, or None
            ``None`` where another scale would not help, or there are no nuclei.
        """
        diameter = estimate_diameter(maps)
        if diameter is None:
            return None
        seen_as = diameter * maps.scale / typical
        is_too_large = seen_as > self.huge or (
            seen_as > self.large and confidence(maps) < self.confident
        )
        if seen_as >= self.small and not is_too_large:
            return None
        steps = round(self.steps_per_octave * math.log2(typical / diameter))
        scale = 2 ** (steps / self.steps_per_octave)
        scale = min(max(scale, self.min_scale), self.max_scale)
        return scale if scale != maps.scale else None


DEFAULT_SCALE_POLICY = ScalePolicy()
