"""Labels layers → outlines, in napari's save dialogs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import roifile
from napari.layers import Labels
from npe2.io_utils import write_get_writer

from napari_unet_nuclei.core.errors import LabelsError, OutputError
from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.plugin.files.saving import save
from napari_unet_nuclei.plugin.files.writer import write_geojson, write_rois
from napari_unet_nuclei.plugin.shared.layers import set_features

if TYPE_CHECKING:
    from pathlib import Path

LABELS = np.array([[1, 1, 0, 2], [0, 0, 2, 2], [3, 0, 0, 0]])
NAME = "napari-unet-nuclei"


def make_layer(data: Any = LABELS, **kwargs: Any) -> Labels:
    layer = Labels(data, name="cells", **kwargs)
    if layer.ndim == 2:
        set_features(layer, measure_nuclei(LABELS, LABELS))
    return layer


@pytest.mark.parametrize("suffix", ["zip", "geojson"])
def test_napari_finds_the_writer_by_the_suffix(
    plugins: Any, tmp_path: Path, suffix: str
) -> None:
    path = str(tmp_path / f"a.{suffix}")
    (written,), used = write_get_writer(path, [make_layer()], plugin_name=NAME)
    assert written == path
    assert used.command.endswith("rois" if suffix == "zip" else "geojson")


def test_outlines_have_the_table(tmp_path: Path) -> None:
    data, meta, _ = make_layer().as_layer_data_tuple()
    (path,) = write_geojson(str(tmp_path / "a"), data, meta)
    with open(path) as file:
        features = json.load(file)["features"]
    found = {each["properties"]["name"]: each["properties"] for each in features}
    assert list(found) == ["1", "2", "3"]
    assert found["2"]["measurements"]["area"] == 3
    (path,) = write_geojson(str(tmp_path / "b"), data, {})
    with open(path) as file:
        assert "measurements" not in json.load(file)["features"][0]["properties"]


@pytest.mark.parametrize("axes", [("z", "y", "x"), ("t", "c", "y", "x")])
def test_stacks_keep_their_planes(tmp_path: Path, axes: tuple[str, ...]) -> None:
    stack = np.stack([LABELS, LABELS * 0, LABELS])
    data = stack[:, np.newaxis] if len(axes) == 4 else stack
    meta = {"name": "a", "axis_labels": axes}
    (path,) = write_rois(str(tmp_path / "a.zip"), data, meta)
    rois = roifile.roiread(path)
    assert [roi.position for roi in rois] == [1, 1, 1, 3, 3, 3]
    with pytest.raises(LabelsError, match="axes CYX"):
        write_rois(str(tmp_path / "b"), stack, {"axis_labels": ("c", "y", "x")})


@pytest.mark.parametrize("write", [write_rois, write_geojson])
def test_an_image_is_not_replaced(tmp_path: Path, write: Any) -> None:
    path = tmp_path / ("a.zip" if write is write_rois else "a.geojson")
    path.write_text("raw")
    meta = {"metadata": {"image_path": str(path)}}
    with pytest.raises(OutputError, match="which is an image that is open"):
        write(str(path), LABELS, meta)
    assert path.read_text() == "raw"


@pytest.mark.parametrize("name", ["a.zip", "a.geojson"])
def test_our_own_dialog_has_them(
    tmp_path: Path, name: str, notifications: list[str]
) -> None:
    save(make_layer(), str(tmp_path / name))
    assert (tmp_path / name).exists()
    assert notifications == [f"Saved {tmp_path / name}."]
