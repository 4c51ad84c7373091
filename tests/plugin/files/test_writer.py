from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import dask.array as da
import napari
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from napari.components import ViewerModel
from napari.layers import Labels
from napari.layers._source import layer_source
from npe2 import write
from npe2.io_utils import write_get_writer
from PIL import Image

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.errors import LabelsError, OutputError
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.files.rle import read_rle_csv
from napari_unet_nuclei.core.files.run_lengths import decode_labels
from napari_unet_nuclei.plugin.files.sample_writer import write_dsb2018
from napari_unet_nuclei.plugin.files.writer import (
    write_png,
    write_rle,
    write_tiff,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

NAME = "napari-unet-nuclei"
IMAGE = np.random.default_rng(0).integers(0, 255, (3, 4, 3), np.uint8)
LABELS = np.array([[1, 1, 0, 2], [0, 0, 2, 2], [3, 0, 0, 0]])
STACK = np.stack([LABELS, LABELS * 2])
WRITERS = {"tif": write_tiff, "png": write_png, "csv": write_rle, "": write_dsb2018}


def read_back(path: str, meta: dict[str, Any]) -> NDArray[Any]:
    """Return the labels in a file or sample folder."""
    path = Path(path)
    if path.is_dir():
        masks = sorted((path / "masks").iterdir())
        labels = np.zeros_like(LABELS)
        for number, mask in enumerate(masks, start=1):
            labels[np.asarray(Image.open(mask)) > 0] = number
        return labels
    if path.suffix == ".csv":
        ((image_id, runs),) = read_rle_csv(path).items()
        assert image_id == meta.get("metadata", {}).get("sample_id", meta["name"])
        return decode_labels(runs, LABELS.shape)
    return read_labels(path)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "u4", "i8"])
@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("write_tiff", "a.tif"),
        ("write_tiff", "a.TIFF"),
        ("write_png", "a.png"),
        ("write_rle", "a.csv"),
        ("write_dsb2018", "folder"),
    ],
)
def test_what_napari_saves_comes_back(
    plugins: Any, tmp_path: Path, command: str, name: str, dtype: str
) -> None:
    layer = Labels(LABELS.astype(dtype), name="cells")
    path = str(tmp_path / name)
    if command == "write_dsb2018":  # npe2 knows the writer of a folder by name only
        (written,) = write(path, [layer], plugin_name=f"{NAME}.{command}")
        assert written == str(tmp_path / "folder" / "cells")
    else:
        (written,), used = write_get_writer(path, [layer], plugin_name=NAME)
        assert used.command == f"{NAME}.{command}"
        assert written == path
    np.testing.assert_array_equal(read_back(written, {"name": "cells"}), LABELS)


def test_the_save_dialog_offers_each_format(plugins: Any) -> None:
    writers = {
        writer.command.removeprefix(f"{NAME}."): writer.filename_extensions
        for writer in plugins.iter_compatible_writers(["labels"])
        if writer.command.startswith(NAME)
    }
    assert writers == {
        "write_tiff": [".tif", ".tiff"],
        "write_png": [".png"],
        "write_rle": [".csv"],
        "write_rois": [".zip"],
        "write_geojson": [".geojson"],
        "write_dsb2018": [],
    }


def test_other_layers_are_left_to_others(plugins: Any) -> None:
    for layer_types in (["image"], ["labels", "labels"], ["image", "labels"]):
        for writer in plugins.iter_compatible_writers(layer_types):
            assert not writer.command.startswith(NAME)


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_who_names_no_plugin_gets_the_writer_of_napari(
    plugins: Any, tmp_path: Path, name: str
) -> None:
    """Which opens again as labels there, whether or not this plugin is installed."""
    viewer = ViewerModel()
    viewer.add_labels(LABELS.astype(np.int32))
    (written,) = viewer.layers.save(str(tmp_path / name))
    assert tifffile.imread(written).dtype.itemsize >= 4


@settings(deadline=None, max_examples=20)
@given(
    hnp.arrays(
        st.sampled_from(["u1", "i4"]),
        hnp.array_shapes(min_dims=2, max_dims=4, max_side=5),
        elements=st.integers(0, 100),
    )
)
def test_a_tiff_keeps_stacks(
    tmp_path_factory: pytest.TempPathFactory, labels: Any
) -> None:
    path = str(tmp_path_factory.mktemp("labels") / "a.tif")
    write_tiff(path, labels, {})
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_imagej
        back = tiff.asarray()
    assert back.shape[-2:] == labels.shape[-2:]  # a stack of one comes back as a plane
    np.testing.assert_array_equal(back.reshape(labels.shape), labels)


