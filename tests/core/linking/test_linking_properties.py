"""What holds for the linking of any planes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import ndimage

from napari_unet_nuclei.core.linking.overlaps import count_overlaps
from napari_unet_nuclei.core.linking.planes import link_planes
from napari_unet_nuclei.core.linking.rule import LinkRule

seeds = st.integers(0, 10_000)
rules = st.builds(
    LinkRule,
    min_overlap=st.sampled_from([0.2, 0.5]),
    waist=st.sampled_from([0.0, 0.6, 0.9]),
    min_planes=st.sampled_from([None, 1, 3]),
    spacing=st.sampled_from([None, 2.0]),
)


def draw_planes(seed: int) -> np.ndarray:
    """Blobs that touch, end and begin, each plane with numbers of its own."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal((8, 80, 80)), (1.2, 4, 4))
    planes = [ndimage.label(plane > 0.7 * field.std())[0] for plane in field]
    return np.stack([_renumber(rng, plane) for plane in planes])


def _renumber(rng: np.random.Generator, plane: np.ndarray) -> np.ndarray:
    names = 1 + rng.permutation(200)[: plane.max()]
    return np.append(0, names)[plane]


def has_ties(planes: np.ndarray, rule: LinkRule) -> bool:
    """Whether two pairs are as good as each other, so that either could be taken."""
    chains = link_planes(planes, replace(rule, waist=0, min_planes=1))
    found: list[tuple[object, ...]] = []
    for step in (1, 2):
        for index in range(len(planes) - step):
            below, above = planes[index], planes[index + step]
            pairs = count_overlaps(below, above)
            first, second = np.bincount(below.ravel()), np.bincount(above.ravel())
            for lower, upper, shared in zip(*pairs, strict=True):
                areas = first[lower], second[upper]
                if shared < rule.min_overlap * min(areas):
                    continue
                score = shared / (sum(areas) - shared)
                width = shared * max(areas)
                chain = chains[index][below == lower][0]
                found += [
                    (index, step, "lower", lower, score),
                    (index, step, "upper", upper, score),
                    ("chain", chain, width),
                ]
    return len(set(found)) < len(found)


def same_nuclei(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two label images differ in nothing but numbers."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return all(np.unique(row).size == row.size for row in pairs)


@settings(max_examples=40, deadline=None)
@given(seeds, rules)
def test_numbers_planes_and_sides_make_no_difference(seed: int, rule: LinkRule) -> None:
    planes = draw_planes(seed)
    assume(not has_ties(planes, rule))
    linked = link_planes(planes, rule)
    renumbered = np.stack(
        [
            _renumber(np.random.default_rng(7), np.searchsorted(np.unique(p), p))
            for p in planes
        ]
    )
    assert same_nuclei(link_planes(renumbered, rule), linked)
    for axis in range(3):
        flipped = link_planes(np.flip(planes, axis), rule)
        assert same_nuclei(np.flip(flipped, axis), linked)
    assert same_nuclei(link_planes(planes.swapaxes(1, 2), rule).swapaxes(1, 2), linked)


@settings(max_examples=40, deadline=None)
@given(seeds, rules)
def test_each_nucleus_is_one_chain_of_outlines(seed: int, rule: LinkRule) -> None:
    planes = draw_planes(seed)
    linked = link_planes(planes, rule)
    for number in range(1, linked.max() + 1):
        where = [np.flatnonzero(plane == number) for plane in linked]
        stands = [index for index, pixels in enumerate(where) if pixels.size]
        assert max(np.diff(stands), default=1) <= 2  # a gap of one plane at most
        for index in stands:  # one whole outline
            own = np.unique(planes[index].ravel()[where[index]])
            assert own.size == 1
            assert np.count_nonzero(planes[index] == own) == where[index].size
        for below, above in pairwise(stands):
            assert np.intersect1d(where[below], where[above]).size


@settings(max_examples=40, deadline=None)
@given(seeds, rules)
def test_nothing_outside_nuclei_changes(seed: int, rule: LinkRule) -> None:
    planes = draw_planes(seed)
    linked = link_planes(planes, rule)
    assert not linked[planes == 0].any()
    if rule.min_planes == 1:
        assert_array_equal(linked > 0, planes > 0)
    assert_array_equal(np.unique(linked), np.arange(linked.max() + 1))


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_linking_again_changes_nothing(seed: int) -> None:
    rule = LinkRule(min_planes=1, waist=0)
    planes = draw_planes(seed)
    assume(not has_ties(planes, rule))
    linked = link_planes(planes, rule)
    assert_array_equal(link_planes(linked, rule), linked)


@given(seeds)
def test_overlaps_are_those_of_the_pixels(seed: int) -> None:
    below, above = draw_planes(seed)[:2].astype(np.int32)
    pairs = count_overlaps(below, above)
    for lower, upper, shared in zip(*pairs, strict=True):
        assert np.count_nonzero((below == lower) & (above == upper)) == shared
    assert pairs.shared.sum() == np.count_nonzero((below > 0) & (above > 0))
