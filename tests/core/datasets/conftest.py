"""A server on this computer that does what servers on the internet do."""

from __future__ import annotations

import gzip
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets import downloads
from napari_unet_nuclei.core.datasets.transfer import OnlineDataSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAME = "tiny"
CONTENT = np.random.default_rng(0).bytes(100_000)


class Server(ThreadingHTTPServer):
    """Answers as the path says, and remembers what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.asked: list[str] = []
        self.go_on = threading.Event()  # ends a stall

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that have had enough."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.content
        match self.path:
            case "/good":
                self.answer(content)
            case "/unsized":
                self.answer(content, size=None)
            case "/redirected":
                self.redirect("/good")
            case "/redirected-for-ever":
                self.redirect("/redirected-for-ever")
            case "/truncated":
                self.answer(content[:60_000], size=len(content))
            case "/truncated-unsized":
                self.answer(content[:60_000], size=None)
            case "/wrong":
                self.answer(bytes(len(content)))
            case "/stalling":
                self.answer(content[:60_000], size=len(content))
                self.wfile.flush()
                self.server.go_on.wait(30)
            case "/dripping":
                self.answer(content[:9], size=len(content))
                while not self.server.go_on.wait(0.01):
                    self.wfile.write(b"x")
                    self.wfile.flush()
            case "/dripping-header":
                self.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
                while not self.server.go_on.wait(0.01):
                    self.wfile.write(b"x")
                    self.wfile.flush()
            case "/endless":
                self.answer(b"", size=None)
                while not self.server.go_on.is_set():
                    self.wfile.write(bytes(2**16))
            case "/announcing-too-much":
                self.answer(content, size=10**12)
            case "/short-length":
                self.answer(content, size=50_000)
            case "/to-a-file":
                self.redirect("file:///etc/passwd")
            case "/bomb":
                self.send_response(200)
                self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                self.wfile.write(gzip.compress(bytes(10**8)))
            case "/silent":
                self.server.go_on.wait(30)
            case _:
                self.send_error(404)

    def answer(self, content: bytes, size: int | None = -1) -> None:
        self.send_response(200)
        if size is not None:
            self.send_header("Content-Length", str(len(content) if size < 0 else size))
        self.end_headers()
        self.wfile.write(content)

    def redirect(self, path: str) -> None:
        self.send_response(302)
        self.send_header("Location", path)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def offer(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what makes the server's answer to a path the one data set there is."""

    def offer(
        path: str,
        part: str | None = None,
        port: int = server.server_port,
        n_bytes: int | None = None,
        most_bytes: int = 250_000_000,
        algorithm: str = "sha256",
        **more: Any,
    ) -> None:
        digest = hashlib.new(algorithm, server.content).hexdigest()
        data_set = OnlineDataSet(
            **{algorithm: digest},
            **more,
            url=f"http://127.0.0.1:{port}{path}",
            n_bytes=n_bytes,
            most_bytes=most_bytes,
            part=part,
        )
        monkeypatch.setattr(downloads, "DATA_SETS", {NAME: data_set})

    return offer


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(downloads, "cache_folder", lambda: folder)
    return folder
