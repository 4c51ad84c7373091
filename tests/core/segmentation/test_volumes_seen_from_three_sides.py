"""``link="maps"``: a volume seen from three sides, and split as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError, SettingsError
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.progress import PlaneDone, TileDone, exhaust
from napari_unet_nuclei.core.segmentation.stacks import iter_segmentation, iter_split
from napari_unet_nuclei.core.settings.choices import Link
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_unet_nuclei.core.segmentation.model import Model

MAPS = SegmentationSettings(link=Link.MAPS, diameter=10)
SPACING = 2.0


@pytest.fixture
def volume() -> np.ndarray:
    """Two balls, and one at the border, in planes that are two pixels apart."""
    z, y, x = np.ogrid[:16, :48, :48]
    image = np.zeros((16, 48, 48), np.uint8)
    for cz, cy, cx in (10, 14, 14), (18, 34, 20), (16, 20, 46):
        inside = (SPACING * z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 < 8**2
        image[inside] = 255
    return image


def test_balls_are_found_whole(
    make_model: Callable[..., Model], volume: np.ndarray
) -> None:
    labels = make_model(touching=False).segment(volume, MAPS, axes="ZYX", spacing=2)
    assert labels.shape == volume.shape
    assert labels.max() == 3
    differ = np.count_nonzero((labels > 0) != (volume > 0))
    assert differ < 0.1 * np.count_nonzero(volume)


def test_a_model_sees_three_views_at_one_scale(
    make_model: Callable[..., Model], volume: np.ndarray
) -> None:
    model = make_model(touching=False)
    exhaust(iter_segmentation(model, PlaneStack(volume, "ZYX"), MAPS, spacing=2))
    engine = model.engine
    assert len(engine.shapes) == 16 + 48 + 48  # type: ignore[attr-defined]


def test_maps_are_the_mean_of_the_views(
    make_model: Callable[..., Model], volume: np.ndarray
) -> None:
    stack = PlaneStack(volume, "ZYX")
    steps = iter_segmentation(
        make_model(touching=False), stack, MAPS, keeps_maps=True, spacing=2
    )
    found = exhaust(steps)
    foreground = np.stack([maps.foreground for maps in found.maps])
    # Every view shows the brightness of a pixel, once where a plane is.
    np.testing.assert_allclose(foreground, volume / 255, atol=1e-5)
    again = iter_split(make_model(touching=False), stack, found.maps, MAPS, spacing=2)
    assert_array_equal(exhaust(again), found.labels)
    fewer = SegmentationSettings(link=Link.MAPS, diameter=10, drop_border=True)
    again = iter_split(make_model(touching=False), stack, found.maps, fewer, spacing=2)
    assert exhaust(again).max() == 2


def test_time_points_are_volumes_of_their_own(
    make_model: Callable[..., Model], volume: np.ndarray
) -> None:
    model = make_model(touching=False)
    movie = np.stack([volume, volume[:, ::-1]])
    labels = model.segment(movie, MAPS, axes="TZYX", spacing=2)
    assert_array_equal(labels[0], model.segment(volume, MAPS, axes="ZYX", spacing=2))
    assert labels.max() == 6
    turned = model.segment(movie.swapaxes(0, 1), MAPS, axes="ZTYX", spacing=2)
    assert_array_equal(turned.swapaxes(0, 1), labels)


def test_areas_and_planes_decide_what_stays(
    make_model: Callable[..., Model], volume: np.ndarray
) -> None:
    model = make_model(touching=False)
    for changes, n_left in (
        ({"min_area": 300}, 0),
        ({"max_area": 150}, 1),  # the one that the border cuts
        ({"min_planes": 9}, 0),
    ):
        settings = SegmentationSettings(link=Link.MAPS, diameter=10, **changes)
        assert model.segment(volume, settings, axes="ZYX", spacing=2).max() == n_left


def test_progress_never_falls(
    make_model: Callable[..., Model], volume: np.ndarray
) -> None:
    stack = PlaneStack(volume, "ZYX")
    steps = list(iter_segmentation(make_model(), stack, MAPS, spacing=2))
    tiles = [step.fraction for step in steps if isinstance(step, TileDone)]
    assert tiles == sorted(tiles)
    assert tiles[-1] > 0.99
    assert steps[-1] == PlaneDone(16, 16)


@pytest.mark.parametrize(
    ("axes", "spacing", "sentence"),
    [
        ("TYX", 2.0, "axis Z, to see its volume from three sides with link='maps'"),
        ("ZYX", None, "give it in pixels as spacing=2.5"),
        ("ZYX", 0.0, "above 0. Received: spacing=0.0"),
    ],
)
def test_what_cannot_be_seen_from_the_side_is_refused(
    make_model: Callable[..., Model],
    volume: np.ndarray,
    axes: str,
    spacing: float | None,
    sentence: str,
) -> None:
    stack = PlaneStack(volume, axes)
    with pytest.raises(SettingsError, match=sentence):
        next(iter_segmentation(make_model(), stack, MAPS, spacing=spacing))


def test_maps_that_do_not_fit_are_refused(
    make_model: Callable[..., Model],
    volume: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = PlaneStack(volume, "ZYX")
    monkeypatch.setattr(hardware, "free_memory", lambda: 20 * volume.size)
    with pytest.raises(ImageError, match="link its planes with link='z'"):
        next(iter_segmentation(make_model(), stack, MAPS, spacing=2))


def test_a_single_plane_is_segmented_as_it_is(
    make_model: Callable[..., Model], volume: np.ndarray
) -> None:
    model = make_model(touching=False)
    alone = model.segment(volume[8], SegmentationSettings(diameter=10))
    assert_array_equal(model.segment(volume[8], MAPS), alone)
