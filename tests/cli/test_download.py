from __future__ import annotations

import hashlib
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.datasets import downloads
from napari_unet_nuclei.core.datasets.online_sets import DATA_SETS
from napari_unet_nuclei.core.datasets.transfer import OnlineDataSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.testing import Result

CONTENT = bytes(range(256)) * 10


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return what makes a file on a port of this computer ``stage1_train``."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def offer(port: int) -> None:
        data_set = OnlineDataSet(
            url=f"http://127.0.0.1:{port}/file.zip",
            sha256=hashlib.sha256(CONTENT).hexdigest(),
        )
        monkeypatch.setitem(downloads.DATA_SETS, "stage1_train", data_set)

    return offer


@pytest.fixture
def online(tmp_path: Path, offer: Callable[[int], None]) -> Iterator[None]:
    """Offer a file."""
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "file.zip").write_bytes(CONTENT)
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(folder))
    ) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        offer(server.server_port)
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("online")
def test_size_origin_and_place_are_told(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    result = run("download", "stage1_train", "-o", tmp_path / "data")
    assert result.exit_code == 0, result.output
    path = tmp_path / "data" / "stage1_train.zip"
    assert result.stdout == f"{path}\n"
    assert path.read_bytes() == CONTENT
    assert "Downloading 2.6 kB from http://127.0.0.1:" in result.stderr
    again = run("download", "stage1_train", "-o", tmp_path / "data")
    assert again.stdout == result.stdout
    assert again.stderr == ""


@pytest.mark.usefixtures("online")
def test_without_a_folder_it_goes_where_info_says(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "cache")
    result = run("download", "stage1_train")
    assert result.stdout == f"{tmp_path / 'cache' / 'stage1_train.zip'}\n"
    assert str(tmp_path / "cache") in run("info").stdout.replace("\n", "")


def test_offline_is_one_sentence(
    run: Callable[..., Result], offer: Callable[[int], None], tmp_path: Path
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        offer(unused.getsockname()[1])
        result = run("download", "stage1_train", "-o", tmp_path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: Expected to download http://127.0.0.1:")
    assert "Received: no connection to 127.0.0.1" in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_name_is_one_sentence(run: Callable[..., Result]) -> None:
    result = run("download", "cells")
    assert result.exit_code == 1
    assert "Received: cells. Choose one of these." in result.stderr


def test_the_help_names_every_data_set(run: Callable[..., Result]) -> None:
    text = run("download", "--help").stdout
    for name in DATA_SETS:
        assert name in text
