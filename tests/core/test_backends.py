"""The same training and the same maps, whatever Keras computes with.

Each backend that is installed works in processes of its own.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

BACKENDS = ("tensorflow", "jax", "torch")
INSTALLED = [name for name in BACKENDS if importlib.util.find_spec(name) is not None]
PROGRAM = Path(__file__).with_name("backend_process.py")


def ask(backend: str, *arguments: object) -> None:
    """Run the program under a backend."""
    finished = subprocess.run(
        [sys.executable, str(PROGRAM), *map(str, arguments)],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One model trained with each backend."""
    folder = tmp_path_factory.mktemp("trained")
    paths = {name: folder / f"{name}.unetnuclei" for name in INSTALLED}
    for name, path in paths.items():
        ask(name, "train", path)
    return paths


@pytest.fixture(scope="module")
def maps(models: dict[str, Path]) -> dict[str, dict[str, NDArray[np.float32]]]:
    """The maps of each model as each backend computes them."""
    found = {}
    for name in models:
        file = models[name].with_suffix(".maps.npz")
        ask(name, "maps", file, *models.values())
        with np.load(file) as arrays:
            found[name] = dict(arrays)
    return found


def require(*backends: str) -> None:
    for name in backends:
        if name not in INSTALLED:
            pytest.skip(f"{name} is not installed: see `tox run -e {name}`")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_model_is_trained_and_complete(backend: str, models: dict[str, Path]) -> None:
    require(backend)
    bundle = read_bundle(models[backend])
    provenance = bundle.config.provenance
    assert provenance["backend"] == backend
    assert (provenance["n_steps"], provenance["n_epochs"]) == (6, 2)
    # TensorFlow, which every installation has, gives all of them their fast form.
    assert (bundle.openvino is not None) == ("tensorflow" in INSTALLED)
    log = models[backend].with_suffix(".csv").read_text().splitlines()
    assert [line.split(",")[0] for line in log] == ["epoch", "1", "2"]


@pytest.mark.parametrize("loaded_with", BACKENDS)
@pytest.mark.parametrize("trained_with", BACKENDS)
def test_a_model_gives_the_same_maps_everywhere(
    trained_with: str,
    loaded_with: str,
    models: dict[str, Path],
    maps: dict[str, dict[str, NDArray[Any]]],
) -> None:
    require(trained_with, loaded_with)
    found = maps[loaded_with][trained_with]
    assert found.shape == (3, 50, 67)
    assert np.ptp(found) > 0.05
    np.testing.assert_allclose(found, maps[trained_with][trained_with], atol=1e-3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_fast_form_gives_these_maps_too(
    backend: str, models: dict[str, Path], maps: dict[str, dict[str, NDArray[Any]]]
) -> None:
    require(backend, "tensorflow")
    image, _ = draw_nuclei(7, (50, 67), 5, diameter=14)
    model = load_model(models[backend], "openvino")
    as_it_is = SegmentationSettings(diameter=model.config.diameter)
    fast = np.stack(model.maps(image, as_it_is).arrays)
    # Where the processor has them, OpenVINO computes in sixteen bits.
    np.testing.assert_allclose(fast, maps[backend][backend], atol=0.02)
