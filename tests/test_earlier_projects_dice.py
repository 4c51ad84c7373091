"""The script that measures Dice as earlier projects did."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei import evaluate, load_model
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from types import ModuleType

SCRIPT = Path(__file__).parents[1] / "benchmarks/earlier_projects.py"


@pytest.fixture(scope="module")
def earlier_projects() -> ModuleType:
    spec = importlib.util.spec_from_file_location("earlier_projects", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sums_run_over_all_images(earlier_projects: ModuleType) -> None:
    truth = [np.array([[True, False]]), np.array([[True, True, False]])]
    foreground = [
        np.array([[0.5, 0.25]], np.float32),
        np.array([[1, 0.5, 0]], np.float32),
    ]
    # 2 · (0.5 + 1.5) + 1 over 3 + 2.25 + 1
    assert earlier_projects.soft_dice(truth, foreground) == pytest.approx(5 / 6.25)
    right = [mask.astype(np.float32) for mask in truth]
    assert earlier_projects.soft_dice(truth, right) == 1


def test_a_model_is_measured_four_ways(earlier_projects: ModuleType) -> None:
    samples = [
        Sample(str(seed), *draw_nuclei(seed, shape, 6))
        for seed, shape in enumerate([(96, 96), (64, 128), (96, 96)])
    ]
    model = load_model("classic")
    dice = earlier_projects.measure(
        model, samples, side=64, batch_size=2, settings=SegmentationSettings()
    )
    labels = [model.segment(sample.image) for sample in samples]
    truth = [sample.labels for sample in samples]
    assert dice.images == pytest.approx(evaluate(truth, labels).dice)
    found = [(each > 0).astype(np.float32) for each in labels]
    assert dice.found == pytest.approx(
        earlier_projects.soft_dice([mask > 0 for mask in truth], found)
    )
    soft = [model.maps(sample.image).foreground for sample in samples]
    assert dice.pixels == pytest.approx(
        earlier_projects.soft_dice([mask > 0 for mask in truth], soft)
    )
    assert dice.batches == pytest.approx(dice.pixels, abs=0.03)
    assert dice.batches != dice.pixels


def test_rows_are_ready_to_paste(
    earlier_projects: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, split = tmp_path / "data", tmp_path / "split.json"
    write_dsb2018_sample(data, "a", *draw_nuclei(0, (64, 64), 4))
    split.write_text(json.dumps({"val": ["a", "gone"]}))
    words = [data, f"{split}:val", "--model", "classic", "--side", 64]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, words)])
    earlier_projects.main()
    problem, header, _, row = capsys.readouterr().out.splitlines()
    assert "gone" in problem
    assert header.startswith("| model, 1 images | batches of 16 at 64 px |")
    name, *figures = row.strip("| ").split(" | ")
    assert name == "`classic`"
    assert all(0.5 < float(figure) < 1 for figure in figures)
    assert len(figures) == 4
