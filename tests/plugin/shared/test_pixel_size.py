from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image

from napari_unet_nuclei.plugin.shared.pixel_size import pixel_area, plane_spacing

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.mark.parametrize(
    ("shape", "scale", "units", "area"),
    [
        ((8, 9), (0.5, 0.25), ("um", "um"), 0.125),
        ((8, 9), (500, 250), ("nm", "nm"), 0.125),
        ((5, 8, 9), (2, 0.5, 0.5), ("um", "um", "um"), 0.25),
        ((8, 9), (0.5, 0.25), None, None),
        ((8, 9), (1, 1), ("pixel", "pixel"), None),
    ],
)
def test_areas_are_known_where_the_layer_has_units(
    shape: tuple[int, ...],
    scale: Sequence[float],
    units: Any,
    area: float | None,
) -> None:
    layer = Image(np.zeros(shape, np.uint8), scale=scale, units=units)
    assert pixel_area(layer) == (None if area is None else pytest.approx(area))


def test_colours_have_no_size() -> None:
    layer = Image(
        np.zeros((8, 9, 3), np.uint8), rgb=True, scale=(0.5, 0.5), units=("um", "um")
    )
    assert pixel_area(layer) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("scale", "units", "spacing"),
    [
        ((2, 0.5, 0.5), ("um", "um", "um"), 4),
        ((2000, 0.5, 0.5), ("nm", "um", "um"), 4),
        ((3, 1, 1), None, 3),  # what somebody has set means something
        ((1, 1, 1), None, None),
        ((1, 1, 1), ("um", "um", "um"), 1),
    ],
)
def test_planes_are_apart_as_the_layer_says(
    scale: Sequence[float], units: Any, spacing: float | None
) -> None:
    layer = Image(np.zeros((7, 8, 9), np.uint8), scale=scale, units=units)
    assert plane_spacing(layer) == (None if spacing is None else pytest.approx(spacing))