def test_a_tiff_knows_the_size_of_a_pixel(tmp_path: Path) -> None:
    layer = Labels(
        STACK, scale=(2, 0.5, 0.25), units=("um",) * 3, axis_labels=("z", "y", "x")
    )
    data, meta, _ = layer.as_layer_data_tuple()
    (path,) = write_tiff(str(tmp_path / "a.tif"), data, meta)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.series[0].axes == "ZYX"
        assert tiff.imagej_metadata["unit"] == "um"
        assert tiff.imagej_metadata["spacing"] == 2
        tags = tiff.pages[0].tags
        assert tags["XResolution"].value == (4, 1)
        assert tags["YResolution"].value == (2, 1)


def test_a_tiff_has_its_axes_in_the_order_of_imagej(tmp_path: Path) -> None:
    meta = {"axis_labels": ("z", "t", "y", "x")}
    data = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    (path,) = write_tiff(str(tmp_path / "a.tif"), data, meta)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.series[0].axes == "TZYX"
        np.testing.assert_array_equal(tiff.asarray(), data.swapaxes(0, 1))


@pytest.mark.parametrize("suffix", ["png", "csv", ""])
def test_stacks_that_a_format_cannot_hold_are_refused(
    tmp_path: Path, suffix: str
) -> None:
    with pytest.raises(LabelsError, match=r"of shape \(Y, X\). Received: shape \(2, 3"):
        WRITERS[suffix](str(tmp_path / f"a.{suffix}"), STACK, {"name": "a"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize(
    ("data", "meta"),
    [
        (LABELS[np.newaxis], {}),
        ([LABELS, LABELS[::2, ::2]], {"multiscale": True}),
        (da.from_array(LABELS), {}),
    ],
    ids=["stack of one", "multiscale", "dask"],
)
def test_any_kind_of_layer_can_be_saved(
    tmp_path: Path, suffix: str, data: Any, meta: dict[Any, Any]
) -> None:
    meta = {"name": "a", **meta}
    (path,) = WRITERS[suffix](str(tmp_path / f"a.{suffix}"), data, meta)
    back = tifffile.imread(path) if suffix == "tif" else read_back(path, meta)
    np.testing.assert_array_equal(np.squeeze(back), LABELS)


NOT_ANNOTATED = np.array([[-1, 1]])


@pytest.mark.parametrize(
    ("suffix", "data"),
    [
        *product(
            WRITERS,
            [
                np.array([[0.5, 1], [0, 0]]),
                np.array([[-2, 1]]),
                np.zeros((0, 4), int),
            ],
        ),
        *product(["png", "csv", ""], [NOT_ANNOTATED]),
    ],
)
def test_only_labels_are_saved(tmp_path: Path, suffix: str, data: NDArray[Any]) -> None:
    with pytest.raises(LabelsError, match=r"labels must .* Received"):
        WRITERS[suffix](str(tmp_path / f"a.{suffix}"), data, {"name": "a"})
    assert list(tmp_path.iterdir()) == []


def test_a_tiff_keeps_what_is_not_annotated(tmp_path: Path) -> None:
    (path,) = write_tiff(str(tmp_path / "a.tif"), NOT_ANNOTATED, {"name": "a"})
    np.testing.assert_array_equal(tifffile.imread(path), NOT_ANNOTATED)


@pytest.mark.parametrize("suffix", WRITERS)
def test_images_without_nuclei_can_be_saved(tmp_path: Path, suffix: str) -> None:
    meta = {"name": "a"}
    (path,) = WRITERS[suffix](str(tmp_path / f"a.{suffix}"), LABELS * 0, meta)
    assert not read_back(path, meta).any()


@pytest.mark.parametrize(
    ("name", "suffix", "expected"),
    [
        ("b1.cells", "csv", "b1.cells.csv"),
        ("b1.cells", "png", "b1.cells_masks.png"),
        ("cells nuclei", "tif", "cells_masks.tif"),  # as the dialog proposes it
        ("cells_masks", "tif", "cells_masks.tif"),
    ],
)
def test_a_suffix_that_was_left_out_is_appended(
    tmp_path: Path, name: str, suffix: str, expected: str
) -> None:
    """With the name by which napari finds the labels to be ours."""
    (path,) = WRITERS[suffix](str(tmp_path / name), LABELS, {"name": "a"})
    assert path == str(tmp_path / expected)
    assert Path(path).exists()


@pytest.mark.parametrize("suffix", ["tif", "png", "csv"])
def test_a_file_the_dialog_did_not_ask_about_is_not_replaced(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / ("a.csv" if suffix == "csv" else f"a_masks.{suffix}")
    path.write_text("precious")
    with pytest.raises(OutputError, match=rf"ends in \.{suffix}\. Received: .*exists"):
        WRITERS[suffix](str(tmp_path / "a"), LABELS, {"name": "a"})
    assert path.read_text() == "precious"


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_place_that_cannot_be_written_to_is_named(
    tmp_path: Path, suffix: str
) -> None:
    (tmp_path / "file").touch()
    path = str(tmp_path / "file" / f"a.{suffix}")
    with pytest.raises(OutputError, match=r"to write to. Received: .*file"):
        WRITERS[suffix](path, LABELS, {"name": "a"})


@pytest.mark.parametrize("suffix", ["csv", ""])
def test_nuclei_belong_to_the_sample_they_were_found_in(
    tmp_path: Path, suffix: str
) -> None:
    meta = {"name": "b nuclei", "metadata": {"sample_id": "b"}}
    (path,) = WRITERS[suffix](str(tmp_path / f"a.{suffix}"), LABELS, meta)
    assert suffix or path == str(tmp_path / "a." / "b")
    np.testing.assert_array_equal(read_back(path, meta), LABELS)


@pytest.mark.parametrize("metadata", [{"image_path": 5}, {"data_set": [1]}])
def test_metadata_that_hold_no_paths_do_not_stop_a_save(
    tmp_path: Path, metadata: dict[str, Any]
) -> None:
    meta = {"name": "a\0b\ud800", "metadata": metadata}
    for _ in range(2):
        write_tiff(str(tmp_path / "a.tif"), LABELS, meta)
        (folder,) = write_dsb2018(str(tmp_path), LABELS, meta)
    assert folder == str(tmp_path / "a_b_")


@pytest.fixture
def image_file(tmp_path: Path) -> Path:
    """An image that nobody wants to lose, with a name for each format."""
    path = tmp_path / "raw"
    path.write_bytes(b"raw")
    return path


@pytest.mark.parametrize("suffix", ["tif", "png", "csv"])
@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_the_image_that_labels_were_made_from_is_not_replaced(
    image_file: Path, suffix: str, link: Callable[..., Any] | None
) -> None:
    path = image_file.with_suffix(f".{suffix}")
    image_file.rename(path) if link is None else link(image_file, path)
    image = path if link is None else image_file
    meta = {"name": "a", "metadata": {"image_path": str(image)}}
    with pytest.raises(OutputError, match="which is an image that is open"):
        WRITERS[suffix](str(path), LABELS, meta)
    assert image.read_bytes() == path.read_bytes() == b"raw"
    meta["metadata"] = {"image_path": "another.tif"}
    WRITERS[suffix](str(path), LABELS, meta)
    assert path.read_bytes() != b"raw"


@pytest.mark.parametrize("suffix", ["tif", "png", "csv"])
def test_no_image_of_the_window_is_replaced(
    image_file: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = image_file.rename(image_file.with_suffix(f".{suffix}"))
    viewer = ViewerModel()
    with layer_source(path=str(path)):
        viewer.add_image(IMAGE)
    monkeypatch.setattr(napari, "current_viewer", lambda: viewer)
    with pytest.raises(OutputError, match="which is an image that is open"):
        WRITERS[suffix](str(path), LABELS, {"name": "a"})
    assert path.read_bytes() == b"raw"
    viewer.layers.clear()
    WRITERS[suffix](str(path), LABELS, {"name": "a"})
    assert path.read_bytes() != b"raw"


def test_the_image_of_a_sample_is_not_replaced(tmp_path: Path) -> None:
    write_dsb2018_sample(tmp_path / "data", "a", IMAGE, LABELS)
    metadata = {"data_set": str(tmp_path / "data"), "sample_id": "a"}
    path = tmp_path / "data/a/images/a.png"
    before = path.read_bytes()
    with pytest.raises(OutputError, match="which is an image that is open"):
        write_png(str(path), LABELS, {"name": "a", "metadata": metadata})
    assert path.read_bytes() == before
