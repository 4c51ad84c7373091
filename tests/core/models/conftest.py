"""A small bundle, and a way to write one that is not what it seems."""

from __future__ import annotations

import hashlib
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.models.bundle import ModelBundle, write_bundle
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.models.weights import to_half_precision
from napari_unet_nuclei.core.settings.choices import Architecture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def bundle() -> ModelBundle:
    """Return a model of two weights; not to be changed."""
    rng = np.random.default_rng(0)
    config = ModelConfig(
        architecture=Architecture.CLASSIC,
        arguments={"widths": [4, 8]},
        stride=4,
        margin=22,
        splitting=SplittingParameters(threshold=0.45, seed_threshold=0.3),
        diameter=14.5,
        provenance={"seed": 3, "scores": {"dsb2018": 0.5}, "train": ["a", "b"]},
    )
    return ModelBundle(
        name="nuclei",
        config=config,
        weights={
            "conv/kernel": rng.normal(size=(3, 3, 3, 4)).astype(np.float32),
            "conv/bias": np.array([1e-9, 1, -2, 3], np.float32),
        },
        openvino=(b"<xml/>", bytes(range(256))),
    )


@pytest.fixture
def path(tmp_path: Path, bundle: ModelBundle) -> Path:
    """Return the file of that model."""
    path = tmp_path / "nuclei.unetnuclei"
    write_bundle(path, bundle)
    return path


@pytest.fixture(scope="session")
def assert_same() -> Callable[[ModelBundle, ModelBundle], None]:
    """Compare what was read with what was written."""
    return _assert_same


def _assert_same(actual: ModelBundle, expected: ModelBundle) -> None:
    assert actual.config == expected.config
    assert actual.openvino == expected.openvino
    assert actual.weights.keys() == expected.weights.keys()
    for name, value in to_half_precision(expected.weights).items():
        assert actual.weights[name].dtype == value.dtype
        np.testing.assert_array_equal(actual.weights[name], value)


@pytest.fixture(scope="session")
def forge() -> Callable[..., None]:
    """Write a bundle whose sums are right and whose configuration is not.

    ``members`` replaces members, other keywords replace entries of the
    configuration; ``None`` removes either.
    """
    return _forge


def _forge(
    path: Path, *, compression: int = zipfile.ZIP_STORED, **changes: Any
) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members.pop("model.json"))
    members |= changes.pop("members", {})
    members = {name: content for name, content in members.items() if content}
    config["sha256"] = {
        name: hashlib.sha256(content).hexdigest() for name, content in members.items()
    }
    config |= changes
    config = {name: value for name, value in config.items() if value is not None}
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("model.json", json.dumps(config))
        for name, content in members.items():
            archive.writestr(name, content)
