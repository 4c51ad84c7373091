"""What a segmentation returns beside its labels: how the network saw each plane.

What is doubtful about that belongs in
:mod:`~napari_unet_nuclei.core.segmentation.plausibility`.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.instances.diameter import confidence
from napari_unet_nuclei.core.segmentation.plausibility import (
    Doubt,
    doubt_nothing_found,
    find_doubts,
)
from napari_unet_nuclei.core.segmentation.stack_maps import StackMaps
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.instances.maps import Maps


@dataclass(frozen=True, kw_only=True, eq=False)
class Segmentation:
    """The nuclei of an image or a stack, and how they were seen.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of int32
        Nuclei numbered from 1, 0 = background; no number occurs in two planes, unless
        nuclei were linked.
    scales : tuple of float
        How much larger the network saw each plane than it is.
    signals : tuple of Stain
        What of each plane the network saw, see
        :class:`~napari_unet_nuclei.core.instances.maps.Maps`.
    maps : list of Maps
        One for each plane; empty where they were not to be kept.
    seconds : float
        Time until the network had seen all planes.
    confidence : float in [0, 1]
        How confident the network was, in the median of the planes where it saw
        anything; 0 where it saw nothing.
    doubts : tuple of Doubt
        What should be checked, if anything.
    """

    labels: NDArray[np.int32]
    scales: tuple[float, ...]
    signals: tuple[Stain, ...]
    maps: list[Maps]
    seconds: float
    confidence: float
    doubts: tuple[Doubt, ...]

    @property
    def signal(self) -> Stain:
        """What of most planes the network saw."""
        return max(self.signals, key=self.signals.count, default=Stain.NONE)


class SeenPlanes:
    """Remembers how each plane was seen, and its maps if they are to be kept.

    Parameters
    ----------
    n_planes : int
        Planes there will be.
    keeps_maps : bool
        Whether the maps are remembered too.
    """

    def __init__(self, n_planes: int, *, keeps_maps: bool) -> None:
        self._scales: list[float] = []
        self._signals: list[Stain] = []
        self._confidences: list[float] = []
        self._drops_pale = False
        self._maps = StackMaps(n_planes) if keeps_maps else None

    def append(self, maps: Maps) -> None:
        """Remember the maps of the next plane.

        Parameters
        ----------
        maps : Maps
            Output of the network.

        Raises
        ------
        ImageError
            If they are to be kept, and neither memory nor disk has room for them.
        """
        self._scales.append(maps.scale)
        self._signals.append(maps.signal)
        self._confidences.append(confidence(maps))
        self._drops_pale |= bool(maps.darkness)
        if self._maps is not None:
            self._maps.append(maps)

    def to_segmentation(
        self, labels: NDArray[np.int32], stack: PlaneStack, seconds: float
    ) -> Segmentation:
        """Return the nuclei of all planes with what there is to say about them.

        Parameters
        ----------
        labels : (…, Y, X) ndarray of int32
            Nuclei of all planes.
        stack : PlaneStack
            What they were found in.
        seconds : float
            Time until the network had seen all planes.

        Returns
        -------
        Segmentation
            With doubts, where something should be checked.
        """
        confident = median([each for each in self._confidences if each > 0] or [0.0])
        doubts = find_doubts(labels, self._scales, confident)
        if not labels.any():
            doubts = doubt_nothing_found(stack, drops_pale=self._drops_pale)
        return Segmentation(
            labels=labels,
            scales=tuple(self._scales),
            signals=tuple(self._signals),
            maps=[] if self._maps is None else self._maps.to_list(),
            seconds=seconds,
            confidence=confident,
            doubts=doubts,
        )
