"""What every writer says when the disk is full or the folder closed."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.drawing.figures import make_figure, write_figure
from napari_unet_nuclei.core.drawing.overlays import write_png
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.files.geojson import write_geojson
from napari_unet_nuclei.core.files.imagej_rois import write_rois
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff
from napari_unet_nuclei.core.files.rle import write_rle_csv
from napari_unet_nuclei.core.instances.measurements import write_features_csv
from napari_unet_nuclei.core.models.bundle import ModelBundle, write_bundle
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.settings.choices import Architecture
from napari_unet_nuclei.core.training.log import write_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

LABELS = np.random.default_rng(0).integers(0, 999, (200, 300))
MODEL = ModelBundle(
    name="tiny",
    config=ModelConfig(
        architecture=Architecture.CLASSIC, stride=4, margin=9, diameter=14
    ),
    weights={"kernel": np.ones((9, 9), np.float32)},
)
WRITERS: dict[str, Callable[[Path], None]] = {
    "a.tif": lambda path: write_labels_tiff(path, LABELS),
    "a.png": lambda path: write_labels_png(path, LABELS),
    "overlay.png": lambda path: write_png(path, np.zeros((9, 9, 3), np.uint8)),
    "a.csv": lambda path: write_rle_csv(path, {"a": LABELS}),
    "a.geojson": lambda path: write_geojson(path, LABELS),
    "a.zip": lambda path: write_rois(path, LABELS),
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
def test_a_full_disk_is_named_and_nothing_half_is_left(
    folder: Path, name: str, write: Callable[..., Any], fill_disk: Callable[..., Any]
) -> None:
    temporary = fill_disk(folder / name)
    (folder / name).write_text("from before")
    with pytest.raises(OutputError, match="No space left on device") as caught:
        write(folder / name)
    assert str(folder / name) in str(caught.value)
    assert "on a disk that has room" in str(caught.value)
    assert not temporary.is_symlink()
    assert [path.read_text() for path in folder.iterdir()] == ["from before"]


@pytest.mark.parametrize(("name", "write"), WRITERS.items(), ids=WRITERS)
def test_a_closed_folder_is_named(
    folder: Path, name: str, write: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match="Permission denied") as caught:
        write(folder / name)
    assert str(folder / name) in str(caught.value)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("earlier", [False, True])
def test_a_sample_that_finds_no_room_stays_as_it_was(
    tmp_path: Path, earlier: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = LABELS.astype(np.uint8)
    if earlier:
        write_dsb2018_sample(tmp_path, "a", image, LABELS == 1)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    save = Image.Image.save

    def fill(picture: Image.Image, path: Path, **options: object) -> None:
        save(picture, path, **options)
        if path.name == "a.png":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fill)
    with pytest.raises(OutputError, match=r"a.*No space left on device.*has room"):
        write_dsb2018_sample(tmp_path, "a", image, LABELS == 2)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.png")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["a"] * earlier


@pytest.mark.parametrize("call", range(1, 8))
def test_a_sample_that_cannot_be_exchanged_stays_as_it_was(
    tmp_path: Path, call: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = LABELS.astype(np.uint8)
    write_dsb2018_sample(tmp_path, "a", image, LABELS == 1)
    sample = tmp_path / "a"
    before = {path: path.read_bytes() for path in sample.rglob("*.png")}
    rename, n_calls = os.rename, 0

    def refuse(source: Path, target: Path) -> None:
        nonlocal n_calls
        n_calls += 1
        if n_calls == call:
            raise PermissionError(13, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with contextlib.suppress(OutputError):
        write_dsb2018_sample(tmp_path, "a", 255 - image, LABELS == 2)
    after = {path: path.read_bytes() for path in sample.rglob("*.png")}
    is_old = after == before
    assert is_old or set(after) == set(before)
    assert is_old or not set(after.values()) & set(before.values())
