"""Masks one should look at before training on them.

Odd masks are found by comparing the masks of one image.  Reading masks belongs to
``masks``, all else about an image to ``inspection``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from napari_unet_nuclei.core.insights.masks import Box, Mask

TINY, HUGE = 0.05, 10.0
"""Areas, relative to the median of the image, below and above which one is odd."""

FULL = 0.9
"""Part of the image above which a mask covers nearly all of it."""

_FEWEST_NUCLEI = 5  # a median of fewer says little
_SQUARE = np.ones((3, 3), bool)  # pixels are neighbours across corners too


class Suspicion(StrEnum):
    """What is odd about a mask."""

    EMPTY = "empty"
    FULL = "nearly all the image"
    HUGE = "huge"
    TINY = "tiny"
    BORDER = "only on the border"
    OVERLAP = "overlapping"
    PIECES = "in several pieces"
    HOLES = "with holes"


@dataclass(frozen=True, kw_only=True)
class SuspiciousMask:
    """A mask one should look at before training.

    Parameters
    ----------
    sample_id, mask : str
        Name of the sample, and of the mask file or the label in it.
    reason : Suspicion
        What is odd.
    evidence : str
        The numbers behind it.
    severity : float
        The larger, the odder; comparable among masks with the same reason.
    """

    sample_id: str
    mask: str
    reason: Suspicion
    evidence: str
    severity: float


class MaskInspector:
    """Looks at the masks of one image, each of which is seen only once.

    Parameters
    ----------
    sample_id : str
        Name of the sample.
    shape : (int, int)
        Height and width of the image.
    """

    def __init__(self, sample_id: str, shape: tuple[int, ...]) -> None:
        self._sample_id = sample_id
        self._shape = shape
        self._owners = np.zeros(self._shape, np.int32)  # first mask, from 1
        self._names: list[str] = []
        self._suspicious: list[SuspiciousMask] = []
        self._drawn: list[tuple[str, Box, int]] = []  # not the empty ones

    @property
    def areas(self) -> list[int]:
        """Areas of the masks as drawn, without the empty ones, in px²."""
        return [area for *_, area in self._drawn]

    def add(self, mask: Mask) -> None:
        """Take up the next mask.

        Parameters
        ----------
        mask : Mask
            Not needed afterwards.
        """
        self._names.append(mask.name)
        area = int(np.count_nonzero(mask.pixels))
        if not area:
            self._note(mask.name, Suspicion.EMPTY, "no pixel", 0)
            return
        self._drawn.append((mask.name, mask.box, area))
        self._note_overlap(mask)
        pieces, n_pieces = ndimage.label(mask.pixels, _SQUARE)
        if n_pieces > 1:
            sizes = np.sort(np.bincount(pieces.ravel())[1:])
            evidence = f"{n_pieces} pieces, the second of {sizes[-2]} px²"
            self._note(mask.name, Suspicion.PIECES, evidence, int(sizes[-2]))
        filled = int(np.count_nonzero(ndimage.binary_fill_holes(mask.pixels)))
        if filled > area:
            evidence = f"{filled - area} px² of holes in {area} px²"
            self._note(mask.name, Suspicion.HOLES, evidence, filled - area)

    def find_suspicious(self) -> tuple[SuspiciousMask, ...]:
        """Return the masks that are odd, for themselves or among the others.

        Returns
        -------
        tuple of SuspiciousMask
            One for each mask and reason.
        """
        median = float(np.median(self.areas or [0]))
        checked = (
            self._check(name, box, area, median) for name, box, area in self._drawn
        )
        return (*self._suspicious, *(odd for odd in checked if odd is not None))

    def _check(
        self, name: str, box: Box, area: int, median: float
    ) -> SuspiciousMask | None:
        """Check a mask by its place and by its area among the others."""
        part = area / (self._shape[0] * self._shape[1])
        compared = f"{area} px², median of the image {median:.0f} px²"
        touches, lies_on = _at_border(box, self._shape)
        if part > FULL:
            return self._suspect(name, Suspicion.FULL, f"{part:.1%} of the image", part)
        if lies_on:
            return self._suspect(name, Suspicion.BORDER, f"{area} px²", area)
        if len(self._drawn) < _FEWEST_NUCLEI:
            return None
        if area > HUGE * median:
            return self._suspect(name, Suspicion.HUGE, compared, area / median)
        if area < TINY * median and not touches:
            return self._suspect(name, Suspicion.TINY, compared, median / area)
        return None

    def _note_overlap(self, mask: Mask) -> None:
        owners = self._owners[mask.box]
        shared = owners[mask.pixels]
        n_shared = int(np.count_nonzero(shared))
        if n_shared:
            others = np.unique(shared[shared > 0])
            more = f" and {others.size - 1} more" if others.size > 1 else ""
            evidence = f"{n_shared} px² shared with {self._names[others[0] - 1]}{more}"
            self._note(mask.name, Suspicion.OVERLAP, evidence, n_shared)
        owners[mask.pixels & (owners == 0)] = len(self._names)

    def _note(
        self, mask: str, reason: Suspicion, evidence: str, severity: float
    ) -> None:
        self._suspicious.append(self._suspect(mask, reason, evidence, severity))

    def _suspect(
        self, mask: str, reason: Suspicion, evidence: str, severity: float
    ) -> SuspiciousMask:
        return SuspiciousMask(
            sample_id=self._sample_id,
            mask=mask,
            reason=reason,
            evidence=evidence,
            severity=severity,
        )


def _at_border(box: Box, shape: tuple[int, ...]) -> tuple[bool, bool]:
    """Say whether a nucleus touches the border, and whether it lies on it alone."""
    touches, lies_on = False, False
    for side, length in zip(box, shape, strict=True):
        at_side = side.start == 0 or side.stop == length
        is_line = side.stop - side.start == 1 and length > 1
        touches |= at_side
        lies_on |= at_side and is_line
    return touches, lies_on
