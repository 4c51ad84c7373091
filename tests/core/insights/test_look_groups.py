"""Images find their group by fixed rules."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei.core.datasets.drawn.looks import Look, draw_look
from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.insights.look_groups import (
    LookGroup,
    measure_appearance,
)


def discs(diameter: int, spacing: int, *, blur: float, haze: float = 0) -> Sample:
    y, x = np.mgrid[:240, :240]
    middle = spacing // 2
    inside = (y % spacing - middle) ** 2 + (x % spacing - middle) ** 2 < (
        diameter / 2
    ) ** 2
    labels = ndimage.label(inside)[0].astype(np.int32)
    light = ndimage.gaussian_filter(inside.astype(float), blur) * (1 - haze) + haze
    light[0, 0] = 0
    return Sample("a", (200 * light).astype(np.uint8), labels)


@pytest.mark.parametrize(
    ("sample", "group"),
    [
        (discs(44, 120, blur=3), LookGroup.LARGE_BLURRED),
        (discs(12, 80, blur=1), LookGroup.SMALL_SPARSE),
        (discs(24, 80, blur=1), LookGroup.OTHER_CULTURES),
        (discs(24, 40, blur=1), LookGroup.CROWDED_CULTURES),
    ],
)
def test_fluorescence_is_grouped_by_size_and_density(
    sample: Sample, group: LookGroup
) -> None:
    assert measure_appearance(sample).group is group


def test_haze_makes_a_section() -> None:
    sample = discs(24, 40, blur=1, haze=0.2)
    # The darkest pixels, which are 0 after normalising, are few.
    sample.image[:4] = 0
    assert measure_appearance(sample).group is LookGroup.HAZY_SECTIONS


@pytest.mark.parametrize("seed", range(3))
def test_stained_images_are_apart_from_grey_ones(seed: int) -> None:
    for look, groups in (
        (Look.HEMATOXYLIN_EOSIN, {LookGroup.PURPLE_TISSUE, LookGroup.STAINED_CELLS}),
        (Look.DARK_TEXTURED, {LookGroup.GREY_BRIGHT}),
    ):
        sample = Sample("a", *draw_look(look, seed, (128, 128)))
        assert measure_appearance(sample).group in groups


def test_features_are_measured() -> None:
    found = measure_appearance(discs(24, 80, blur=1))
    assert found.diameter == pytest.approx(24, abs=1)
    assert found.coverage == pytest.approx(np.pi * 12**2 / 80**2, rel=0.05)
    assert found.background < 0.02
    assert found.edge_width < measure_appearance(discs(24, 80, blur=3)).edge_width


def test_an_empty_image_has_a_group_too() -> None:
    image = np.zeros((40, 40), np.uint8)
    found = measure_appearance(Sample("a", image, np.zeros((40, 40), np.int32)))
    assert found.diameter == found.edge_width == 0
    assert found.group is LookGroup.SMALL_SPARSE
