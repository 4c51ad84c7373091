"""From the save dialogs to a dropped file, with everything back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtWidgets import QFileDialog

from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.files.rle import read_rle_csv
from napari_unet_nuclei.plugin.files import opening, saving
from napari_unet_nuclei.plugin.files.opening import open_paths
from napari_unet_nuclei.plugin.files.saving import labels_to_save, propose_path, save

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DATA = np.array([[1, 1, 0, 2], [0, 0, 2, 2], [3, 0, 0, 0]])
FEATURES = {"index": np.arange(4), "area": [np.nan, 2.0, 3.0, 1.0]}
METADATA = {"sample_id": "cells", "model": "resnet", "command": "… segment cells.tif"}
OURS = "U-Net nuclei label image with scale and table (*.tif"


@pytest.fixture
def viewer(make_napari_viewer: Callable[..., Any]) -> Any:
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((3, 4)), name="cells", scale=(0.5, 0.5), units="um")
    viewer.add_labels(
        DATA,
        name="cells nuclei",
        scale=(0.5, 0.5),
        units="um",
        features=FEATURES,
        metadata=METADATA,
    )
    return viewer


def assert_is_back(layer: Any) -> None:
    assert isinstance(layer, Labels)
    np.testing.assert_array_equal(layer.data, DATA)
    np.testing.assert_array_equal(layer.scale, (0.5, 0.5))
    assert [str(unit) for unit in layer.units] == ["micrometer", "micrometer"]
    assert layer.metadata == METADATA
    np.testing.assert_array_equal(layer.features["area"], FEATURES["area"])


def test_what_naparis_dialog_saves_with_our_format_comes_back(
    viewer: Any, npe2pm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is the proposed one, to which the dialog adds no suffix."""
    npe2pm.register("napari-unet-nuclei")

    def answer(parent: Any, caption: str, directory: str, filter: str, **_: Any) -> Any:
        (ours,) = [kind for kind in filter.split(";;") if kind.startswith(OURS)]
        return str(tmp_path / directory.rsplit("/", 1)[-1]), ours

    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(answer))
    viewer.layers.selection = [viewer.layers["cells nuclei"]]
    viewer.window._qt_viewer._save_layers_dialog(selected=True)
    (path,) = tmp_path.iterdir()
    assert path.name == "cells_masks.tif"
    (back,) = viewer.open(path, plugin="napari-unet-nuclei")
    assert_is_back(back)


@pytest.mark.parametrize(
    ("name", "kind", "written"),
    [
        ("", "Label", "cells_masks.tif"),
        ("a.tif", "16-bit", "a.tif"),
        ("a", "16-bit", "a_masks.png"),
        ("a.ome.tif", "Label", "a.ome.tif"),
    ],
)
def test_our_own_dialog_has_our_formats_alone(
    viewer: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    notifications: list[str],
    name: str,
    kind: str,
    written: str,
) -> None:
    asked = {}

    def answer(parent: Any, caption: str, path: str, kinds: str) -> Any:
        asked["kinds"] = kinds.split(";;")
        proposed = path.rsplit("/", 1)[-1]
        (chosen,) = [each for each in asked["kinds"] if each.startswith(kind)]
        return str(tmp_path / (name or proposed)), chosen

    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(answer))
    saving.choose_file()
    assert asked["kinds"][0] == "Label image with scale and table (*.tif *.tiff)"
    (path,) = tmp_path.iterdir()
    assert path.name == written
    (told,) = [each for each in notifications if each.startswith("Saved")]
    assert ("otherwise it opens as an image" in told) == ("_masks" not in written)

    chosen = ([str(path)], "")
    monkeypatch.setattr(
        QFileDialog, "getOpenFileNames", staticmethod(lambda *_: chosen)
    )
    opening.choose_files()
    assert_is_back(viewer.layers[-1])


def test_run_lengths_are_chosen_by_their_suffix(tmp_path: Path) -> None:
    save(Labels(DATA, name="cells"), str(tmp_path / "a.csv"))
    assert list(read_rle_csv(tmp_path / "a.csv")) == ["cells"]


def test_what_cannot_be_saved_is_explained(
    tmp_path: Path, notifications: list[str]
) -> None:
    save(Labels(DATA - 2), str(tmp_path / "a.tif"))
    assert any("must lie between 0" in each for each in notifications)
    assert list(tmp_path.iterdir()) == []


def test_labels_go_beside_their_image(tmp_path: Path) -> None:
    metadata = {"image_path": str(tmp_path / "cells.tif")}
    layer = Labels(DATA, name="a/b: nuclei", metadata=metadata)
    assert propose_path(layer) == str(tmp_path / "a_b__masks.tif")
    layer.metadata = {"image_path": str(tmp_path / "gone" / "cells.tif")}
    assert str(tmp_path) not in propose_path(layer)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a\0b\nc\ud800 nuclei", "a_b_c__masks.tif"),
        ("x" * 300, "x" * 200 + "_masks.tif"),
        ("é" * 300 + " nuclei", "é" * 100 + "_masks.tif"),
    ],
)
def test_any_name_of_a_layer_is_proposed_as_one_that_can_be_saved(
    tmp_path: Path, name: str, expected: str
) -> None:
    image_path = str(tmp_path / "cells.tif")
    layer = Labels(DATA, name=name, metadata={"image_path": image_path})
    assert propose_path(layer) == str(tmp_path / expected)
    save(layer, propose_path(layer))
    assert (tmp_path / expected).exists()


@pytest.mark.parametrize("name", ["a.b_masks.tif", "a.b_masks.OME.tif", "a.b.tif"])
def test_who_saves_a_name_that_napari_does_not_find_is_told(
    tmp_path: Path, notifications: list[str], name: str
) -> None:
    save(Labels(DATA), str(tmp_path / name))
    is_told = "does not end in _masks" in notifications[-1]
    assert is_told == (name == "a.b.tif")


def test_the_labels_to_save_are_never_guessed(
    monkeypatch: pytest.MonkeyPatch, notifications: list[str]
) -> None:
    viewer = ViewerModel()
    first = viewer.add_labels(DATA)
    viewer.add_image(np.zeros((3, 4)))
    assert labels_to_save(viewer) is first
    second = viewer.add_labels(DATA)
    assert labels_to_save(viewer) is second
    viewer.layers.selection.clear()
    assert labels_to_save(viewer) is None
    monkeypatch.setattr("napari.current_viewer", lambda: viewer)
    saving.choose_file()
    assert notifications == ["Select one labels layer to save."]


def test_a_folder_from_the_menu_opens(
    viewer: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    notifications: list[str],
) -> None:
    folder = str(tmp_path)
    monkeypatch.setattr(
        QFileDialog, "getExistingDirectory", staticmethod(lambda *_: folder)
    )
    n_layers = len(viewer.layers)
    opening.choose_folder()
    assert len(viewer.layers) == n_layers
    assert any("Expected a DSB2018 sample or data set, or" in n for n in notifications)
    save(viewer.layers["cells nuclei"], str(tmp_path / "any.tif"))
    opening.choose_folder()
    assert_is_back(viewer.layers[-1])


def test_any_label_image_opens_from_the_menu(tmp_path: Path) -> None:
    from imageio.v3 import imwrite

    imwrite(tmp_path / "of another program.tif", DATA.astype(np.int32))
    (layer,) = open_paths(ViewerModel(), [tmp_path / "of another program.tif"])
    np.testing.assert_array_equal(layer.data, DATA)
    np.testing.assert_array_equal(
        read_labels(tmp_path / "of another program.tif"), DATA
    )
