"""A command line to call, and small data sets to call it on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from napari_unet_nuclei.cli.app import app
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.files.labels import write_labels_tiff

if TYPE_CHECKING:
    from pathlib import Path

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Call the command line; what it prints is in the result."""
    runner = CliRunner(env={"COLUMNS": "120", "TERM": "dumb", "NO_COLOR": "1"})

    def call(*arguments: object) -> Result:
        return runner.invoke(app, [str(argument) for argument in arguments])

    return call


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with two images of nuclei."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(("first", "second")):
        image, _ = draw_nuclei(seed, (128, 160), 8)
        Image.fromarray(image).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def dsb2018(tmp_path: Path) -> Path:
    """A DSB2018 data set of three samples, one of them without nuclei."""
    folder = tmp_path / "stage1_train"
    for seed, name in enumerate(("aa", "bb")):
        write_dsb2018_sample(folder, name, *draw_nuclei(seed, (128, 128), 7))
    empty = np.zeros((96, 96), np.uint8)
    write_dsb2018_sample(folder, "cc", empty, empty.astype(np.int32))
    return folder


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """A folder with images/ and labels/."""
    folder = tmp_path / "annotated"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for seed in range(2):
        image, labels = draw_nuclei(seed, (160, 160), 12)
        Image.fromarray(image).save(folder / "images" / f"{seed}.png")
        write_labels_tiff(folder / "labels" / f"{seed}.tif", labels)
    return folder
