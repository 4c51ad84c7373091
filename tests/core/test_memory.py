"""What is said of images that fill the memory, and how many planes are split."""

from __future__ import annotations

import warnings

import pytest

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.memory import check_memory, n_planes_at_once

GIGABYTE = 1_000_000_000


@pytest.fixture(autouse=True)
def computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four processors, 8 GB of memory, of which 4 are free."""
    monkeypatch.setattr(hardware, "n_processors", lambda: 4)
    monkeypatch.setattr(hardware, "total_memory", lambda: 8 * GIGABYTE)
    monkeypatch.setattr(hardware, "free_memory", lambda: 4 * GIGABYTE)


def test_what_fits_is_nothing_to_speak_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_memory((10_000, 10_000))
        check_memory((1_000, 1_000), 900)


@pytest.mark.parametrize(
    ("shape", "n_planes", "expected"),
    [
        ((10_000, 20_000), 1, r"10000x20000 px, about 6\.4 GB, of which 4\.0 GB"),
        ((1_000, 1_000), 1_500, r"1500 planes of 1000x1000 px, about 6\.0 GB"),
    ],
)
def test_of_what_fills_the_free_memory_is_warned(
    shape: tuple[int, int], n_planes: int, expected: str
) -> None:
    with pytest.warns(UserWarning, match=expected):
        check_memory(shape, n_planes)


def test_what_exceeds_the_computer_is_refused() -> None:
    expected = r"20000x20000 px, about 12\.8 GB .* has 8\.0 GB\. Cut it into pieces"
    with pytest.raises(ImageError, match=expected):
        check_memory((20_000, 20_000))


@pytest.mark.parametrize(
    ("side", "expected"), [(0, 4), (1_000, 4), (7_000, 2), (20_000, 1)]
)
def test_as_many_planes_are_split_at_once_as_fit(side: int, expected: int) -> None:
    assert n_planes_at_once((side, side)) == expected
