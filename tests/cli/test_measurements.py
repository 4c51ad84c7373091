"""Columns of the table of nuclei that are asked for, and outlines."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import roifile
import tifffile

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.images.calibration import Calibration
from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.core.settings.choices import Measurement
from napari_unet_nuclei.core.settings.measurements import MeasurementSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result
    from numpy.typing import NDArray


@pytest.fixture
def channels(tmp_path: Path) -> dict[str, NDArray[np.uint8]]:
    """Write an image of two channels that are named, with a pixel size."""
    pixels = draw_nuclei(0, (128, 160), 12)[0]
    planes = {"DAPI": pixels, "anti_Ki67": 255 - pixels}
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.stack(list(planes.values())),
        imagej=True,
        metadata={"axes": "CYX", "unit": "um", "Labels": ["DAPI", "anti-Ki67"]},
        resolution=(2, 2),
    )
    return planes


def read_table(path: Path) -> dict[str, list[str]]:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_a_table_with_everything_is_that_of_python(
    run: Callable[..., Result], channels: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["segment", tmp_path / "a.tif", "-o", out, "--model", "classic"]
    words += ["--channel", "0", "--format", "tiff,features,rois,geojson"]
    result = run(*words, "--measure", "all", "--ring", "2um")
    assert result.exit_code == 0, result.output
    labels = read_labels(out / "a.tif")
    expected = measure_nuclei(
        *(labels, channels["DAPI"]),
        calibration=Calibration(sizes={"Y": 0.5, "X": 0.5}, unit="um"),
        settings=MeasurementSettings(what=tuple(Measurement), ring=2, ring_unit="um"),
        channels=channels,
    )
    table = read_table(out / "a_nuclei.csv")
    assert set(table) == {*expected, "probability", "signal"}
    for name, column in expected.items():
        found = [{"True": 1.0, "False": 0.0}.get(each) for each in table[name]]
        if name != "touches_border":
            found = [float(each or "nan") for each in table[name]]
        np.testing.assert_allclose(found, column, rtol=1e-5, err_msg=name)
    assert len(roifile.roiread(out / "a_rois.zip")) == labels.max()
    content = json.loads((out / "a_nuclei.geojson").read_text())
    assert len(content["features"]) == labels.max()


def test_columns_without_a_table_are_refused(
    run: Callable[..., Result], channels: Any, tmp_path: Path
) -> None:
    words = ["segment", tmp_path / "a.tif", "-o", tmp_path / "out", "--channel", "0"]
    for more in (["--ring", "5px"], ["--measure", "shape"]):
        result = run(*words, *more)
        assert result.exit_code == 1
        assert "add features to it" in " ".join(result.output.split())
    result = run(*words, "--format", "features", "--measure", "size")
    assert result.exit_code == 1
    assert "shape, intensity, border, or all" in " ".join(result.output.split())
    assert not (tmp_path / "out").exists()


def test_a_ring_in_a_unit_that_an_image_lacks_is_said_of_it(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    pixels = draw_nuclei(0, (128, 160), 12)[0]
    tifffile.imwrite(tmp_path / "plain.tif", pixels, photometric="minisblack")
    words = ["segment", tmp_path / "plain.tif", "-o", tmp_path / "out"]
    words += ["--model", "classic", "--format", "features", "--ring"]
    result = run(*words, "2um")
    assert result.exit_code == 1
    assert "width of the ring in px" in " ".join(result.output.split())
    assert run(*words, "5").exit_code == 0
