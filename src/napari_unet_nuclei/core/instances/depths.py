"""Depths inside nuclei, kept while the same maps are split again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.instances.splitting import depth_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps

MOST_PIXELS = 1 << 24
"""Pixels of all planes of which depths are kept: 64 MB."""


class KeptDepths:
    """The depth of each plane, found when it is first asked for.

    Parameters
    ----------
    maps : sequence of Maps
        One for each plane.
    """

    def __init__(self, maps: Sequence[Maps]) -> None:
        self._maps = maps
        is_small = sum(each.foreground.size for each in maps) <= MOST_PIXELS
        self._are_kept = is_small and all(each.distance is not None for each in maps)
        self._known: dict[int, NDArray[np.float32]] = {}

    def of(self, number: int) -> NDArray[np.float32] | None:
        """Return the depth of a plane.

        Parameters
        ----------
        number : int
            Number of the plane, from 0.

        Returns
        -------
        (Y, X) ndarray of float32, optional
            As `depth_of`; ``None`` where it depends on the threshold, or would take too
            much memory.
        """
        if not self._are_kept:
            return None
        if number not in self._known:
            self._known[number] = depth_of(self._maps[number])
        return self._known[number]
