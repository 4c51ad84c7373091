"""What makes the outlines of neighbouring planes one nucleus: numbers, no pixels.

The numbers were chosen on drawn volumes and movies, of other seeds than those that
``benchmarks/linking.py`` and ``benchmarks/tracking.py`` draw.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_unet_nuclei.core.errors import SettingsError

IGNORED_PART = 0.1
"""Part of the planes of a typical nucleus that may be found wrong in a row."""

CLEAR_WAIST = 0.6
"""A waist that tells in chains of any length that there are several nuclei."""

_FEWEST_PART = 0.25  # of the planes of a typical nucleus


@dataclass(frozen=True, kw_only=True)
class LinkRule:
    """When outlines in neighbouring planes belong to one nucleus.

    Parameters
    ----------
    min_overlap : float in (0, 1]
        Part of the smaller outline that both must share.
    waist : float in [0, 1)
        A chain of planes is cut where it gets narrower than this part of its widest
        planes on either side; 0 cuts none.
    min_planes : int, optional
        Nuclei in fewer planes are dropped, unless one of them is the first or the last
        of the stack, beyond which they may go on.  By default a quarter of those that
        nuclei typically stand in, and two at least.
    spacing : float, optional
        Distance between planes, in pixels; where it is known, nuclei are taken to be no
        deeper than they are wide.
    drops_border : bool
        Whether nuclei that the border of any of their planes cuts are dropped.
    divides : bool
        Whether a nucleus may end in two, which then get numbers of their own.

    Raises
    ------
    SettingsError
        If a number is out of range.

    Examples
    --------
    >>> LinkRule().fewest_planes(typical=12)
    3
    """

    min_overlap: float = 0.5
    waist: float = 0.75
    min_planes: int | None = None
    spacing: float | None = None
    drops_border: bool = False
    divides: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.min_overlap <= 1 or not 0 <= self.waist < 1:
            raise SettingsError(
                "The overlap must lie above 0 and not above 1, the waist between 0 and "
                f"1. Received: min_overlap={self.min_overlap}, waist={self.waist}."
            )
        if self.min_planes is not None and self.min_planes < 1:
            raise SettingsError(
                "The smallest number of planes must be 1 or more. Received: "
                "{min_planes}",
                min_planes=self.min_planes,
            )
        if self.spacing is not None and not 0 < self.spacing < math.inf:
            raise SettingsError(
                "The distance between planes must be above 0. Received: "
                f"spacing={self.spacing}."
            )

    def fewest_planes(self, typical: float) -> int:
        """Return in how many planes a nucleus must stand.

        Parameters
        ----------
        typical : float
            In how many planes nuclei typically stand.
        """
        if self.min_planes is not None:
            return self.min_planes
        return max(2, math.ceil(_FEWEST_PART * typical))


THROUGH_TIME = LinkRule(min_overlap=0.1, waist=0, min_planes=1, divides=True)
"""A nucleus that moves shares little, has no waist, may be seen once, may divide."""
