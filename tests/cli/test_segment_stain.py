"""``segment --stain``: what was seen of colour images is said, and can be chosen."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.files.label_records import read_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from typer.testing import Result


@pytest.fixture
def photos(
    tmp_path: Path, stain: Callable[..., Any], cells_in_colours: Callable[..., Any]
) -> Path:
    """A stained image, one of several fluorescences, and a grey one."""
    nuclei, labels = draw_nuclei(0, (192, 256), 20)
    folder = tmp_path / "photos"
    folder.mkdir()
    images = {
        "stained": stain(nuclei),
        "colours": cells_in_colours(nuclei, labels, 2),
        "grey": nuclei,
    }
    for name, image in images.items():
        Image.fromarray(image).save(folder / f"{name}.png")
    return folder


def test_what_was_seen_is_said_and_written(
    run: Callable[..., Result], photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["segment", photos, "-o", out, "--model", "classic"]
    result = run(*words, "--format", "tiff,features")
    assert result.exit_code == 0, result.output
    said = "Seen as hematoxylin: 1 image; nuclei found in blue: 1 image. Set --stain"
    assert said in " ".join(result.output.split())
    signals = {"stained": "he", "colours": "blue", "grey": "none"}
    for name, signal in signals.items():
        record = read_record(out / f"{name}.tif")
        assert record is not None
        assert record.provenance["signal"] == signal
        assert record.provenance["settings"]["stain"] == "auto"
        with (out / f"{name}_nuclei.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == read_labels(out / f"{name}.tif").max() > 15
        assert {row["signal"] for row in rows} == {signal}


def test_what_is_seen_can_be_chosen(
    run: Callable[..., Result], photos: Path, tmp_path: Path
) -> None:
    words = ["segment", photos / "colours.png", "-o", tmp_path, "--model", "classic"]
    result = run(*words, "--stain", "green")
    assert result.exit_code == 0, result.output
    assert "Set --stain" not in result.output
    record = read_record(tmp_path / "colours.tif")
    assert record is not None
    assert record.provenance["signal"] == "green"


def test_an_unknown_stain_is_refused(
    run: Callable[..., Result], photos: Path, tmp_path: Path
) -> None:
    result = run("segment", photos, "-o", tmp_path / "out", "--stain", "giemsa")
    assert result.exit_code == 2
    assert "hdab" in result.output
