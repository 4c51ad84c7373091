from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.instances.diameter import (
    annotated_diameter,
    confidence,
    estimate_diameter,
)
from napari_unet_nuclei.core.instances.maps import Maps
from napari_unet_nuclei.core.training.crops.targets import make_targets

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


def maps_of(labels: NDArray[Any]) -> Maps:
    return Maps(*np.moveaxis(make_targets(labels), -1, 0))


@pytest.mark.parametrize("diameter", [8, 20, 60])
def test_diameter_of_nuclei_that_touch_and_that_do_not(diameter: int) -> None:
    side = 16 * diameter
    _, labels = draw_nuclei(3, (side, side), 70, diameter=diameter, touching=0.4)
    areas = np.bincount(labels.ravel())[1:]
    typical = 2 * np.sqrt(np.median(areas) / np.pi)
    estimate = estimate_diameter(maps_of(labels))
    assert estimate == pytest.approx(typical, rel=0.15)
    assert annotated_diameter([labels]) == pytest.approx(estimate, rel=0.25)


def test_a_network_that_knows_only_the_foreground() -> None:
    _, labels = draw_nuclei(3, (320, 320), 30, diameter=20, touching=0)
    maps = Maps((labels > 0).astype(np.float32))
    assert estimate_diameter(maps) == pytest.approx(20, rel=0.25)


@pytest.mark.parametrize("foreground", [np.zeros((60, 60)), np.eye(5), np.ones((1, 1))])
def test_too_little_to_tell(foreground: NDArray[Any]) -> None:
    assert estimate_diameter(Maps(foreground.astype(np.float32))) is None


def test_annotation_of_several_images_counts_by_the_median() -> None:
    stripes = {width: np.arange(400) // width % 2 * 3 for width in (5, 10, 40)}
    images = [np.tile(stripe, (400, 1)) for stripe in stripes.values()]
    middle = annotated_diameter(images[1:2])
    assert annotated_diameter([*images, np.zeros((9, 9), int)]) == middle
    assert annotated_diameter([np.zeros((9, 9), int)]) is None


@pytest.mark.parametrize(
    ("probability", "expected"), [(1.0, 1.0), (0.75, 0.5), (0.5, 0.0), (0.1, 0.0)]
)
def test_certainty_of_what_may_be_a_nucleus(
    probability: float, expected: float
) -> None:
    foreground = np.zeros((40, 40), np.float32)
    foreground[10:30] = probability
    assert confidence(Maps(foreground)) == pytest.approx(expected)
