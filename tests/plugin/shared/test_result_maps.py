"""The maps of a result are found by its layer, and freed with it."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils._proxies import PublicOnlyProxy

from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.shared.result_maps import (
    ResultMaps,
    maps_of,
    remember_maps,
)


def make_maps(image: Any, axes: str, leading_shape: tuple[int, ...]) -> ResultMaps:
    n_planes = int(np.prod(leading_shape))
    maps = [Maps(np.full((4, 5), n, np.float32)) for n in range(n_planes)]
    return ResultMaps(
        maps=maps,
        splitting=SplittingParameters(),
        settings=SegmentationSettings(),
        axes=axes,
        leading_shape=leading_shape,
        image_ref=weakref.ref(image),
    )


def test_maps_are_found_by_the_layer_and_by_a_proxy_of_it() -> None:
    image = Image(np.zeros((4, 5)))
    layer = Labels(np.zeros((4, 5), int))
    assert maps_of(layer) is None
    remember_maps(PublicOnlyProxy(layer), made := make_maps(image, "YX", ()))
    assert maps_of(layer) is made
    assert maps_of(PublicOnlyProxy(layer)) is made
    assert made.image is image


def test_maps_are_freed_with_their_layer_and_do_not_hold_the_image() -> None:
    class Held:
        """Stands for an image that nothing else holds."""

    layer = Labels(np.zeros((4, 5), int), name="x")  # else napari looks at locals
    held = Held()
    made = make_maps(held, "YX", ())
    remember_maps(layer, made)
    seen = weakref.ref(made)
    del held
    assert made.image is None
    del made, layer
    gc.collect()
    assert seen() is None


def test_each_plane_has_its_maps_wherever_the_channels_are() -> None:
    image = Image(np.zeros((2, 4, 5)))
    made = make_maps(image, "TZCYX", (2, 3))
    chosen = made.at((1, 2, 0, 3, 3))
    assert chosen is made.maps[5]
    assert made.at((0, 1, 0, 0, 0)) is made.maps[1]
    assert made.at((2, 0, 0, 0, 0)) is None
    assert make_maps(image, "YX", ()).at((3, 1)) is not None
