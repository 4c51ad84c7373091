from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet_nuclei.core.blocks.block_files import BlockNuclei
from napari_unet_nuclei.core.blocks.finishing import number_block
from napari_unet_nuclei.core.blocks.grid import BlockGrid, within
from napari_unet_nuclei.core.blocks.numbering import Numbering, iter_numbering
from napari_unet_nuclei.core.blocks.seams import find_border_nuclei, match_nuclei
from napari_unet_nuclei.core.progress import exhaust

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def make_grid(shape: tuple[int, int], side: int, reach: int) -> BlockGrid:
    return BlockGrid(
        shape=shape, side=side, reach=reach, margin=0, scale=Fraction(1), stride=1
    )


class Predicted:
    """Blocks whose views are cut from labels, each with numbers of its own."""

    def __init__(
        self, grid: BlockGrid, view: Callable[[int], NDArray[np.int32]]
    ) -> None:
        self.nuclei = []
        for block in grid:
            labels, core = view(block.index), within(block.core, block.view)
            is_in_core = np.zeros(labels.max(initial=0) + 1, bool)
            is_in_core[labels[core]] = True
            is_in_core[0] = False
            numbers = np.where(is_in_core, np.cumsum(is_in_core), 0).astype(np.int32)
            labels = numbers[labels]
            origin = block.view[0][0], block.view[1][0]
            self.nuclei.append(
                BlockNuclei(
                    labels=labels[core],
                    border=find_border_nuclei(labels, core, origin),
                    features={"label": np.arange(is_in_core.sum())},
                )
            )

    def read_labels(self, index: int) -> NDArray[np.int32]:
        return self.nuclei[index].labels

    def read_border(self, index: int) -> object:
        return self.nuclei[index].border


def join(
    grid: BlockGrid, view: Callable[[int], NDArray[np.int32]]
) -> tuple[NDArray[np.int64], Numbering]:
    files = Predicted(grid, view)
    counts = [each.n_nuclei for each in files.nuclei]
    numbering = exhaust(iter_numbering(grid, counts, files.read_border))  # type: ignore[arg-type]
    joined = np.zeros(grid.shape, np.int64)
    whole = ((0, grid.shape[0]), (0, grid.shape[1]))
    for block in grid:
        joined[within(block.core, whole)] = number_block(
            block,
            grid,
            files,  # type: ignore[arg-type]
            numbering,
        )
    return joined, numbering


