"""Outlines become labels on top of the image they belong to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.plugin.files import outline_reader
from napari_unet_nuclei.plugin.files.opening import open_paths
from napari_unet_nuclei.plugin.files.reader import get_reader, is_ours_by_content
from napari_unet_nuclei.plugin.files.writer import write_geojson, write_rois
from napari_unet_nuclei.plugin.shared.pairing import Confidence, pair

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SHAPE = (60, 80)
FORMATS = pytest.mark.parametrize(
    ("write", "file"), [(write_rois, "a_rois.zip"), (write_geojson, "a_nuclei.geojson")]
)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What napari shows."""
    messages: list[str] = []
    for name in ("show_info", "show_warning"):
        monkeypatch.setattr(outline_reader, name, messages.append)
    return messages


def nuclei(seed: int = 1) -> NDArray[np.int32]:
    return np.asarray(draw_nuclei(seed, SHAPE, 8)[1], np.int32)


def save(
    write: Callable[..., Any], path: Path, labels: NDArray[Any], **kwargs: Any
) -> None:
    data, meta, _ = Labels(labels, **kwargs).as_layer_data_tuple()
    write(str(path), data, meta)


@FORMATS
def test_labels_lie_on_their_image_again(
    write: Callable[..., Any], file: str, tmp_path: Path, said: list[str]
) -> None:
    viewer = ViewerModel()
    place = {"scale": (0.5, 0.25), "translate": (3, 4), "units": ("um", "um")}
    image = viewer.add_image(np.zeros(SHAPE), name="b", **place)
    viewer.add_image(np.zeros((100, 200)), name="c")
    viewer.layers.selection.active = image
    save(write, tmp_path / file, nuclei())
    (layer,) = open_paths(viewer, [tmp_path / file])
    assert isinstance(layer, Labels)
    np.testing.assert_array_equal(layer.data, nuclei())
    np.testing.assert_allclose(layer.scale, image.scale)
    np.testing.assert_allclose(layer.translate, image.translate)
    assert layer.units == image.units
    assert layer.name == "a nuclei"
    assert pair(image, layer, [image]).confidence == Confidence.CERTAIN
    (sentence,) = said
    assert sentence.endswith(f"outlines from {file}: they lie on the image 'b'.")


@FORMATS
def test_an_image_of_their_name_comes_first(
    write: Callable[..., Any], file: str, tmp_path: Path, said: list[str]
) -> None:
    viewer = ViewerModel()
    viewer.add_image(np.zeros((100, 200)), name="a")
    viewer.add_image(np.zeros(SHAPE), name="b")
    save(write, tmp_path / file, nuclei())
    (layer,) = open_paths(viewer, [tmp_path / file])
    assert layer.data.shape == (100, 200)
    np.testing.assert_array_equal(layer.data[: SHAPE[0], : SHAPE[1]], nuclei())


@FORMATS
@pytest.mark.parametrize("axes", ["zyx", "tyx", "tzyx", "cyx", "zcyx"])
def test_stacks_and_channels(
    write: Callable[..., Any], file: str, axes: str, tmp_path: Path, said: list[str]
) -> None:
    viewer = ViewerModel()
    lengths = {"t": 3, "z": 2, "c": 2, "y": SHAPE[0], "x": SHAPE[1]}
    image = viewer.add_image(
        np.zeros([lengths[axis] for axis in axes]), name="a", axis_labels=tuple(axes)
    )
    of_labels = axes.replace("c", "")
    labels = np.zeros([lengths[axis] for axis in of_labels], np.int32)
    for seed, index in enumerate(np.ndindex(labels.shape[:-2])):
        labels[index] = nuclei(seed)
    save(write, tmp_path / file, labels, axis_labels=tuple(of_labels))
    (layer,) = open_paths(viewer, [tmp_path / file])
    np.testing.assert_array_equal(np.squeeze(layer.data), labels)
    assert pair(image, layer, [image]).confidence == Confidence.CERTAIN


def test_without_an_image_they_say_how_large_they_are(
    tmp_path: Path, said: list[str]
) -> None:
    viewer = ViewerModel()
    viewer.add_image(np.zeros((5, 5)))
    labels = np.zeros((9, 12), np.int32)
    labels[3:7, 4:11] = 7
    save(write_rois, tmp_path / "a.zip", labels)
    (layer,) = open_paths(viewer, [tmp_path / "a.zip"])
    np.testing.assert_array_equal(layer.data, labels[:7, :11])
    assert "no open image holds them all" in said[0]
    assert "(7 × 11)" in said[0]


def test_what_is_left_out_is_said(
    tmp_path: Path, plugins: Any, said: list[str]
) -> None:
    path = tmp_path / "a.geojson"
    square = {"type": "Polygon", "coordinates": [[[0, 0], [3, 0], [3, 3], [0, 3]]]}
    point = {"type": "Point", "coordinates": [3, 3]}
    path.write_text(json.dumps([{"geometry": square}, {"geometry": point}]))
    viewer = ViewerModel()
    (layer,) = viewer.open(str(path), plugin="napari-unet-nuclei")
    assert np.count_nonzero(layer.data) == 9
    assert said[1].startswith("a.geojson. Points, lines or nothing")
    path.write_text("nonsense")
    with pytest.raises(LabelsError, match="Expected outlines as GeoJSON"):
        open_paths(viewer, [path])


def test_napari_finds_the_reader_by_names(tmp_path: Path, plugins: Any) -> None:
    for name in ("a.roi", "a.geojson", "a_rois.zip", "RoiSet.zip", "b-RoiSet-2.zip"):
        manifests = plugins.iter_compatible_readers([str(tmp_path / name)])
        assert "napari-unet-nuclei" in {each.plugin_name for each in manifests}, name
    save(write_rois, tmp_path / "any.zip", nuclei())
    assert is_ours_by_content(str(tmp_path / "any.zip"))  # when it is dropped
    assert get_reader(str(tmp_path / "any.zip")) is not None
