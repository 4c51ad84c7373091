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
        Nuclei with a diameter below this are enlarged,
    believable : float in [0, 1]
        unless the confidence is below this: specks of noise look like tiny nuclei.
    large, huge : float
        Nuclei with a diameter above ``large`` are shrunk where the network is not
        confident, those above ``huge`` always.
    confident : float in [0, 1]
        Confidence from which a network is believed about large nuclei.
    coarse_scales : tuple of float
        Scales of coarse passes: of nuclei so large that the network sees only their
        texture, they show the whole.
    max_detail : float
        Fine detail below which an image counts as blurred, see
        :func:`~napari_unet_nuclei.core.images.intensity.fine_detail`.
    doubtful : float in [0, 1]
        Confidence below which a sharp image gets coarse passes too, and a blurred one
        more than the first.
    min_gain, large_gain : float
        Gain in confidence from which a coarse pass replaces the one before: the first
        over a blurred image, and any other.  A sharp image may show small nuclei, of
        which a coarse pass sees clumps.
    recognised : float
        Factor within which nuclei are as large as in the images that a model was tuned
        on, so that the scale of those suits.
    max_rescalings : int
        How often the scale is corrected after that.
    min_scale, max_scale : float
        Limits of the scale; nuclei beyond them are blurs, and dots.
    steps_per_octave : int
        Scales from one power of two to the next: few, so that noise in the estimate
        of the diameter does not change the maps.
    """

    small: float = 0.62
    believable: float = 0.5
    large: float = 1.45
    huge: float = 2.75
    confident: float = 0.86
    coarse_scales: tuple[float, ...] = (1 / 4, 1 / 8)
    max_detail: float = 0.15
    doubtful: float = 0.6
    min_gain: float = 0.05
    large_gain: float = 0.15
    recognised: float = 1.4
    max_rescalings: int = 3
    min_scale: float = 1 / 16
    max_scale: float = 4.0
    steps_per_octave: int = 4

    def recognises(self, maps: Maps, diameter: float) -> bool:
        """Whether an image shows nuclei as large as those that a model was tuned on.

        Parameters
        ----------
        maps : Maps
            Output of the network at the scale of the images it was tuned on.
        diameter : float, in px
            Diameter in the images that it was tuned on, as they are.

        Returns
        -------
        bool
            True too where there are too few nuclei to tell.
        """
        found = estimate_diameter(maps)
        if found is None:
            return True
        return 1 / self.recognised <= found / diameter <= self.recognised

    def needs_coarse_pass(self, maps: Maps, scale: float, detail: float) -> bool:
        """Whether nuclei may be too large for the network to see them as such.

        Parameters
        ----------
        maps : Maps
            Output of the network for the best pass so far.
        scale : float
            One of `coarse_scales`.
        detail : float
            Fine detail of the image, 0 for an even one.
        """
        confident = confidence(maps)
        if self._shows_no_clumps(scale, detail):
            return confident < self.confident
        return detail > 0 and 0 < confident < self.doubtful

    def prefers(self, coarse: Maps, maps: Maps, detail: float) -> bool:
        """Whether a coarse pass tells more than the best one so far.

        Parameters
        ----------
        coarse, maps : Maps
            Output of the network for both passes.
        detail : float
            Fine detail of the image.
        """
        is_safe = self._shows_no_clumps(coarse.scale, detail)
        gain = self.min_gain if is_safe else self.large_gain
        return confidence(coarse) > confidence(maps) + gain

    def _shows_no_clumps(self, scale: float, detail: float) -> bool:
        """Whether nothing of a blurred image is lost at a scale."""
        return scale == self.coarse_scales[0] and 0 < detail < self.max_detail

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
        confident = confidence(maps)
        is_too_small = seen_as < self.small and confident >= self.believable
        is_too_large = seen_as > self.huge or (
            seen_as > self.large and confident < self.confident
        )
        if not (is_too_small or is_too_large):
            return None
        steps = round(self.steps_per_octave * math.log2(typical / diameter))
        scale = 2 ** (steps / self.steps_per_octave)
        scale = min(max(scale, self.min_scale), self.max_scale)
        return scale if scale != maps.scale else None


DEFAULT_SCALE_POLICY = ScalePolicy()
