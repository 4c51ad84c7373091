"""Which signal of an image a network sees, and what decides it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.images.nuclear_signal import CHANNELS
from napari_unet_nuclei.core.instances.diameter import confidence, estimate_diameter
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_unet_nuclei.core.instances.maps import Maps

_FOREGROUND = 0.5  # probability


@dataclass(frozen=True, kw_only=True)
class SignalPolicy:
    """When a network sees a dye or a channel of an image instead of all its colours.

    Both gains depend on what a model was trained on; how the defaults were found is in
    docs/experiments.md.

    Parameters
    ----------
    min_gain_of_dye : float
        Gain in confidence from which the nuclear dye of a stained image is taken.
    min_nuclei_of_dye : float
        Nuclei that it must show: the confidence in a few says too little.
    min_gain_of_channel : float
        Gain in confidence from which a channel of a fluorescence image is taken.
    max_probe_area : int, in px²
        Images up to this area are probed as a whole, larger ones in a window.
    window_side : int, in px
        Side of that window.
    """

    min_gain_of_dye: float = 0.05
    min_nuclei_of_dye: float = 10
    min_gain_of_channel: float = 0.05
    max_probe_area: int = 2**19
    window_side: int = 512

    def probes_whole(self, shape: tuple[int, int]) -> bool:
        """Whether an image of this height and width is probed as a whole."""
        return math.prod(shape) <= self.max_probe_area

    def choose(self, probes: Mapping[Stain, Maps]) -> Stain:
        """Choose the signal of which the network is most confident.

        Parameters
        ----------
        probes : mapping of Stain to Maps
            Output of the network for each signal, and for ``Stain.NONE``.

        Returns
        -------
        Stain
            ``Stain.NONE`` unless another shows nuclei with so much more confidence.
        """
        shown = [
            stain
            for stain, maps in probes.items()
            if stain is not Stain.NONE and self._shows_nuclei(stain, maps)
        ]
        if not shown:
            return Stain.NONE
        best = max(shown, key=lambda stain: confidence(probes[stain]))
        is_channel = best in CHANNELS
        min_gain = self.min_gain_of_channel if is_channel else self.min_gain_of_dye
        gain = confidence(probes[best]) - confidence(probes[Stain.NONE])
        return best if gain > min_gain else Stain.NONE

    def _shows_nuclei(self, stain: Stain, maps: Maps) -> bool:
        diameter = estimate_diameter(maps)
        if diameter is None:
            return False
        area = np.count_nonzero(maps.foreground > _FOREGROUND)
        n_nuclei = area / (np.pi / 4 * diameter**2)
        return stain in CHANNELS or bool(n_nuclei >= self.min_nuclei_of_dye)


DEFAULT_SIGNAL_POLICY = SignalPolicy()
