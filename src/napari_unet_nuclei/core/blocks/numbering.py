"""Nuclei of all blocks get one number each, though no block knows of the others.

Numbers count on from block to block.  Only nuclei on lines between blocks are looked
at; memory holds those of few blocks at a time, and a few words for each.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.blocks.grid import overlap
from napari_unet_nuclei.core.blocks.seams import BorderNuclei, match_nuclei
from napari_unet_nuclei.core.cancellation import check_cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.blocks.grid import BlockGrid

Nucleus = tuple[int, int]
"""Index of a block, and the number of a nucleus in it."""

_LARGEST_INT32 = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Numbering:
    """Which number each nucleus of each block gets.

    Parameters
    ----------
    counts : sequence of int
        Nuclei that lie in the core of each block.
    offsets : (blocks,) ndarray of int64
        Numbers that are given before each block.
    same_as : mapping of Nucleus to Nucleus
        Nuclei that another block has found too, and which of its nuclei they are.
    erased : set of Nucleus
        Nuclei that another block, where most of them lies, does not see.
    painted : mapping of int to list of Nucleus
        Nuclei of other blocks that are painted into a block, which does not see them.
    filled : mapping of int to list of Nucleus
        Nuclei of other blocks of which a block sees another shape: they are painted
        where it has background.
    """

    counts: Sequence[int]
    offsets: NDArray[np.int64]
    same_as: dict[Nucleus, Nucleus]
    erased: set[Nucleus]
    painted: dict[int, list[Nucleus]]
    filled: dict[int, list[Nucleus]]
    _of_block: dict[int, list[int]] = field(repr=False)

    @property
    def total(self) -> int:
        """Nuclei in all."""
        return int(self.offsets[-1])

    @property
    def dtype(self) -> np.dtype[np.signedinteger]:
        """Type that holds all numbers: int32, and int64 beyond 2,147,483,647."""
        return np.dtype(np.int32 if self.total <= _LARGEST_INT32 else np.int64)

    def owned(self, index: int) -> NDArray[np.bool_]:
        """Return whether each nucleus of a block, from 1, is numbered by it."""
        is_owned = np.ones(self.counts[index], np.bool_)
        is_owned[np.asarray(self._of_block.get(index, ()), int) - 1] = False
        return is_owned

    def numbers(self, index: int) -> NDArray[np.int64]:
        """Return the number of each nucleus of a block; 0 first, for the background."""
        is_owned = self.owned(index)
        numbers = np.zeros(is_owned.size + 1, np.int64)
        numbers[1:] = np.where(is_owned, self.offsets[index] + np.cumsum(is_owned), 0)
        for number in self._of_block.get(index, ()):
            owner = self.same_as.get((index, number))
            if owner is not None and (index, number) not in self.erased:
                numbers[number] = self.number_of(owner)
        return numbers

    def number_of(self, nucleus: Nucleus) -> int:
        """Return the number of a nucleus, or of the one that it is the same as."""
        index, number = self.same_as.get(nucleus, nucleus)
        before = sum(each < number for each in self._of_block.get(index, ()))
        return int(self.offsets[index]) + number - before


def iter_numbering(
    grid: BlockGrid,
    counts: Sequence[int],
    read_border: Callable[[int], BorderNuclei],
) -> Generator[int, None, Numbering]:
    """Find out which nuclei of neighbours are one, and number all.

    Parameters
    ----------
    grid : BlockGrid
        The blocks.
    counts : sequence of int
        Nuclei that lie in the core of each.
    read_border : callable
        Gives the border nuclei of a block.

    Yields
    ------
    int
        Index of each block whose neighbours have been compared with it.

    Returns
    -------
    Numbering
        The same whatever computed the blocks, and in which order.
    """
    borders = _Borders(read_border, n_kept=2 * grid.n_columns + 3)
    union, agreed = _Union(), set[tuple[Nucleus, int]]()
    filled = defaultdict[int, list[Nucleus]](list)
    for block in grid:
        check_cancelled()
        for other in grid.neighbours(block.index):
            shared = overlap(block.view, grid.block(other).view)
            if other < block.index or shared is None:
                continue
            for match in match_nuclei(borders[block.index], borders[other], shared):
                one, same = (block.index, match.number), (other, match.other)
                union.join(one, same)
                agreed.update([(one, other), (same, block.index)])
                if not match.is_equal:
                    filled[other].append(one)
                    filled[block.index].append(same)
        yield block.index
    erased, painted = _settle_conflicts(grid, borders, agreed)
    same_as = union.same_as(erased)
    of_block = defaultdict(list)
    for index, number in sorted({*same_as, *erased}):
        of_block[index].append(number)
    owned = [n - len(of_block[index]) for index, n in enumerate(counts)]
    return Numbering(
        counts=counts,
        offsets=np.append(0, np.cumsum(owned, dtype=np.int64)),
        same_as=same_as,
        erased=erased,
        painted=painted,
        filled=dict(filled),
        _of_block=dict(of_block),
    )


def _settle_conflicts(
    grid: BlockGrid, borders: _Borders, agreed: set[tuple[Nucleus, int]]
) -> tuple[set[Nucleus], dict[int, list[Nucleus]]]:
    """Decide about nuclei that reach into a block which does not see them.

    Half a nucleus would end in a straight edge.  So it is painted whole where most of
    it lies in its own block and those that see it, and left out where it does not.
    """
    erased, painted = set[Nucleus](), defaultdict[int, list[Nucleus]](list)
    for block in grid:
        border = borders[block.index]
        lies_in = {
            index: _count(border.inside(grid.block(index).core))
            for index in (block.index, *grid.neighbours(block.index))
        }
        for number in map(int, np.unique(border.numbers)):
            nucleus = block.index, number
            pixels = {index: each.get(number, 0) for index, each in lies_in.items()}
            alone = [
                index
                for index, n_pixels in pixels.items()
                if n_pixels and index != block.index and (nucleus, index) not in agreed
            ]
            if not alone:
                continue
            if 2 * sum(pixels[index] for index in alone) <= sum(pixels.values()):
                for index in alone:
                    painted[index].append(nucleus)
            else:
                erased.add(nucleus)
    return erased, dict(painted)


def _count(border: BorderNuclei) -> dict[int, int]:
    numbers, counts = np.unique(border.numbers, return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


class _Borders:
    """Border nuclei of the blocks that were asked for last."""

    def __init__(self, read: Callable[[int], BorderNuclei], n_kept: int) -> None:
        self._read, self._n_kept = read, n_kept
        self._kept: OrderedDict[int, BorderNuclei] = OrderedDict()

    def __getitem__(self, index: int) -> BorderNuclei:
        if index not in self._kept:
            if len(self._kept) == self._n_kept:
                self._kept.popitem(last=False)
            self._kept[index] = self._read(index)
        self._kept.move_to_end(index)
        return self._kept[index]


class _Union:
    """Sets of nuclei that are one."""

    def __init__(self) -> None:
        self._parents: dict[Nucleus, Nucleus] = {}

    def join(self, one: Nucleus, other: Nucleus) -> None:
        roots = sorted((self._find(one), self._find(other)))
        self._parents[roots[1]] = self._parents[roots[0]] = roots[0]

    def same_as(self, erased: set[Nucleus]) -> dict[Nucleus, Nucleus]:
        """Say of all but the first of a set, which may not be erased, which that is."""
        first: dict[Nucleus, Nucleus] = {}
        same = {}
        for nucleus in sorted(self._parents):
            if nucleus in erased:
                continue
            root = self._find(nucleus)
            owner = first.setdefault(root, nucleus)
            if owner != nucleus:
                same[nucleus] = owner
        return same

    def _find(self, nucleus: Nucleus) -> Nucleus:
        root = nucleus
        while (parent := self._parents.get(root, root)) != root:
            root = parent
        while (parent := self._parents.get(nucleus, nucleus)) != root:
            self._parents[nucleus] = root
            nucleus = parent
        return root
