"""Small annotated images and small models that several tests of the core share.

Keras is imported only by the fixtures that build a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.models.bundle import ModelBundle, write_bundle
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.settings.choices import Architecture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeBundle = Callable[..., ModelBundle]


def draw_weights(path: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Weights that make every layer do something, whatever the backend."""
    rng = np.random.default_rng([seed, *path.encode()])
    kind = path.rpartition("/")[2]
    if kind in ("gamma", "moving_variance"):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if len(shape) == 1:
        return rng.normal(0, 0.1, shape).astype(np.float32)
    # A transposed convolution has its input channels last; never mind.
    scale = np.sqrt(2 / np.prod(shape[:-1]))
    return rng.normal(0, scale, shape).astype(np.float32)


@pytest.fixture(scope="session")
def make_bundle() -> MakeBundle:
    """Build a model that has learned nothing: ``(architecture, seed, **arguments)``."""

    def make(
        architecture: str = "classic", seed: int = 0, **arguments: Any
    ) -> ModelBundle:
        from napari_unet_nuclei.core.models.weights import to_half_precision
        from napari_unet_nuclei.core.networks.building import build_model
        from napari_unet_nuclei.core.networks.geometry import measure_geometry

        arguments = {"widths": (4, 8), **arguments}
        network = build_model(architecture, arguments)
        geometry = measure_geometry(network)
        weights = {
            each.path: draw_weights(each.path, tuple(each.shape), seed)
            for each in network.weights
        }
        return ModelBundle(
            name="tiny",
            config=ModelConfig(
                architecture=Architecture(architecture),
                arguments=arguments,
                stride=geometry.stride,
                margin=geometry.margin,
                # What has learned nothing is never confident.
                splitting=SplittingParameters(min_confidence=0),
                diameter=14.0,
            ),
            # Rounded as in a file, so that both forms of the model agree.
            weights=to_half_precision(weights),
        )

    return make


@pytest.fixture(scope="session")
def tiny_bundle(make_bundle: MakeBundle) -> ModelBundle:
    """Classic network of 3,000 weights, with its OpenVINO form."""
    from napari_unet_nuclei.core.networks.exporting import add_openvino

    return add_openvino(make_bundle())


@pytest.fixture(scope="session")
def tiny_path(tiny_bundle: ModelBundle, tmp_path_factory: Any) -> Path:
    """File of the tiny model; not to be changed."""
    path: Path = tmp_path_factory.mktemp("models") / "tiny.unetnuclei"
    write_bundle(path, tiny_bundle)
    return path


@pytest.fixture(scope="session")
def drawn_samples() -> list[Sample]:
    """Five annotated images, 64 px square; not to be changed."""
    return [
        Sample(f"drawn{seed}", *draw_nuclei(seed, (64, 64), 8, diameter=14))
        for seed in range(5)
    ]


@pytest.fixture
def without_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the seconds that the conversion takes where nothing asks for it."""
    monkeypatch.setattr(
        "napari_unet_nuclei.core.networks.exporting.add_openvino", lambda bundle: bundle
    )
