"""Nuclei that divide while they are followed through time."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.linking.divisions import find_parents
from napari_unet_nuclei.core.linking.planes import link_planes
from napari_unet_nuclei.core.linking.rule import THROUGH_TIME, LinkRule

WITHOUT = LinkRule(waist=0, min_planes=1)


def draw(*discs: tuple[float, float, float]) -> np.ndarray:
    """Discs at y, x with a radius, numbered in their order."""
    y, x = np.ogrid[:48, :64]
    plane = np.zeros((48, 64), np.int32)
    for number, (cy, cx, radius) in enumerate(discs, 1):
        plane[np.hypot(y - cy, x - cx) < radius] = number
    return plane


@pytest.fixture
def movie() -> np.ndarray:
    """One nucleus that divides after two frames, beside one that does not."""
    return np.stack(
        [
            draw((20, 20, 8), (20, 50, 8)),
            draw((20, 22, 8), (20, 51, 8)),
            draw((20, 16, 5), (20, 28, 5), (20, 52, 8)),
            draw((20, 14, 5), (20, 30, 5), (20, 53, 8)),
            draw((20, 12, 6), (20, 32, 6), (20, 54, 8)),
        ]
    )


def test_daughters_get_numbers_of_their_own(movie: np.ndarray) -> None:
    tracks = link_planes(movie, THROUGH_TIME)
    assert [np.unique(frame).tolist() for frame in tracks] == [
        [0, 1, 2],
        [0, 1, 2],
        [0, 2, 3, 4],
        [0, 2, 3, 4],
        [0, 2, 3, 4],
    ]
    assert find_parents(tracks) == {3: 1, 4: 1}


def test_backwards_two_that_merge_are_no_division(movie: np.ndarray) -> None:
    assert find_parents(link_planes(movie[::-1], THROUGH_TIME)) == {}


def test_a_frame_with_a_nucleus_in_two_is_no_division(movie: np.ndarray) -> None:
    flicker = movie[[0, 1, 2, 1, 0]]
    tracks = link_planes(flicker, THROUGH_TIME)
    assert tracks[0, 20, 20] == tracks[4, 20, 20]
    assert find_parents(tracks) == {}


def test_a_fragment_is_no_daughter() -> None:
    whole = draw((20, 20, 9))
    rest = draw((20, 21, 8), (20, 10, 2.5))
    tracks = link_planes(np.stack([whole, whole, rest, rest, rest]), THROUGH_TIME)
    assert tracks[0, 20, 20] == tracks[4, 20, 20]


def test_without_divisions_one_daughter_keeps_the_number(movie: np.ndarray) -> None:
    tracks = link_planes(movie, WITHOUT)
    assert 1 in tracks[4]
    assert find_parents(tracks) == {}


def test_no_frames() -> None:
    assert find_parents(np.zeros((0, 4, 4), np.int32)) == {}
    assert find_parents(np.ones((1, 4, 4), np.int32)) == {}
