"""What is dropped on a real canvas: ours opens, the rest is napari's business."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from imageio.v3 import imwrite
from napari._qt.qt_viewer import QtViewer
from napari.layers import Image, Labels
from napari.settings import get_settings
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff
from napari_unet_nuclei.plugin.files.dropping import is_ours, watch_drops
from napari_unet_nuclei.plugin.files.opening import choose_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = np.zeros((6, 8), int)
LABELS[1:3, 1:4] = 1
IMAGE = np.arange(48, dtype=np.uint8).reshape(6, 8)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A folder with things to drop: ours begin with o, those of others with x."""
    write_dsb2018_sample(tmp_path / "o-set", "a", IMAGE, LABELS)
    write_dsb2018_sample(tmp_path / "o-set", "b", IMAGE, LABELS)
    with zipfile.ZipFile(tmp_path / "o-any-name.zip", "w") as file:
        for path in sorted((tmp_path / "o-set").rglob("*.png")):
            file.write(path, str(path.relative_to(tmp_path)))
    (tmp_path / "o-results").mkdir()
    write_labels_tiff(tmp_path / "o-results/a.tif", LABELS)
    write_labels_tiff(tmp_path / "o-any-name.tif", LABELS)
    write_labels_png(tmp_path / "o-any-name.png", LABELS)

    (tmp_path / "x-pngs").mkdir()
    imwrite(tmp_path / "x-pngs/0.png", IMAGE)
    imwrite(tmp_path / "x-cell_masks.png", LABELS.astype(np.uint16))
    imwrite(tmp_path / "x-image.png", IMAGE)
    (tmp_path / "x-empty").mkdir()
    (tmp_path / "x-image.zarr").mkdir()
    (tmp_path / "x-image.zarr/.zarray").write_text("{}")
    # Labels of ours beside their image: who drops the folder may want either.
    (tmp_path / "x-beside").mkdir()
    imwrite(tmp_path / "x-beside/a.png", IMAGE)
    write_labels_tiff(tmp_path / "x-beside/a_masks.tif", LABELS)
    # Samples made from an image, below it.
    imwrite(tmp_path / "x-beside/b.png", IMAGE)
    write_dsb2018_sample(tmp_path / "x-beside", "b", IMAGE, LABELS)
    with zipfile.ZipFile(tmp_path / "x-other.zip", "w") as file:
        file.writestr("readme.txt", "")
    return tmp_path


def test_it_looks_inside_before_it_claims(places: Path) -> None:
    claimed = {path.name for path in places.iterdir() if is_ours([str(path)])}
    assert claimed == {path.name for path in places.iterdir() if path.name[0] == "o"}
    assert is_ours([str(places / "o-set"), str(places / "o-any-name.tif")])
    assert not is_ours([str(places / "o-set"), str(places / "x-pngs")])
    assert not is_ours([])


