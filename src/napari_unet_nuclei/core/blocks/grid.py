"""Where the blocks of an image lie, and what of their surroundings each of them sees.

Geometry only: no pixels are read here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Span = tuple[int, int]
Box = tuple[Span, Span]
"""First and one past the last row, and the same of columns, in px of the image."""

_TILE_SIDES = 64  # px; what the sides of padded tiles are multiples of
_STEPS_PER_OCTAVE = 4


@dataclass(frozen=True)
class Block:
    """One piece of work.

    Parameters
    ----------
    index : int
        Row by row, from 0.
    core : Box
        Pixels that the block is responsible for; those of all blocks are the image.
    view : Box
        Pixels in which it finds nuclei: the core and what it shares with neighbours.
    window : Box
        Pixels that it reads, so that the network sees all of the view in full.
    """

    index: int
    core: Box
    view: Box
    window: Box


@dataclass(frozen=True, kw_only=True)
class BlockGrid:
    """Blocks of one size, which begin at multiples of it.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image, in px.
    side : int, in px
        Side of the cores; those at the bottom and on the right are smaller.
    reach : int, in px
        How far a view goes beyond its core.
    margin : int, in px
        How far the network sees, in pixels of the image.
    scale : Fraction
        How much larger the network sees the image than it is.
    stride : int, in px
        Stride of the network.

    Examples
    --------
    >>> grid = BlockGrid(
    ...     shape=(3000, 2000), side=2048, reach=60, margin=120,
    ...     scale=Fraction(1), stride=16,
    ... )
    >>> len(grid), grid.block(1).core
    (2, ((2048, 3000), (0, 2000)))
    >>> grid.block(0).view
    ((0, 2108), (0, 2000))
    """

    shape: tuple[int, int]
    side: int
    reach: int
    margin: int
    scale: Fraction
    stride: int

    @property
    def n_rows(self) -> int:
        """Blocks from top to bottom."""
        return -(-self.shape[0] // self.side)

    @property
    def n_columns(self) -> int:
        """Blocks from left to right."""
        return -(-self.shape[1] // self.side)

    def __len__(self) -> int:
        return self.n_rows * self.n_columns

    def __iter__(self) -> Iterator[Block]:
        return (self.block(index) for index in range(len(self)))

    def block(self, index: int) -> Block:
        """Return the block of this index."""
        place = divmod(index, self.n_columns)
        core = tuple(
            (number * self.side, min((number + 1) * self.side, length))
            for number, length in zip(place, self.shape, strict=True)
        )
        view = tuple(
            (max(0, start - self.reach), min(length, stop + self.reach))
            for (start, stop), length in zip(core, self.shape, strict=True)
        )
        window = tuple(
            self._read(span, length)
            for span, length in zip(view, self.shape, strict=True)
        )
        return Block(index, core, view, window)  # type: ignore[arg-type]

    def neighbours(self, index: int) -> list[int]:
        """Return the blocks around one, in order: those that share a side or corner."""
        row, column = divmod(index, self.n_columns)
        return [
            y * self.n_columns + x
            for y in range(max(0, row - 1), min(self.n_rows, row + 2))
            for x in range(max(0, column - 1), min(self.n_columns, column + 2))
            if (y, x) != (row, column)
        ]

    def _read(self, view: Span, length: int) -> Span:
        """Extend a view so that the network sees what it would in the whole image."""
        fine = alignment(self.scale, self.stride)
        coarse = alignment(self.scale, math.lcm(self.stride, _TILE_SIDES))
        stop = view[1] + self.margin
        is_last = stop >= length
        # What is padded at the end of an image depends on where its last tile begins.
        step = coarse if is_last else fine
        start = max(0, view[0] - self.margin) // step * step
        return start, min(length, start - (start - stop) // coarse * coarse)


def alignment(scale: Fraction, multiple: int) -> int:
    """Return the step in px of an image that is a multiple of px that a network sees.

    Parameters
    ----------
    scale : Fraction
        How much larger the network sees the image.
    multiple : int, in px
        What the step is a multiple of, as the network sees it.

    Returns
    -------
    int, in px
        The smallest there is.

    Examples
    --------
    >>> alignment(Fraction(3, 4), 16)
    64
    """
    return multiple * scale.denominator // math.gcd(multiple, scale.numerator)


def nearest_scale(scale: float) -> Fraction:
    """Return the scale next to one at which blocks begin at whole pixels.

    Parameters
    ----------
    scale : float
        Any scale.

    Returns
    -------
    Fraction
        4, 5, 6 or 7 quarters of a power of two, at most 12 % away.

    Examples
    --------
    >>> nearest_scale(0.59), nearest_scale(1.02)
    (Fraction(5, 8), Fraction(1, 1))
    """
    octave = math.floor(math.log2(scale))
    candidates = [
        Fraction(_STEPS_PER_OCTAVE + step, _STEPS_PER_OCTAVE)
        * Fraction(2) ** (octave + up)
        for up in (0, 1)
        for step in range(_STEPS_PER_OCTAVE)
    ]
    return min(candidates, key=lambda each: abs(math.log(float(each) / scale)))


def overlap(one: Box, other: Box) -> Box | None:
    """Return what two boxes share; ``None`` where that is nothing."""
    shared = tuple(
        (max(a[0], b[0]), min(a[1], b[1])) for a, b in zip(one, other, strict=True)
    )
    if any(stop <= start for start, stop in shared):
        return None
    return shared  # type: ignore[return-value]


def within(box: Box, outer: Box) -> tuple[slice, slice]:
    """Return where a box lies in another, as an index into its pixels."""
    rows, columns = (
        slice(span[0] - around[0], span[1] - around[0])
        for span, around in zip(box, outer, strict=True)
    )
    return rows, columns
