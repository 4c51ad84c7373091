from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.networks.building import build_model
from napari_unet_nuclei.core.networks.bundling import get_weights, set_weights
from napari_unet_nuclei.core.networks.ensemble import average_networks, part_path
from napari_unet_nuclei.core.networks.geometry import measure_geometry

if TYPE_CHECKING:
    from typing import Any

TILE = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)


def run(network: keras.Model) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(network(TILE, training=False)))


def share_weights(ensemble: keras.Model, parts: list[keras.Model]) -> None:
    """Give the copies in an ensemble the weights of what they were copied from."""
    weights = {
        part_path(number, path): values
        for number, part in enumerate(parts)
        for path, values in get_weights(part).items()
    }
    set_weights(ensemble, weights)


@pytest.mark.parametrize("architecture", ["classic", "resnet"])
def test_the_maps_are_the_means_of_those_of_the_parts(architecture: Any) -> None:
    parts = [build_model(architecture, {"widths": (4, 8)}) for _ in range(3)]
    ensemble = average_networks(parts)
    share_weights(ensemble, parts)
    maps = [run(part) for part in parts]
    assert np.ptp(maps, axis=0).max() > 0.01
    np.testing.assert_allclose(run(ensemble), np.mean(maps, axis=0), atol=1e-6)


def test_a_map_is_the_mean_over_those_that_have_it() -> None:
    parts = [
        build_model("classic", {"widths": (4, 8), "n_maps": 1, "n_channels": 1}),
        build_model("resnet", {"widths": (4, 8), "upsampling": "bilinear"}),
        build_model("resnet50", {"widths": (4, 4, 4, 4)}),
    ]
    ensemble = average_networks(parts)
    share_weights(ensemble, parts)
    one, three, three_more = (run(part) for part in parts)
    maps = run(ensemble)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(
        maps[..., 0], (one + three + three_more)[..., 0] / 3, atol=1e-6
    )
    np.testing.assert_allclose(
        maps[..., 1:], (three + three_more)[..., 1:] / 2, atol=1e-6
    )


def test_the_members_stay_as_they_are() -> None:
    parts = [build_model("classic", {"widths": (4, 8)}) for _ in range(2)]
    before = [run(part) for part in parts]
    ensemble = average_networks(parts)
    set_weights(
        ensemble, {path: 0 * value for path, value in get_weights(ensemble).items()}
    )
    for part, maps in zip(parts, before, strict=True):
        np.testing.assert_array_equal(run(part), maps)


def test_every_member_has_the_sides_and_the_margin_it_needs() -> None:
    shallow, deep = (
        build_model("classic", {"widths": (4,) * depth}) for depth in (2, 4)
    )
    assert measure_geometry(shallow) != measure_geometry(deep)
    for parts in ([shallow, deep], [deep, shallow]):
        assert measure_geometry(average_networks(parts)) == measure_geometry(deep)


def test_one_network_is_no_ensemble() -> None:
    with pytest.raises(ValueError, match=r"2 or more parts\. Received: 1"):
        average_networks([build_model("classic", {"widths": (4, 8)})])
