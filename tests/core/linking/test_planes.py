"""Outlines of neighbouring planes become nuclei."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_unet_nuclei.core.errors import LabelsError, SettingsError
from napari_unet_nuclei.core.linking.chains import Chains
from napari_unet_nuclei.core.linking.overlaps import Overlaps
from napari_unet_nuclei.core.linking.planes import PlaneLinker, link_planes
from napari_unet_nuclei.core.linking.rule import THROUGH_TIME, LinkRule

ALL = LinkRule(min_planes=1, waist=0)


def discs(
    radii: list[float], centre: tuple[int, int] = (20, 20), number: int = 1
) -> np.ndarray:
    """One disc in each plane; none where the radius is 0."""
    y, x = np.ogrid[:40, :40]
    distance = np.hypot(y - centre[0], x - centre[1])
    return np.stack([(distance < radius) * number for radius in radii])


def lengths(linked: np.ndarray) -> list[int]:
    """In how many planes each nucleus stands."""
    planes = [np.unique(plane[plane > 0]) for plane in linked]
    return np.bincount(np.concatenate(planes))[1:].tolist()


def test_a_nucleus_keeps_its_number_whatever_planes_call_it() -> None:
    planes = discs([5, 6, 5]) * np.array([7, 3, 9]).reshape(-1, 1, 1)
    assert_array_equal(link_planes(planes), planes > 0)


def test_nuclei_beside_each_other_stay_two() -> None:
    planes = discs([5, 6, 5], (10, 10)) + discs([5, 6, 5], (28, 28), 2)
    linked = link_planes(planes)
    assert lengths(linked) == [3, 3]
    assert_array_equal(linked > 0, planes > 0)


def test_a_small_cap_belongs_to_what_it_lies_on() -> None:
    # Intersection over union would be .06, which Cellpose's rule takes for another.
    assert lengths(link_planes(discs([2, 8, 8, 2]))) == [4]


def test_an_outline_goes_to_the_one_that_covers_it_best() -> None:
    below = discs([6], (15, 20))
    above = discs([6], (16, 20)) + discs([3], (24, 20), 2)
    linked = link_planes(np.concatenate([below, above]), ALL)
    assert linked[1, 16, 20] == linked[0, 15, 20] == 1
    assert linked[1, 25, 20] == 2


def test_outlines_that_compete_are_assigned_together() -> None:
    # A and B both lie best on P, which prefers A; C has P and Q to choose from.
    below, above = np.zeros((2, 12, 12), int)
    below[:10, :6], below[:10, 6:] = 1, 2
    above[:10, 1:8], above[:4, 8:11] = 1, 2
    linked = link_planes(np.stack([below, above]), LinkRule(min_overlap=0.2, waist=0))
    assert linked[1, 0, 2] == linked[0, 0, 0]
    assert linked[1, 0, 9] == linked[0, 0, 9]


def test_a_gap_of_one_plane_is_bridged_and_one_of_two_is_not() -> None:
    assert lengths(link_planes(discs([5, 5, 0, 5, 5]))) == [4]
    assert lengths(link_planes(discs([5, 5, 0, 0, 5, 5]))) == [2, 2]


def test_a_gap_stays_empty() -> None:
    planes = discs([5, 5, 0, 5, 5])
    assert not link_planes(planes)[2].any()


def test_two_nuclei_above_each_other_are_cut_at_their_waist() -> None:
    planes = discs([3, 6, 7, 6, 3, 3, 6, 7, 6, 3])
    linked = link_planes(planes)
    assert lengths(linked) == [5, 5]
    assert linked[4].max() == 1
    assert linked[5].max() == 2
    assert lengths(link_planes(planes, LinkRule(waist=0))) == [10]


def test_three_nuclei_above_each_other_are_cut_twice() -> None:
    planes = discs([3, 6, 8, 6, 3, 3, 5, 6, 5, 3, 3, 6, 8, 6, 3])
    assert lengths(link_planes(planes, LinkRule(spacing=3))) == [5, 5, 5]


def test_a_single_wrong_plane_is_no_waist() -> None:
    radii = [3, 5, 6, 7, 7, 8, 8, 4, 8, 8, 7, 7, 6, 5, 3]
    assert lengths(link_planes(discs(radii))) == [15]


def test_a_single_merged_plane_makes_no_waist_elsewhere() -> None:
    radii = [3, 5, 6, 12, 7, 8, 8, 8, 8, 8, 7, 12, 6, 5, 3]
    assert lengths(link_planes(discs(radii))) == [15]


def test_nuclei_in_few_planes_are_dropped_except_at_the_ends() -> None:
    planes = discs([6] * 8, (10, 10))
    planes[3] += discs([4], (30, 30), 2)[0]
    planes[0] += discs([4], (30, 10), 3)[0]
    linked = link_planes(planes)
    assert not linked[3, 30, 30]
    assert linked[0, 30, 10]
    assert link_planes(planes, LinkRule(min_planes=1))[3, 30, 30]
    assert link_planes(planes, LinkRule(min_planes=9))[2].any() is not None


def test_nuclei_at_the_border_are_dropped_in_all_planes() -> None:
    planes = discs([5, 9, 5], (8, 8)) + discs([3, 3, 3], (30, 30), 2)
    linked = link_planes(planes, LinkRule(drops_border=True))
    assert not linked[:, :20, :20].any()
    assert lengths(linked) == [3]


def test_rows_of_planes_are_not_linked() -> None:
    linker = PlaneLinker(ALL)
    plane = discs([5]).astype(np.int32)[0]
    for row in (0, 1, 0, 1):
        linker.append(plane, row)
    assert linker.finish().tolist() == [0, 1, 2, 1, 2]


def test_empty_planes_and_no_planes() -> None:
    assert not link_planes(np.zeros((3, 4, 4), int)).any()
    assert link_planes(np.zeros((0, 4, 4), int)).shape == (0, 4, 4)
    assert PlaneLinker().finish().tolist() == [0]


def test_through_time_nothing_is_cut_or_dropped() -> None:
    planes = discs([7, 3, 7, 0, 0, 7])
    assert lengths(link_planes(planes, THROUGH_TIME)) == [3, 1]


def test_the_spacing_limits_how_deep_nuclei_are() -> None:
    # A column without a waist: 40 planes, or 10 px in planes of 2 px.
    areas = np.append(0, np.full(40, 79))
    links = Overlaps(np.arange(1, 40), np.arange(2, 41), areas[2:])
    chains = Chains.of(links, areas)
    assert chains.typical_length(0.6) == 40
    assert chains.typical_length(0.6, spacing=2.0) == pytest.approx(5, abs=0.1)
    assert LinkRule().fewest_planes(40) == 10
    assert LinkRule().fewest_planes(5) == 2


def test_a_single_plane_is_refused() -> None:
    with pytest.raises(LabelsError, match=r"\(Z, Y, X\)\. Received: shape \(4, 4\)"):
        link_planes(np.zeros((4, 4), int))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"min_overlap": 0}, "overlap must lie above 0"),
        ({"waist": 1}, "waist between 0 and 1"),
        ({"min_planes": 0}, "planes must be 1 or more. Received: min_planes=0"),
        ({"spacing": 0.0}, "distance between planes must be above 0"),
    ],
)
def test_rules_out_of_range(wrong: dict[str, float], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        LinkRule(**wrong)  # type: ignore[arg-type]
