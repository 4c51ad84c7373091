"""What is said of images that fill the memory, and how many planes are split."""

from __future__ import annotations

import warnings

import pytest

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError, SettingsError
from napari_unet_nuclei.core.hardware import check_room
from napari_unet_nuclei.core.segmentation.memory import (
    TILE_MEMORY_VARIABLE,
    affordable_tile,
    check_memory,
    check_tile,
    explained,
    fits_beside_another,
    n_planes_at_once,
)

GIGABYTE = 1_000_000_000


@pytest.fixture(autouse=True)
def computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four processors, 8 GB of memory, of which 4 are free."""
    monkeypatch.setattr(hardware, "n_processors", lambda: 4)
    monkeypatch.setattr(hardware, "total_memory", lambda: 8 * GIGABYTE)
    monkeypatch.setattr(hardware, "free_memory", lambda: 4 * GIGABYTE)
    monkeypatch.setattr(hardware, "is_memory_limited", lambda: False)


def test_what_fits_is_nothing_to_speak_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_memory((10_000, 10_000))
        check_memory((1_000, 1_000), 900)


@pytest.mark.parametrize(
    ("shape", "n_planes", "expected"),
    [
        ((10_000, 20_000), 1, r"10000x20000 px, about 4\.8 GB, of which 4\.0 GB"),
        ((1_000, 1_000), 1_500, r"1500 planes of 1000x1000 px, about 6\.0 GB"),
    ],
)
def test_of_what_fills_the_free_memory_is_warned(
    shape: tuple[int, int], n_planes: int, expected: str
) -> None:
    with pytest.warns(UserWarning, match=expected):
        check_memory(shape, n_planes)


def test_what_exceeds_the_computer_is_refused() -> None:
    expected = r"20000x20000 px, about 9\.6 GB .* has 8\.0 GB\. Cut it into pieces"
    with pytest.raises(ImageError, match=expected):
        check_memory((20_000, 20_000))


@pytest.mark.parametrize(
    ("side", "expected"), [(0, 4), (1_000, 4), (8_000, 3), (20_000, 1)]
)
def test_as_many_planes_are_split_at_once_as_fit(side: int, expected: int) -> None:
    assert n_planes_at_once((side, side)) == expected


@pytest.mark.parametrize(("side", "fits"), [(12_000, True), (12_800, False)])
def test_what_a_container_would_be_killed_for_is_refused(
    side: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "is_memory_limited", lambda: True)
    if fits:
        check_memory((side, side))
        return
    expected = r"about 3\.9 GB to segment and 0\.2 GB to work in, .* 4\.0 GB more\. Cut"
    with pytest.raises(ImageError, match=expected):
        check_memory((side, side))


@pytest.mark.parametrize("words", ["Unable to allocate 7.81 GiB for an array", ""])
def test_a_lack_of_memory_says_what_to_do(words: str) -> None:
    with (
        pytest.raises(ImageError, match=rf"not enough memory.*{words}.*; cut"),
        explained(),
    ):
        raise MemoryError(words)


def test_tiles_leave_room_for_maps_and_splitting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert affordable_tile((1_000, 1_000)) == (4 * GIGABYTE - 24_000_000) // 320
    assert affordable_tile((50_000, 50_000)) == 0
    monkeypatch.setattr(hardware, "is_memory_limited", lambda: True)
    assert affordable_tile((1_000, 1_000)) == (4 * GIGABYTE - 144_000_000) // 320


def test_tiles_take_no_more_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TILE_MEMORY_VARIABLE, "0.5")
    assert affordable_tile((1_000, 1_000)) == GIGABYTE // 2 // 160
    assert affordable_tile((50_000, 50_000)) == 0
    monkeypatch.setenv(TILE_MEMORY_VARIABLE, "1000")
    assert affordable_tile((1_000, 1_000)) == (4 * GIGABYTE - 24_000_000) // 320


@pytest.mark.parametrize("text", ["0", "-1", "much", "nan", "inf", "1e300"])
def test_an_allowance_that_is_no_number_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(TILE_MEMORY_VARIABLE, text)
    with pytest.raises(SettingsError, match="TILE_MEMORY as a number of GB above 0"):
        affordable_tile((100, 100))


def test_what_is_about_to_be_taken_is_refused_where_that_ends_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_room(5 * GIGABYTE, "all of it")
    monkeypatch.setattr(hardware, "is_memory_limited", lambda: True)
    check_room(3 * GIGABYTE, "all of it")
    with pytest.raises(ImageError, match=r"of which all of it takes 5\.0 GB, .* 4\.0"):
        check_room(5 * GIGABYTE, "all of it")


def test_a_second_image_is_begun_where_both_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert fits_beside_another((20_000, 20_000))
    monkeypatch.setattr(hardware, "is_memory_limited", lambda: True)
    assert fits_beside_another((1_000, 1_000))
    assert fits_beside_another((9_000, 9_000))  # 1.9 GB each
    assert not fits_beside_another((10_000, 10_000))  # 2.4 GB each
    assert not fits_beside_another((1_000, 1_000), 1_000)


def test_tiles_that_no_memory_holds_are_refused() -> None:
    check_tile((7_000, 7_000))  # 7.8 GB
    with pytest.raises(ImageError, match=r"8000x8000 px, of which .* 10\.2 GB each"):
        check_tile((8_000, 8_000))
