"""What is packed for a machine with a GPU comes out as it went in."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.training.mixture import TrainingSet

FOLDER = Path(__file__).parents[1] / "tools/gpu"


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