def is_same(one: NDArray[np.integer], other: NDArray[np.integer]) -> bool:
    """Whether labels are the same up to their numbers."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    is_one_to_one = all(len(np.unique(row)) == pairs.shape[1] for row in pairs)
    return is_one_to_one and bool(((one > 0) == (other > 0)).all())


@given(
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(20, 90), st.integers(20, 90)),
    side=st.integers(15, 50),
)
@settings(max_examples=150, deadline=None)
def test_nuclei_on_lines_and_corners_become_one(
    seed: int, shape: tuple[int, int], side: int
) -> None:
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.random(shape), 1.5)
    truth, n_nuclei = ndimage.label(smooth > np.quantile(smooth, 0.7))
    # Everything is seen whole by whoever sees a part of it.
    grid = make_grid(shape, side, reach=max(shape))

    def view(index: int) -> NDArray[np.int32]:
        (top, bottom), (left, right) = grid.block(index).view
        numbers = np.append(0, rng.permutation(n_nuclei) + 1)
        return numbers[truth[top:bottom, left:right]].astype(np.int32)

    joined, numbering = join(grid, view)
    assert is_same(joined, truth)
    assert numbering.total == n_nuclei
    assert np.array_equal(np.unique(joined[joined > 0]), np.arange(n_nuclei) + 1)
    assert not numbering.erased
    assert not numbering.painted


def test_a_nucleus_longer_than_what_is_shared_is_one_all_the_same() -> None:
    truth = np.zeros((40, 200), np.int32)
    truth[10:20, 5:190] = 1
    truth[20:30, 5:190] = 2
    grid = make_grid((40, 200), side=50, reach=12)

    def view(index: int) -> NDArray[np.int32]:
        (top, bottom), (left, right) = grid.block(index).view
        return truth[top:bottom, left:right]

    joined, numbering = join(grid, view)
    assert is_same(joined, truth)
    assert numbering.total == 2


def test_nuclei_that_touch_on_a_line_stay_two() -> None:
    truth = np.zeros((60, 100), np.int32)
    truth[20:40, 35:50], truth[20:40, 50:65] = 1, 2
    grid = make_grid((60, 100), side=50, reach=25)

    def view(index: int) -> NDArray[np.int32]:
        (top, bottom), (left, right) = grid.block(index).view
        return truth[top:bottom, left:right]

    joined, _ = join(grid, view)
    assert is_same(joined, truth)


def test_where_neighbours_disagree_nothing_is_cut_straight() -> None:
    """One block sees a nucleus that most of lies in it; the other sees none."""
    y, x = np.ogrid[:60, :100]
    disc = (np.hypot(y - 30, x - 46) < 12).astype(np.int32)
    grid = make_grid((60, 100), side=50, reach=25)

    def only_left(index: int) -> NDArray[np.int32]:
        (top, bottom), (left, right) = grid.block(index).view
        part = disc[top:bottom, left:right]
        return part if index % 2 == 0 else np.zeros_like(part)

    joined, numbering = join(grid, only_left)
    assert is_same(joined, disc)
    assert numbering.total == 1
    assert any(numbering.painted.values())

    def only_right(index: int) -> NDArray[np.int32]:
        part = only_left(index - 1 if index % 2 else index + 1)
        (top, bottom), (left, right) = grid.block(index).view
        part = disc[top:bottom, left:right]
        return part if index % 2 else np.zeros_like(part)

    joined, numbering = join(grid, only_right)
    assert not joined.any(), "most of it lies where nobody sees it"
    assert numbering.total == 0
    assert numbering.erased


def test_of_two_views_that_split_otherwise_one_wins() -> None:
    """A block sees one nucleus where its neighbour sees two."""
    grid = make_grid((60, 100), side=50, reach=25)
    one = np.zeros((60, 100), np.int32)
    one[20:40, 30:64] = 1
    two = one.copy()
    two[30:40, 30:64] = 2

    def view(index: int) -> NDArray[np.int32]:
        (top, bottom), (left, right) = grid.block(index).view
        return (two if index % 2 else one)[top:bottom, left:right]

    joined, _ = join(grid, view)
    assert (joined > 0).sum() == (one > 0).sum()
    line = joined[20:40, 49:51]
    assert (line[:, 0] == line[:, 1]).sum() >= 12, "no straight edge over 8 px"


def test_numbers_are_wide_enough() -> None:
    def numbering(total: int) -> Numbering:
        return Numbering(
            counts=[1],
            offsets=np.array([0, total]),
            same_as={},
            erased=set(),
            painted={},
            filled={},
            _of_block={},
        )

    assert numbering(2**31 - 1).dtype == np.int32
    assert numbering(2**31).dtype == np.int64
    assert numbering(2**31).numbers(0).dtype == np.int64


def test_a_match_needs_half_of_the_union_within_what_is_shared() -> None:
    labels = np.zeros((10, 20), np.int32)
    labels[2:8, 4:16] = 1
    core = np.s_[0:10, 0:10]
    border = find_border_nuclei(labels, core, (0, 0))
    assert border.numbers.size == labels.sum()
    shared = ((0, 10), (0, 20))
    smaller = find_border_nuclei(labels * (np.arange(20) < 11), core, (0, 0))
    assert match_nuclei(border, smaller, shared) == [(1, 1, False)]
    smaller = find_border_nuclei(
        labels * (np.arange(20) > 9), np.s_[0:10, 8:20], (0, 0)
    )
    assert smaller.numbers.size == 0
    third = labels * (np.arange(20) >= 8) * (np.arange(20) < 12)
    part = find_border_nuclei(third, core, (0, 0))
    assert match_nuclei(border, part, shared) == []
    assert match_nuclei(border, part, ((0, 10), (8, 12))) == [(1, 1, True)]
