from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.instances import runs as runs_module
from napari_unet_nuclei.core.instances.runs import expand, label_runs, paint

if TYPE_CHECKING:
    from typing import Any

SPIRAL = np.array(
    [
        [1, 1, 1, 1, 1, 1, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [1, 1, 1, 1, 1, 0, 1],
        [1, 0, 0, 0, 1, 0, 1],
        [1, 0, 1, 1, 1, 0, 1],
        [1, 0, 0, 0, 0, 0, 1],
        [1, 1, 1, 1, 1, 1, 1],
    ],
    bool,
)
masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20))


@given(mask=masks)
@settings(deadline=None)
@example(mask=np.ones((3, 4), bool))
@example(mask=np.zeros((3, 4), bool))
@example(mask=SPIRAL)
@example(mask=SPIRAL[::-1])
def test_numbers_are_those_of_labelling_the_pixels(mask: Any) -> None:
    runs = label_runs(mask)
    expected, _ = ndimage.label(mask)
    painted = paint(runs, runs.numbers, mask.shape)
    assert painted.dtype == np.int32
    np.testing.assert_array_equal(painted, expected)


@pytest.mark.parametrize("area", [1, 16, 2**20])
def test_runs_are_found_block_by_block(
    area: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "BLOCK_AREA", area)
    runs = label_runs(SPIRAL)
    assert runs.numbers.tolist() == [1] * runs.starts.size
    np.testing.assert_array_equal(
        expand(runs.starts, runs.lengths), np.flatnonzero(SPIRAL)
    )


@given(mask=masks)
@settings(deadline=None)
def test_runs_are_as_long_as_they_can_be_and_end_with_their_row(mask: Any) -> None:
    runs = label_runs(mask)
    width = mask.shape[1]
    pixels = expand(runs.starts, runs.lengths)
    np.testing.assert_array_equal(pixels, np.flatnonzero(mask))
    np.testing.assert_array_equal(
        runs.starts // width, (runs.starts + runs.lengths - 1) // width
    )
    # A run that could be longer would be two.
    per_row = np.bincount(runs.starts // width, minlength=len(mask))
    changes = np.diff(mask.astype(int), axis=1, prepend=0) == 1
    np.testing.assert_array_equal(per_row, changes.sum(axis=1))


@given(mask=masks.filter(np.any))
@settings(deadline=None)
def test_every_pixel_is_found_in_its_run(mask: Any) -> None:
    runs = label_runs(mask)
    expected = np.repeat(np.arange(runs.starts.size), runs.lengths)
    np.testing.assert_array_equal(runs.around(np.flatnonzero(mask)), expected)


def test_some_runs_are_chosen() -> None:
    runs = label_runs(SPIRAL)
    long = runs.chosen(runs.lengths > 3)
    np.testing.assert_array_equal(long.starts, [0, 14, 42])
    np.testing.assert_array_equal(long.lengths, [7, 5, 7])
    assert long.numbers.tolist() == [1, 1, 1]


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_layout_in_memory_does_not_matter(order: str) -> None:
    mask = np.array(SPIRAL, order=order)[:, 1:]
    runs = label_runs(mask)
    np.testing.assert_array_equal(
        paint(runs, runs.numbers, mask.shape), ndimage.label(mask)[0]
    )


def test_each_run_gets_its_value() -> None:
    mask = np.array([[1, 1, 0], [1, 0, 1]], bool)
    painted = paint(label_runs(mask), np.array([7, -2, 9], np.int32), (2, 3))
    np.testing.assert_array_equal(painted, [[7, 7, 0], [-2, 0, 9]])


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), max_size=9))
@settings(deadline=None)
def test_ranges_are_expanded(ranges: Any) -> None:
    starts, lengths = np.array(ranges, np.intp).reshape(-1, 2).T
    expected = [n for start, length in ranges for n in range(start, start + length)]
    np.testing.assert_array_equal(expand(starts, lengths), expected)


def test_a_foreground_too_scattered_for_a_container_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hardware, "free_memory", lambda: 10**7)
    monkeypatch.setattr(hardware, "is_memory_limited", lambda: True)
    chequered = np.indices((1000, 1200)).sum(axis=0) % 2 == 0
    with pytest.raises(ImageError, match=r"scattered a foreground takes 0\.1 GB"):
        label_runs(chequered)


@pytest.mark.parametrize("area", [1, 7, 64, 10_000])
def test_blocks_are_painted_as_if_all_were_one(
    monkeypatch: pytest.MonkeyPatch, area: int
) -> None:
    mask = np.random.default_rng(0).random((40, 30)) < 0.6
    monkeypatch.setattr(runs_module, "BLOCK_AREA", area)
    runs = label_runs(mask)
    expected = ndimage.label(mask)[0]
    np.testing.assert_array_equal(paint(runs, runs.numbers, mask.shape), expected)


def test_other_threads_go_on_while_labels_are_painted() -> None:
    mask = np.zeros((4096, 8192), np.bool_)
    mask[::64, 1:-1] = True
    runs = label_runs(mask)
    beats = [time.perf_counter()]
    with ThreadPoolExecutor(1) as executor:
        painting = executor.submit(paint, runs, runs.numbers, mask.shape)
        while not painting.done():
            time.sleep(0.001)
            beats.append(time.perf_counter())
    assert len(beats) > 4  # in one go it is 2
