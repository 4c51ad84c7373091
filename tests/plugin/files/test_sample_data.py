from __future__ import annotations

import hashlib
import io
import socket
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from npe2 import PluginManifest
from qtpy.QtCore import QThreadPool, QTimer
from qtpy.QtWidgets import QApplication, QLabel, QProgressDialog, QPushButton

import napari_unet_nuclei
from napari_unet_nuclei.core.datasets import downloads
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.datasets.transfer import (
    DownloadCancelledError,
    DownloadError,
    OnlineDataSet,
)
from napari_unet_nuclei.plugin.files import download_dialog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

MANIFEST = Path(napari_unet_nuclei.__file__).with_name("napari.yaml")
NAME = "napari-unet-nuclei"
DOWNLOADED = ("dsb2018_fluorescence", "stage1_train")  # the others are to train on
EXAMPLES = {"ihc", "synthetic_nuclei"}


@pytest.fixture
def viewer(npe2pm: Any, monkeypatch: pytest.MonkeyPatch) -> ViewerModel:
    """The model of a viewer that is the current one."""
    npe2pm.register(PluginManifest.from_file(MANIFEST))
    model = ViewerModel()
    monkeypatch.setattr("napari.current_viewer", lambda: model)
    return model


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(downloads, "cache_folder", lambda: folder)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Offers a file of this computer instead of the real data set."""

    def offer(name: Any, port: Any, content: Any = b"") -> None:
        data_set = OnlineDataSet(
            url=f"http://127.0.0.1:{port}/{name}.zip",
            sha256=hashlib.sha256(content).hexdigest(),
            part=downloads.DATA_SETS[name].part,
        )
        monkeypatch.setitem(downloads.DATA_SETS, name, data_set)

    return offer


@pytest.fixture
def online(
    tmp_path: Path, cache: Path, offer: Callable[..., Any]
) -> Iterator[list[Any]]:
    """A server with small data sets; what it was asked for."""
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            asked.append(self.path)

    contents = {
        "dsb2018_fluorescence": fluorescence_zip(),
        "stage1_train": stage1_zip(tmp_path),
    }
    folder = tmp_path / "server"
    folder.mkdir()
    for name, content in contents.items():
        (folder / f"{name}.zip").write_bytes(content)
    handler = partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        for name, content in contents.items():
            offer(name, server.server_port, content)
        yield asked
        server.shutdown()
        thread.join()


def fluorescence_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for number, name in enumerate(("train/a", "train/b", "test/c")):
            part, stem = name.split("/")
            arrays = draw_nuclei(number, (64, 80), 4)
            for kind, array in zip(("images", "masks"), arrays, strict=True):
                tiff = io.BytesIO()
                tifffile.imwrite(tiff, array.astype(np.uint16))
                member = f"dsb2018/{part}/{kind}/{stem}.tif"
                zipped.writestr(member, tiff.getvalue())
    return file.getvalue()


def stage1_zip(folder: Path) -> bytes:
    source = folder / "train-hand"
    for number, name in enumerate(("a", "b")):
        image, labels = draw_nuclei(number, (64, 80), 4)
        write_dsb2018_sample(source, name, np.stack([image] * 3, axis=-1), labels)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for path in sorted(source.rglob("*.png")):
            zipped.write(path, path.relative_to(folder))
    return file.getvalue()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers; all threads end with it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
    assert QThreadPool.globalInstance().waitForDone(10_000)


@pytest.fixture
def refuse_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("a sample asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.usefixtures("refuse_network")
def test_stained_tissue_is_an_rgb_image(viewer: ViewerModel) -> None:
    (image,) = viewer.open_sample(NAME, "ihc")
    assert image.rgb
    assert image.data.shape == (512, 512, 3)
    assert image.metadata["sample_id"] == "immunohistochemistry"


@pytest.mark.usefixtures("refuse_network")
def test_synthetic_nuclei_come_with_their_labels(viewer: ViewerModel) -> None:
    image, labels = viewer.open_sample(NAME, "synthetic_nuclei")
    assert not image.rgb
    assert image.data.shape == labels.data.shape
    assert len(np.unique(labels.data)) > 20
    assert image.metadata == labels.metadata == {"sample_id": "synthetic_nuclei"}


def test_every_sample_that_is_not_an_example_says_that_it_is_downloaded() -> None:
    manifest = PluginManifest.from_file(MANIFEST)
    samples = {each.key: each for each in manifest.contributions.sample_data}
    assert set(samples) == EXAMPLES | set(DOWNLOADED)
    for key, sample in samples.items():
        assert ("(download)" in sample.display_name) == (key not in EXAMPLES)


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("key", DOWNLOADED)
def test_a_data_set_is_downloaded_once_and_walked_through(
    key: str, viewer: ViewerModel, online: list[Any], notifications: list[Any]
) -> None:
    image, labels = viewer.open_sample(NAME, key)
    assert image.rgb == (key == "stage1_train")
    assert image.data.shape[:2] == labels.data.shape == (64, 80)
    assert labels.data.max() > 1
    assert (image.name, labels.name) == ("a", "a nuclei")
    assert image.metadata["sample_ids"] == ("a", "b")
    assert notifications[-1].startswith(f"Sample 1 of 2 in {key}")
    assert [layer.name for layer in viewer.open_sample(NAME, key)] == ["b", "b nuclei"]
    assert viewer.open_sample(NAME, key)[0].metadata["sample_id"] == "a"
    assert len(online) == 1


def test_without_qt_a_data_set_is_downloaded_all_the_same(
    viewer: ViewerModel, online: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QApplication, "instance", lambda: None)
    monkeypatch.delattr(download_dialog, "fetch_with_dialog")
    assert len(viewer.open_sample(NAME, "stage1_train")) == 2


@pytest.mark.usefixtures("qapp", "cache")
def test_offline_is_one_sentence(
    viewer: ViewerModel, offer: Callable[..., Any], notifications: list[Any]
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        offer("stage1_train", unused.getsockname()[1])
        with pytest.raises(DownloadError, match="no connection to"):
            viewer.open_sample(NAME, "stage1_train")
    assert notifications == []  # napari shows the error itself
    assert len(viewer.layers) == 0


@pytest.mark.usefixtures("qapp", "cache")
def test_the_window_lives_while_a_server_is_silent_and_can_cancel(
    viewer: ViewerModel, offer: Callable[..., Any], silent_port: int
) -> None:
    offer("stage1_train", silent_port)
    n_ticks = 0
    texts = []

    def tick() -> None:
        nonlocal n_ticks
        n_ticks += 1
        (dialog,) = (
            widget
            for widget in QApplication.topLevelWidgets()
            if isinstance(widget, QProgressDialog)
        )
        if n_ticks > 10 and dialog.isVisible():
            texts.append(dialog.findChild(QLabel).text())
            assert dialog.isModal()
            dialog.findChild(QPushButton).click()

    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(20)
    with pytest.raises(
        DownloadCancelledError, match=r"stage1_train was cancelled: nothing was kept"
    ):
        viewer.open_sample(NAME, "stage1_train")
    timer.stop()
    assert n_ticks > 10
    (text,) = texts
    assert f"from 127.0.0.1:{silent_port}\nConnecting …" in text
    assert len(viewer.layers) == 0


@pytest.mark.usefixtures("qapp", "cache")
def test_a_download_ends_with_the_window_of_its_dialog(
    viewer: ViewerModel, offer: Callable[..., Any], silent_port: int
) -> None:
    offer("stage1_train", silent_port)

    def destroy() -> None:
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, QProgressDialog):
                widget.deleteLater()

    QTimer.singleShot(200, destroy)
    with pytest.raises(DownloadCancelledError, match="nothing was kept"):
        viewer.open_sample(NAME, "stage1_train")


def test_a_download_nobody_waits_for_stops_at_its_next_piece() -> None:
    download = download_dialog._Download("stage1_train")
    download._take(2_000_000, 4_000_000)
    assert download.description.endswith("from github.com\n2.0 MB of 4.0 MB")
    download.is_wanted = False
    with pytest.raises(DownloadCancelledError, match="window was closed"):
        download._take(3_000_000, 4_000_000)
    assert download.n_bytes == 2_000_000
