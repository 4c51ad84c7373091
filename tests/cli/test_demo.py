"""The main job, on the images that come with the package and the shipped model."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei.core.datasets.examples import (
    COUNTED_CROPS,
    EXAMPLE_IMAGES,
    CountedCrop,
    ExampleImage,
    synthetic_nuclei,
)
from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

_SCRIPT = Path(__file__).parents[2] / "benchmarks" / "demo_counts.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def test_labels_picture_and_table_of_each_sample(
    run: Callable[..., Result], folder: Path
) -> None:
    result = run("demo", "-o", folder)
    assert result.exit_code == 0, result.output
    for name in EXAMPLE_IMAGES:
        assert f"{name}: " in result.output
        for file in (f"{name}.tif", f"{name}_overlay.png", f"{name}_nuclei.csv"):
            assert (folder / file).stat().st_size > 0


def test_drawn_nuclei_are_found(run: Callable[..., Result], folder: Path) -> None:
    run("demo", "-o", folder)
    truth = synthetic_nuclei().labels
    assert truth is not None
    scores = evaluate(truth, read_labels(folder / "synthetic_nuclei.tif"))
    assert scores.ap[0.5] >= 0.9


def test_tissue_is_compared_with_what_was_counted_by_eye(
    run: Callable[..., Result], folder: Path
) -> None:
    result = run("demo", "-o", folder)
    labels = read_labels(folder / "immunohistochemistry.tif")
    found = ", ".join(str(crop.count(labels)) for crop in COUNTED_CROPS)
    assert f"(in 5 parts of it {found}; counted by eye: 36, 31, 16, 22, 31)" in (
        " ".join(result.output.split())
    )


# The fifth crop is a gland, in which nuclei are found in pieces.
@pytest.mark.parametrize("crop", COUNTED_CROPS[:4], ids=lambda crop: str(crop.corner))
def test_tissue_nuclei_are_about_as_many_as_counted_by_eye(
    run: Callable[..., Result], folder: Path, crop: CountedCrop
) -> None:
    run("demo", "-o", folder)
    labels = read_labels(folder / "immunohistochemistry.tif")
    assert crop.count(labels) == pytest.approx(crop.n_nuclei, rel=0.3)


def test_what_is_mostly_inside_a_crop_is_counted() -> None:
    labels = np.zeros((20, 20), np.int32)
    labels[2:6, 2:6] = 1  # always inside
    labels[8:11, 4:8] = 2  # its rows 8 and 9 inside, or row 8 only
    labels[2:6, 9:14] = 3  # never more than two of five columns inside
    assert CountedCrop((0, 0), n_nuclei=2, side=10).count(labels) == 2
    assert CountedCrop((0, 0), n_nuclei=1, side=9).count(labels) == 1
    assert CountedCrop((2, 2), n_nuclei=3, side=18).count(labels) == 3


def test_every_counted_nucleus_is_marked() -> None:
    marked = runpy.run_path(str(_SCRIPT))["MARKED"]
    assert {corner: len(text.split()) for corner, text in marked.items()} == {
        crop.corner: crop.n_nuclei for crop in COUNTED_CROPS
    }


def test_a_doubtful_result_is_said_to_be(
    run: Callable[..., Result], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clouds = ndimage.gaussian_filter(
        np.random.default_rng(0).normal(size=(200, 200)), 3
    )
    clouds = np.interp(clouds, [clouds.min(), clouds.max()], [0, 255]).astype(np.uint8)
    cloudy = ExampleImage(clouds, None, SegmentationSettings())
    monkeypatch.setitem(EXAMPLE_IMAGES, "clouds", lambda: cloudy)
    result = run("demo", "-o", folder, "--overwrite")
    assert result.exit_code == 0, result.output
    assert "clouds: Low confidence" in result.output
