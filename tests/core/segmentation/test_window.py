"""A window of an image is seen as the whole image is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.segmentation.stacks import iter_segmentation
from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

WINDOW = np.s_[128:448, 64:400]
MARGIN = 96  # px: more than the network looks around a pixel
INNER = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]


def draw(kind: str) -> Any:
    grey, _ = draw_nuclei(0, (576, 480), n_nuclei=90)
    fading = (grey * np.linspace(0.25, 1, 480)).astype(np.uint8)
    if kind == "grey":
        return fading
    if kind == "fluorescence":
        return np.stack([fading // 3, fading[::-1], fading], axis=-1)
    absorbed = fading[..., np.newaxis] / 255 * np.array([0.75, 0.8, 0.4])
    return (235 * (1 - absorbed)).astype(np.uint8)


def assert_alike(part: Any, whole: Any) -> None:
    """Compare probabilities, which processors round to 8 bits."""
    away = np.abs(part - whole)
    assert away.max() < 0.15
    assert (away > 0.03).mean() < 0.005


@pytest.mark.parametrize("kind", ["grey", "fluorescence", "stained"])
@pytest.mark.parametrize("stain", [Stain.AUTO, Stain.NONE])
def test_maps_of_a_window_are_those_of_the_image(kind: str, stain: Stain) -> None:
    model = load_model("classic")
    image = draw(kind)
    settings = SegmentationSettings(diameter=model.config.diameter, stain=stain)
    steps = (
        iter_plane_maps(model.engine, model.config, image, settings, **window)
        for window in ({}, {"window": WINDOW})
    )
    whole, part = map(exhaust, steps)
    assert part.signal is whole.signal
    assert part.foreground.shape == (320, 336)
    assert_alike(part.foreground[INNER], whole.foreground[WINDOW][INNER])
    for seen, expected in zip(part.darkness, whole.darkness, strict=True):
        np.testing.assert_array_equal(seen, expected[WINDOW])


def test_a_stack_may_be_the_window_of_another() -> None:
    model = load_model("classic")
    image = np.stack([draw("grey"), draw("grey")[::-1]])
    settings = SegmentationSettings(diameter=model.config.diameter)
    window = PlaneStack(image[(slice(None), *WINDOW)], "ZYX")
    frame = PlaneStack(image, "ZYX"), WINDOW
    found = exhaust(
        iter_segmentation(model, window, settings, keeps_maps=True, frame=frame)
    )
    whole = exhaust(
        iter_segmentation(model, PlaneStack(image, "ZYX"), settings, keeps_maps=True)
    )
    assert found.labels.shape == window.leading_shape + window.plane_shape
    for part, maps in zip(found.maps, whole.maps, strict=True):
        assert_alike(part.foreground[INNER], maps.foreground[WINDOW][INNER])
    inner = slice(None), *INNER
    inside = (found.labels[inner] > 0).mean()
    expected = (whole.labels[(slice(None), *WINDOW)][inner] > 0).mean()
    assert inside == pytest.approx(expected, rel=0.02)
    assert inside > 0.05
