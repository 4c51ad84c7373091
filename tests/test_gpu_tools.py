"""What is packed for a machine with a GPU comes out as it was, and is trained on."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.training.mixture import TrainingSet

FOLDER = Path(__file__).parents[1] / "tools/gpu"
# Of JAX, which the script is for, and of what the tests have anyway.
BACKENDS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            importlib.util.find_spec(name) is None, reason=f"needs {name}"
        ),
    )
    for name in ("jax", "tensorflow")
]


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module("packed")


def make_sample(name: str, dtype: type[Any], *channels: int) -> Sample:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 300, (20, 30)).astype(np.int32)
    image = rng.integers(0, np.iinfo(dtype).max, (20, 30, *channels))
    return Sample(name, image.astype(dtype), labels)


@pytest.mark.parametrize("eight_bits", [False, True])
def test_packed_sets_come_back(packed: Any, tmp_path: Path, eight_bits: bool) -> None:
    samples = [make_sample("a", np.uint8, 3), make_sample("b", np.uint16)]
    sets = [
        TrainingSet(name="x", samples=samples, weight=2.0, source={"licence": "CC0"}),
        TrainingSet(name="y", samples=samples[:1], validation=samples[1:], weight=1.0),
    ]
    path = tmp_path / "packed.npz"
    packed.write_packed(path, sets, eight_bits=eight_bits)
    found = packed.read_packed(path)
    assert [(s.name, s.weight, dict(s.source)) for s in found] == [
        ("x", 2.0, {"licence": "CC0"}),
        ("y", 1.0, {}),
    ]
    assert found[0].validation is None
    pairs = zip(samples, [*found[1].samples, *found[1].validation], strict=True)
    for sample, read in pairs:
        assert read.sample_id == sample.sample_id
        np.testing.assert_array_equal(read.labels, sample.labels)
        if eight_bits:
            assert read.image.dtype == np.uint8
        else:
            np.testing.assert_array_equal(read.image, sample.image)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_model_learns_from_what_was_packed(
    packed: Any, tmp_path: Path, backend: str
) -> None:
    first, second = (
        Sample(f"drawn{seed}", *draw_nuclei(seed, (64, 64), 6, diameter=14))
        for seed in range(2)
    )
    sets = [
        TrainingSet(
            name=name, samples=[first], validation=[second], source={"licence": "CC0"}
        )
        for name in ("cells", "tissue")
    ]
    packed.write_packed(tmp_path / "packed.npz", sets)
    model = tmp_path / "mine.unetnuclei"
    options = "--from classic --epochs 1 --steps-per-epoch 1 --crop-size 32"
    finished = subprocess.run(
        [
            *(sys.executable, FOLDER / "train.py", tmp_path / "packed.npz"),
            *("-o", model, "--batch-size", "1", *options.split()),
        ],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    epochs = re.findall(
        r"^epoch (\d), step (\d), .*DSB2018 0\.\d+ (.*)$", finished.stdout, re.M
    )
    assert [each[:2] for each in epochs] == [("0", "0"), ("1", "1")]
    assert all("cells" in each[2] and "tissue" in each[2] for each in epochs)
    assert f"{model}: 1 steps, " in finished.stdout
    has_tensorflow = importlib.util.find_spec("tensorflow") is not None
    assert (read_bundle(model).openvino is not None) == has_tensorflow
