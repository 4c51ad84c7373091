from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from imageio.v3 import imwrite
from napari.components import ViewerModel
from npe2 import DynamicPlugin, PluginManifest, io_utils

import napari_unet_nuclei
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.plugin.files.opening import open_paths
from napari_unet_nuclei.plugin.files.reader import get_reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

MANIFEST = Path(napari_unet_nuclei.__file__).with_name("napari.yaml")
NAME = "napari-unet-nuclei"
IMAGE = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
LABELS = np.zeros((6, 8), np.int32)
LABELS[1:3, 1:4] = 1
LABELS[4:, 5:] = 2
LARGEST_SET = Path(__file__).parents[4] / "shared/data/stage1_train.zip"


@pytest.fixture
def plugins(npe2pm: Any) -> Any:
    npe2pm.register(PluginManifest.from_file(MANIFEST))
    return npe2pm


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder of three samples: a is grey and without nuclei."""
    path = tmp_path / "stage1_train"
    write_dsb2018_sample(path, "a", IMAGE[..., 0], np.zeros((6, 8), int))
    write_dsb2018_sample(path, "b", IMAGE, LABELS)
    write_dsb2018_sample(path, "c", IMAGE, LABELS == 2)
    return path


def read(
    paths: list[str], *, stack: bool
) -> list[tuple[NDArray[Any], dict[Any, Any], str]]:
    """Read as npe2 does once a path is ours, which it finds by its name alone."""
    path = paths if stack else paths[0]
    return get_reader(path)(path)


def zip_folder(folder: Path) -> str:
    return shutil.make_archive(str(folder), "zip", folder.parent, folder.name)


@pytest.fixture(params=["folder", "parent", "zip"])
def data_set(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "zip":
        return zip_folder(folder)
    return str(folder if request.param == "folder" else folder.parent)


def test_a_sample_folder_becomes_an_image_and_its_nuclei(
    folder: Path, notifications: list[Any]
) -> None:
    layers = read([str(folder / "b")], stack=False)
    (image, image_kwargs, image_type), (labels, labels_kwargs, labels_type) = layers
    np.testing.assert_array_equal(image, IMAGE)
    np.testing.assert_array_equal(labels, LABELS)
    assert (image_type, labels_type) == ("image", "labels")
    assert (image_kwargs["name"], labels_kwargs["name"]) == ("b", "b nuclei")
    assert image_kwargs["rgb"]
    metadata = {
        "sample_id": "b",
        "data_set": str(folder / "b"),
        "sample_ids": ("b",),
    }
    assert image_kwargs["metadata"] == labels_kwargs["metadata"] == metadata
    assert notifications == []


def test_napari_takes_the_layers(plugins: Any, folder: Path) -> None:
    image, labels = open_paths(ViewerModel(), [folder / "a"])
    assert not image.rgb
    assert image.source.path == str(folder / "a")
    assert labels.data.max() == 0
    assert labels.data.dtype == np.int32


def test_a_data_set_opens_at_its_first_sample(
    plugins: Any, data_set: str, notifications: list[Any]
) -> None:
    (_, kwargs, _), (labels, _, _) = read([data_set], stack=False)
    assert labels.shape == (6, 8)
    assert kwargs["metadata"]["sample_ids"] == ("a", "b", "c")
    assert kwargs["metadata"]["data_set"] == data_set
    (sentence,) = notifications
    assert sentence.startswith(f"Sample 1 of 3 in {Path(data_set).name}. Open it again")
    assert sentence.endswith("folder of any sample.") != data_set.endswith(".zip")


def test_opening_a_data_set_again_opens_its_next_sample(
    plugins: Any, data_set: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = ViewerModel()
    monkeypatch.setattr("napari.current_viewer", lambda: viewer)
    pytest.importorskip("qtpy")
    viewer.add_image(IMAGE, metadata={"data_set": "another", "sample_id": "c"})
    viewer.add_image(IMAGE, metadata={"data_set": data_set, "sample_id": "gone"})
    names = [open_paths(viewer, [data_set])[0].metadata["sample_id"] for _ in range(5)]
    assert names == ["a", "b", "c", "a", "b"]
    viewer.layers.clear()
    assert open_paths(viewer, [data_set])[0].name == "a"


def test_without_a_window_it_is_the_first_again(
    plugins: Any, data_set: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "qtpy", raising=False)
    names = [read([data_set], stack=False)[0][1]["name"] for _ in range(2)]
    assert names == ["a", "a"]


def test_several_samples_are_opened_side_by_side(plugins: Any, folder: Path) -> None:
    layers = read([str(folder / "b"), str(folder / "c")], stack=True)
    assert [kwargs["name"] for _, kwargs, _ in layers] == [
        "b",
        "b nuclei",
        "c",
        "c nuclei",
    ]


def test_a_sample_without_annotations_is_an_image(plugins: Any, folder: Path) -> None:
    shutil.rmtree(folder / "b/masks")
    ((image, kwargs, layer_type),) = read([str(folder / "b")], stack=False)
    assert layer_type == "image"
    assert kwargs["metadata"]["sample_id"] == "b"
    np.testing.assert_array_equal(image, IMAGE)


def fill_with_images(path: Path, suffix: str) -> Path:
    path.mkdir()
    for number in range(3):
        imwrite(path / f"{number}{suffix}", IMAGE)
    return path


def zarr_folder(path: Path) -> Path:
    path.mkdir()
    (path / ".zarray").write_text("{}")
    return path


FOREIGN = {
    "pngs": lambda path: fill_with_images(path, ".png"),
    "tiffs": lambda path: fill_with_images(path, ".tif"),
    "empty": lambda path: empty_folder(path),
    "image.zarr": lambda path: zarr_folder(path),
    "other.zip": lambda path: foreign_zip(path),
    "plain.tif": lambda path: path,
}


def add_folder_reader(plugin_manager: Any, name: str) -> None:
    """Register another plugin that reads any folder."""
    other = DynamicPlugin(name, plugin_manager=plugin_manager)
    other.register()

    @other.contribute.reader(filename_patterns=["*.roi"], accepts_directories=True)
    def read_any(path: Any) -> Any:
        return None


@pytest.mark.parametrize("n_others", [0, 1, 2])
@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_not_ours_has_the_readers_it_has_without_us(
    npe2pm: Any, tmp_path: Path, name: str, n_others: int
) -> None:
    """Else napari would ask which one to use."""
    path = str(FOREIGN[name](tmp_path / name))
    npe2pm.register(PluginManifest.from_distribution("napari"))
    for number in range(n_others):
        add_folder_reader(npe2pm, f"other-{number}")

    def readers() -> Any:
        return [each.plugin_name for each in npe2pm.iter_compatible_readers([path])]

    without_us = readers()
    npe2pm.register(PluginManifest.from_file(MANIFEST))
    assert readers() == without_us


def text(path: Path) -> Path:
    path.write_text("no image")
    return path


def empty_folder(path: Path) -> Path:
    path.mkdir()
    return path


def foreign_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("folder/readme.txt", "")
    return path


def folder_of_images(path: Any) -> Any:
    (path / "images").mkdir(parents=True)
    (path / "images/a.txt").touch()
    return path


def closed_folder(path: Any) -> Any:
    path.mkdir(mode=0)
    return path


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (text, "a.png"),
        (text, "a.zip"),
        (text, "a"),
        (empty_folder, "folder"),
        (empty_folder, "folder.zip"),
        (foreign_zip, "a.zip"),
        (folder_of_images, "folder"),
        (closed_folder, "folder"),
        (Path, "missing.zip"),
        (Path, "missing"),
    ],
)
def test_other_things_are_left_to_others(
    tmp_path: Path, make: Callable[..., Any] | type[Any], name: str
) -> None:
    assert get_reader(str(make(tmp_path / name))) is None


@pytest.mark.parametrize("path", ["", [], ["", ""], "https://example.org/data.zip"])
def test_what_is_no_path_is_left_to_others(
    path: list[Any] | str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert get_reader(path) is None


def test_one_sample_among_other_things_is_left_to_others(
    folder: Path, tmp_path: Path
) -> None:
    assert get_reader([str(folder / "a"), str(empty_folder(tmp_path / "b"))]) is None


def test_a_parent_with_other_folders_is_recognised(folder: Path) -> None:
    for number in range(30):
        (folder.parent / f"{number}").mkdir()
        (folder.parent / f"{number}/x").mkdir()
    assert get_reader(folder.parent) is not None


def test_a_refused_file_is_named(plugins: Any, tmp_path: Path) -> None:
    path = str(foreign_zip(tmp_path / "stage1_a.zip"))
    with pytest.raises(ValueError, match=r"returned data for .*a\.zip"):
        io_utils.read([path], stack=False)


def test_a_zip_named_like_dsb2018_is_ours(plugins: Any, folder: Path) -> None:
    layers, used = io_utils.read_get_reader([zip_folder(folder)], stack=False)
    assert used.command == f"{NAME}.get_reader"
    assert [kind for *_, kind in layers] == ["image", "labels"]


@pytest.mark.parametrize("pack", [str, zip_folder])
def test_bad_samples_of_a_data_set_are_passed_over(
    plugins: Any,
    folder: Path,
    pack: Callable[..., Any] | type[Any],
    notifications: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("qtpy")
    shutil.rmtree(folder / "a/images")
    path = pack(folder)
    viewer = ViewerModel()
    monkeypatch.setattr("napari.current_viewer", lambda: viewer)
    shown = [open_paths(viewer, [path])[0].metadata for _ in range(3)]
    assert [metadata["sample_id"] for metadata in shown] == ["b", "c", "b"]
    warnings = [sentence for sentence in notifications if "Skipped" in sentence]
    assert len(warnings) == 2
    assert "cannot be read: Sample a of" in warnings[0]
    assert "needs exactly one image in its images folder. Rec" in warnings[0]
    assert any(sentence.startswith("Sample 2 of 3 in") for sentence in notifications)


def test_several_bad_samples_make_one_warning(
    plugins: Any, folder: Path, notifications: list[Any]
) -> None:
    text(folder / "a/images/a.png")
    text(folder / "b/masks/b_0001.png")
    layers = read([str(folder)], stack=False)
    assert layers[0][1]["name"] == "c"
    assert notifications[0].startswith(
        "Skipped a sample that cannot be read (and 1 more): Expec"
    )
    assert "a/images/a.png, which holds text" in notifications[0]


def test_a_name_that_is_too_long_is_left_to_others() -> None:
    assert get_reader("n" * 300) is None
    assert get_reader("n" * 300 + ".zip") is None


@pytest.mark.skipif(not LARGEST_SET.exists(), reason="needs stage1_train.zip")
def test_kaggles_own_zip_opens(plugins: Any) -> None:
    (image, kwargs, _), (labels, _, _) = read([str(LARGEST_SET)], stack=False)
    assert image.shape == (256, 256, 4)
    assert labels.max() > 1
    assert len(kwargs["metadata"]["sample_ids"]) == 615


def test_a_window_walks_through_a_zip(
    make_napari_viewer: Callable[..., Any], folder: Path
) -> None:
    viewer = make_napari_viewer()
    path = zip_folder(folder)
    names = [viewer.open(path, plugin=NAME)[0].name for _ in range(3)]
    assert names == ["a", "b", "c"]
