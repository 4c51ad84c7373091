"""Nuclei keep their number from plane to plane where a user asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.linking.planes import link_planes
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.stacks import iter_segmentation, iter_split
from napari_unet_nuclei.core.settings.choices import Link
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_unet_nuclei.core.segmentation.model import Model

IN_Z = SegmentationSettings(link=Link.Z, diameter=10)
IN_T = SegmentationSettings(link=Link.T, diameter=10)
ALONE = SegmentationSettings(diameter=10)


@pytest.fixture
def volume() -> np.ndarray:
    """Three nuclei through six depths, of which one lies at the border."""
    z, y, x = np.ogrid[:6, :64, :64]
    image = np.zeros((6, 64, 64), np.uint8)
    for cz, cy, cx in (2, 16, 16), (3, 40, 20), (3, 30, 62):
        inside = ((z - cz) / 3) ** 2 + (np.hypot(y - cy, x - cx) / 10) ** 2 < 1
        image[inside] = 255
    return image


def test_planes_are_linked_as_by_the_rule(
    make_model: Callable[..., Model], volume: np.ndarray
) -> None:
    model = make_model()
    alone = model.segment(volume, ALONE, axes="ZYX")
    linked = model.segment(volume, IN_Z, axes="ZYX")
    assert alone.max() == sum(len(np.unique(plane)) - 1 for plane in alone)
    assert linked.max() == 3
    assert_array_equal(linked, link_planes(alone))


def test_splitting_again_links_again(
    make_model: Callable[..., Model], volume: np.ndarray
) -> None:
    model, stack = make_model(), PlaneStack(volume, "ZYX")
    found = exhaust(iter_segmentation(model, stack, IN_Z, keeps_maps=True))
    again = exhaust(iter_split(model, stack, found.maps, IN_Z))
    assert_array_equal(again, found.labels)


def test_time_points_and_depths_in_any_order(
    make_model: Callable[..., Model], volume: np.ndarray
) -> None:
    model, movie = make_model(), np.stack([volume, np.roll(volume, 3, axis=1)])
    by_depth = model.segment(movie, IN_Z, axes="TZYX")
    assert_array_equal(by_depth[0], model.segment(volume, IN_Z, axes="ZYX"))
    assert by_depth.max() == 6
    turned = model.segment(movie.swapaxes(0, 1), IN_Z, axes="ZTYX").swapaxes(0, 1)
    pairs = np.unique(np.stack([by_depth.ravel(), turned.ravel()]), axis=1)
    assert pairs.shape[1] == 7  # the same but for numbers
    through_time = model.segment(movie, IN_T, axes="TZYX")
    assert through_time[0, 2, 16, 16] == through_time[1, 2, 19, 16]
    assert through_time[0, 2, 16, 16] != through_time[0, 3, 16, 16]


def test_a_nucleus_at_the_border_goes_as_a_whole(
    make_model: Callable[..., Model], volume: np.ndarray
) -> None:
    kept = SegmentationSettings(link=Link.Z, diameter=10, drop_border=True)
    labels = make_model().segment(volume, kept, axes="ZYX")
    assert labels.max() == 2
    assert not labels[:, :, 45:].any()


def test_in_few_planes(make_model: Callable[..., Model], volume: np.ndarray) -> None:
    volume[2, 5:12, 40:47] = 255
    model = make_model()
    assert model.segment(volume, IN_Z, axes="ZYX").max() == 3
    every = SegmentationSettings(link=Link.Z, diameter=10, min_planes=1)
    assert model.segment(volume, every, axes="ZYX").max() == 4
    long = SegmentationSettings(link=Link.T, diameter=10, min_planes=2)
    assert model.segment(volume, long, axes="TYX").max() == 3


@pytest.mark.parametrize(
    ("axes", "settings", "sentence"),
    [
        ("TYX", IN_Z, "axis Z, to link nuclei along it with link='z'.*axes TYX"),
        ("ZYX", IN_T, "axis T, to link nuclei along it with link='t'.*axes ZYX"),
    ],
)
def test_another_axis_is_refused_before_the_work(
    make_model: Callable[..., Model],
    volume: np.ndarray,
    axes: str,
    settings: SegmentationSettings,
    sentence: str,
) -> None:
    steps = iter_segmentation(make_model(), PlaneStack(volume, axes), settings)
    with pytest.raises(SettingsError, match=sentence):
        next(steps)


def test_a_single_plane_has_nothing_to_link(
    make_model: Callable[..., Model], volume: np.ndarray
) -> None:
    model = make_model()
    assert_array_equal(model.segment(volume[3], IN_Z), model.segment(volume[3], ALONE))
    one = model.segment(volume[3:4], IN_Z, axes="ZYX")
    assert_array_equal(one, model.segment(volume[3:4], ALONE, axes="ZYX"))
