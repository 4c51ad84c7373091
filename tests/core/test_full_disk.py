"""What every writer says when the disk is full or the folder closed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.bundles import ModelBundle, ModelConfig, write_bundle
from napari_unet_nuclei.core.choices import Architecture
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.features import write_features_csv
from napari_unet_nuclei.core.figures import make_figure, write_figure
from napari_unet_nuclei.core.label_files import (
    write_dsb2018_sample,
    write_labels_png,
    write_labels_tiff,
)
from napari_unet_nuclei.core.overlays import write_png
from napari_unet_nuclei.core.rle import write_rle_csv
from napari_unet_nuclei.core.training_files import write_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = np.random.default_rng(0).integers(0, 999, (200, 300))
MODEL = ModelBundle(
    name="tiny",
    config=ModelConfig(
        architecture=Architecture.CLASSIC, multiple=4, margin=9, diameter=14
    ),
    weights={"kernel": np.ones((9, 9), np.float32)},
)
WRITERS: dict[str, Callable[[Path], None]] = {
    "a.tif": lambda path: write_labels_tiff(path, LABELS),
    "a.png": lambda path: write_labels_png(path, LABELS),
    "a_0001.png": lambda path: write_dsb2018_sample(
        path.parents[2], "a", LABELS.astype(np.uint8), LABELS == 1
    ),
    "overlay.png": lambda path: write_png(path, np.zeros((9, 9, 3), np.uint8)),
    "a.csv": lambda path: write_rle_csv(path, {"a": LABELS}),
    "nuclei.csv": lambda path: write_features_csv(path, {"label": np.arange(9)}),
    "log.csv": lambda path: write_log(path.with_suffix(".unetnuclei"), []),
    "figure.png": lambda path: write_figure(path, make_figure(10, 10)),
    "a.unetnuclei": lambda path: write_bundle(path, MODEL),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder that a DSB2018 sample ``a`` has its masks in, as good as any."""
    path = tmp_path / "a/masks"
    path.mkdir(parents=True)
    return path


@pytest.mark.parametrize(("name", "write"), WRITERS.items(), ids=WRITERS)
def test_a_full_disk_is_named_and_nothing_half_is_left(folder, name, write, fill_disk):
    temporary = fill_disk(folder / name)
    if not name.startswith("a_"):  # an earlier mask would be removed first
        (folder / name).write_text("from before")
    with pytest.raises(OutputError, match="No space left on device") as caught:
        write(folder / name)
    assert str(folder / name) in str(caught.value)
    assert "on a disk that has room" in str(caught.value)
    assert not temporary.is_symlink()
    assert [path.read_text() for path in folder.iterdir()] in ([], ["from before"])


@pytest.mark.parametrize(("name", "write"), WRITERS.items(), ids=WRITERS)
def test_a_closed_folder_is_named(folder, name, write, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match="Permission denied") as caught:
        write(folder / name)
    assert str(folder / name) in str(caught.value)
    assert list(folder.iterdir()) == []