def test_a_reader_chosen_for_good_stays_chosen(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {"*.tif": "napari"}
    monkeypatch.setattr(get_settings().plugins, "extension2reader", chosen)
    assert not is_ours([str(places / "o-any-name.tif")])
    assert is_ours([str(places / "o-any-name.png")])


def drop(widget: Any, *paths: Path) -> None:
    """Do what a file manager does."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    nothing = Qt.KeyboardModifier.NoModifier
    entering = QDragEnterEvent(QPoint(50, 50), copy, mime, left, nothing)
    QApplication.sendEvent(widget, entering)
    assert entering.isAccepted()
    dropping = QDropEvent(QPointF(50, 50), copy, mime, left, nothing)
    QApplication.sendEvent(widget, dropping)


@pytest.fixture
def left_to_napari(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What napari opens itself."""
    opened: list[str] = []
    monkeypatch.setattr(
        QtViewer, "_qt_open", lambda self, paths, **kwargs: opened.extend(paths)
    )
    return opened


@pytest.fixture
def viewer(make_napari_viewer: Callable[..., Any], left_to_napari: list[str]) -> Any:
    """A window in which the plugin is active."""
    viewer = make_napari_viewer()
    watch_drops()  # what focus does outside of tests
    return viewer


def test_opening_a_widget_begins_the_watch(
    make_napari_viewer: Callable[..., Any], places: Path, npe2pm: Any
) -> None:
    npe2pm.register("napari-unet-nuclei")
    viewer = make_napari_viewer()
    viewer.window.add_plugin_dock_widget("napari-unet-nuclei", "Segment nuclei")
    drop(viewer.window._qt_viewer, places / "o-set")
    assert [type(layer) for layer in viewer.layers] == [Image, Labels]


def test_so_does_a_command_of_the_menu(
    make_napari_viewer: Callable[..., Any],
    places: Path,
    npe2pm: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    npe2pm.register("napari-unet-nuclei")
    viewer = make_napari_viewer()
    monkeypatch.setattr(
        QFileDialog, "getExistingDirectory", staticmethod(lambda *_: "")
    )
    choose_folder()
    drop(viewer.window._qt_viewer, places / "o-set")
    assert [type(layer) for layer in viewer.layers] == [Image, Labels]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("o-set", [Image, Labels]),
        ("o-set/a", [Image, Labels]),
        ("o-any-name.zip", [Image, Labels]),
        ("o-results", [Labels]),
        ("o-any-name.tif", [Labels]),
        ("o-any-name.png", [Labels]),
    ],
)
def test_what_is_ours_opens_without_a_question(
    viewer: Any,
    places: Path,
    left_to_napari: list[str],
    name: str,
    kinds: list[type],
) -> None:
    drop(viewer.window._qt_viewer, places / name)
    assert [type(layer) for layer in viewer.layers] == kinds
    assert viewer.layers[0].source.path == str(places / name)
    assert left_to_napari == []


@pytest.mark.parametrize(
    "name",
    ["x-pngs", "x-empty", "x-image.zarr", "x-other.zip", "x-image.png", "x-beside"],
)
def test_what_is_not_ours_is_left_to_napari(
    viewer: Any, places: Path, left_to_napari: list[str], name: str
) -> None:
    drop(viewer.window._qt_viewer, places / name)
    assert left_to_napari == [str(places / name)]
    assert len(viewer.layers) == 0


def test_dropping_a_data_set_again_opens_its_next_sample(
    viewer: Any, places: Path
) -> None:
    for _ in range(3):
        drop(viewer.window._qt_viewer, places / "o-set")
    images = [each for each in viewer.layers if isinstance(each, Image)]
    assert [each.metadata["sample_id"] for each in images] == ["a", "b", "a"]


def test_with_a_key_held_down_it_is_for_napari_to_say(
    viewer: Any,
    places: Path,
    left_to_napari: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "napari_unet_nuclei.plugin.files.dropping.QGuiApplication.keyboardModifiers",
        lambda: Qt.KeyboardModifier.AltModifier,
    )
    drop(viewer.window._qt_viewer, places / "o-set")
    assert left_to_napari == [str(places / "o-set")]


def test_a_damaged_sample_is_explained(
    viewer: Any, places: Path, notifications: list[str]
) -> None:
    (places / "o-set/a/images/a.png").write_text("no image")
    drop(viewer.window._qt_viewer, places / "o-set/a")
    assert len(viewer.layers) == 0
    assert any("a.png, which holds text" in each for each in notifications)


def test_the_welcome_screen_and_later_windows_are_watched_too(
    make_napari_viewer: Callable[..., Any], places: Path
) -> None:
    viewers = []
    for _ in range(2):
        viewers.append(make_napari_viewer())
        watch_drops()
    for viewer in viewers:
        widget = viewer.window._qt_viewer
        drop(getattr(widget, "_welcome_widget", widget), places / "o-any-name.tif")
        assert len(viewer.layers) == 1
