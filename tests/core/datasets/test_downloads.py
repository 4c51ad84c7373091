"""A server on this computer that does what servers on the internet do."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.datasets import downloads
from napari_unet_nuclei.core.datasets.downloads import DATA_SETS, fetch
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.datasets.transfer import (
    DownloadCancelledError,
    DownloadError,
    OnlineDataSet,
    format_size,
)
from napari_unet_nuclei.core.errors import OutputError

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
    ) -> None:
        data_set = OnlineDataSet(
            url=f"http://127.0.0.1:{port}{path}",
            sha256=hashlib.sha256(server.content).hexdigest(),
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


def stardist_zip() -> bytes:
    """The layout of the fluorescence subset, two images in each part."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for number, name in enumerate(("a", "b", "c", "d")):
            part = "train" if number < 2 else "test"
            arrays = draw_nuclei(number, (64, 80), 4)
            for folder, array in zip(("images", "masks"), arrays, strict=True):
                tiff = io.BytesIO()
                tifffile.imwrite(tiff, array.astype(np.uint16))
                zipped.writestr(f"dsb2018/{part}/{folder}/{name}.tif", tiff.getvalue())
    return file.getvalue()


@pytest.mark.parametrize("path", ["/good", "/unsized", "/redirected"])
def test_a_data_set_is_downloaded_once(
    path: str, offer: Callable[..., None], server: Server, cache: Path
) -> None:
    offer(path)
    found = fetch(NAME)
    assert found == cache / "tiny.zip"
    assert found.read_bytes() == CONTENT
    assert os.listdir(cache) == ["tiny.zip"]
    asked = list(server.asked)
    assert fetch(NAME) == found
    assert server.asked == asked


def test_the_folder_can_be_chosen(
    offer: Callable[..., None],
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer("/good")
    monkeypatch.chdir(tmp_path)
    assert fetch(NAME, "here/there") == tmp_path / "here" / "there" / "tiny.zip"
    assert not cache.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_others_may_read_what_was_downloaded(
    offer: Callable[..., None], cache: Path
) -> None:
    offer("/good")
    (cache.parent / "plain").touch()
    rights = stat.S_IMODE((cache.parent / "plain").stat().st_mode)
    assert stat.S_IMODE(fetch(NAME).stat().st_mode) == rights


def test_progress_counts_every_byte(offer: Callable[..., None], cache: Path) -> None:
    offer("/good")
    told: list[tuple[int, int | None]] = []
    fetch(NAME, progress=lambda *step: told.append(step))
    begun = [step for step in told if step != (0, None)]  # before the server answers
    assert begun[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    counts = [n_bytes for n_bytes, _ in told]
    assert counts == sorted(counts)
    assert len(counts) > 10


def test_a_size_may_be_unknown(offer: Callable[..., None], cache: Path) -> None:
    offer("/unsized")
    told: list[tuple[int, int | None]] = []
    fetch(NAME, progress=lambda *step: told.append(step))
    assert told[-1] == (len(CONTENT), None)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/truncated", r"Received: 57\.\d kB of 100\.0 kB before the connection broke"),
        ("/truncated-unsized", r"Received: 60\.0 kB of something else, .* not kept"),
        ("/wrong", r"Received: 100\.0 kB of something else, .* not kept"),
        ("/redirected-for-ever", "Received: one redirection after another"),
        ("/stalling", r"Received: 57\.\d kB of 100\.0 kB, and no more for 0\.3 s"),
        ("/silent", r"Received: nothing, and no more for 0\.3 s"),
        ("/absent", r"Received: the status 404 \(Not Found\)"),
    ],
)
def test_what_does_not_arrive_whole_is_not_kept(
    path: str, message: str, offer: Callable[..., None], cache: Path
) -> None:
    offer(path)
    start = time.monotonic()
    with pytest.raises(DownloadError, match=message) as caught:
        fetch(NAME, timeout=0.3)
    assert time.monotonic() - start < 10
    assert f"{downloads.DATA_SETS[NAME].url}." in str(caught.value)
    assert "ry again later." in str(caught.value)
    assert os.listdir(cache) == []
    offer("/good")
    assert fetch(NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("path", ["/dripping", "/dripping-header", "/silent"])
def test_cancel_is_heard_while_next_to_nothing_comes(
    path: str, offer: Callable[..., None], cache: Path
) -> None:
    offer(path)
    calls: list[int] = []

    def cancel(n_bytes: int, size: int | None) -> None:
        calls.append(n_bytes)
        if len(calls) == 3:
            raise DownloadCancelledError("enough")

    with pytest.raises(DownloadCancelledError):
        fetch(NAME, progress=cancel, timeout=600)
    assert os.listdir(cache) == []


@pytest.mark.parametrize("path", ["/dripping", "/dripping-header"])
def test_a_server_that_drips_is_given_up_on(
    path: str, offer: Callable[..., None], cache: Path
) -> None:
    offer(path)
    with pytest.raises(DownloadError, match=r"Received: less than 1 kB/s in 0\.6 s\."):
        fetch(NAME, timeout=0.3)
    assert os.listdir(cache) == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/endless", r"Expected 100\.0 kB at .*/endless\. Received: 1\d\d\.\d kB"),
        (
            "/announcing-too-much",
            r"Received: 1000000\.0 MB or more, which were",
        ),
        ("/bomb", r"Expected 100\.0 kB at .*/bomb\. Received: "),
        ("/short-length", r"Received: 50\.0 kB of something else"),
        ("/to-a-file", r"Received: no connection to .*InvalidSchema"),
    ],
)
def test_no_more_than_the_known_size_is_written(
    path: str,
    message: str,
    offer: Callable[..., None],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer(path, n_bytes=len(CONTENT))
    written: list[int] = []
    replacing = downloads.replacing

    @contextmanager
    def watching(target: Path) -> Iterator[Path]:
        with replacing(target) as temporary:
            try:
                yield temporary
            finally:
                written.append(temporary.stat().st_size)

    monkeypatch.setattr(downloads, "replacing", watching)
    with pytest.raises(DownloadError, match=message):
        fetch(NAME)
    assert written[0] <= len(CONTENT)
    assert os.listdir(cache) == []


def test_a_size_that_is_not_known_has_a_limit(
    offer: Callable[..., None], cache: Path
) -> None:
    offer("/endless", most_bytes=1_000_000)
    with pytest.raises(DownloadError, match=r"Expected at most 1\.0 MB at .*/endless"):
        fetch(NAME)
    assert os.listdir(cache) == []


def test_no_network_is_one_sentence(offer: Callable[..., None], cache: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        offer("/good", port=unused.getsockname()[1])
        with pytest.raises(
            DownloadError, match=r"Received: no connection to 127\.0\.0\.1"
        ):
            fetch(NAME)
    assert os.listdir(cache) == []


def test_a_half_file_from_elsewhere_is_replaced(
    offer: Callable[..., None], cache: Path
) -> None:
    offer("/good")
    cache.mkdir()
    (cache / "tiny.zip").write_bytes(CONTENT[:1000])
    assert fetch(NAME).read_bytes() == CONTENT


def test_a_half_file_from_elsewhere_is_not_used_offline(
    offer: Callable[..., None], cache: Path
) -> None:
    offer("/absent")
    cache.mkdir()
    (cache / "tiny.zip").write_bytes(CONTENT[:1000])
    with pytest.raises(DownloadError, match="404"):
        fetch(NAME)


@pytest.mark.parametrize("error", [DownloadCancelledError("enough"), KeyboardInterrupt])
def test_a_download_ends_within_a_piece_of_its_cancelling(
    error: BaseException, offer: Callable[..., None], cache: Path
) -> None:
    offer("/stalling")
    counts = []

    def cancel(n_bytes: int, size: int | None) -> None:
        counts.append(n_bytes)
        if n_bytes > 10_000:
            raise error

    with pytest.raises(type(error) if isinstance(error, Exception) else error):
        fetch(NAME, progress=cancel)
    assert counts[-1] < 30_000
    assert os.listdir(cache) == []


def test_a_killed_download_leaves_nothing_that_is_used(
    offer: Callable[..., None], cache: Path
) -> None:
    offer("/stalling")
    program = (
        "import sys; from pathlib import Path\n"
        "from napari_unet_nuclei.core.datasets import downloads\n"
        "data_set = downloads.OnlineDataSet(\n"
        "    url=sys.argv[2], sha256=sys.argv[3])\n"
        "downloads.DATA_SETS = {sys.argv[1]: data_set}\n"
        "downloads.fetch(sys.argv[1], Path(sys.argv[4]),\n"
        "    progress=lambda n_bytes, size: print(n_bytes, flush=True))\n"
    )
    data_set = downloads.DATA_SETS[NAME]
    with subprocess.Popen(
        [sys.executable, "-c", program, NAME, data_set.url, data_set.sha256, cache],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) > 0:
                break
        child.kill()
    assert len(os.listdir(cache)) == 1
    assert not (cache / "tiny.zip").exists()
    offer("/good")
    assert fetch(NAME).read_bytes() == CONTENT
    assert os.listdir(cache) == ["tiny.zip"]


def test_several_downloads_at_once_do_not_meet(
    offer: Callable[..., None], server: Server, cache: Path
) -> None:
    offer("/good")
    everybody_has_begun = threading.Barrier(4)

    def fetch_with_others(_: int) -> Path:
        steps = iter((everybody_has_begun.wait,))

        def wait(n_bytes: int, size: int | None) -> None:
            for step in steps:
                step(30)

        return fetch(NAME, progress=wait)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(fetch_with_others, range(4)))
    assert set(found) == {cache / "tiny.zip"}
    assert len(server.asked) == 4
    assert found[0].read_bytes() == CONTENT
    assert os.listdir(cache) == ["tiny.zip"]


def test_the_training_part_alone_is_unpacked(
    offer: Callable[..., None], server: Server, cache: Path
) -> None:
    server.content = stardist_zip()
    offer("/good", part="dsb2018/train")
    found = fetch(NAME)
    assert found == cache / NAME
    assert os.listdir(cache) == [NAME]
    samples = open_samples(found)
    assert samples.sample_ids == ("a", "b")
    sample = samples.read_sample("b")
    assert sample.image.shape == (64, 80)
    assert sample.labels.max() > 1
    assert f"{server.server_port}/good\nsha256" in (found / "ORIGIN.txt").read_text()
    assert fetch(NAME) == found
    assert server.asked == ["/good"]


def test_several_processes_may_unpack_at_once(
    offer: Callable[..., None],
    server: Server,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.content = stardist_zip()
    offer("/good", part="dsb2018/train")
    unpack = downloads.unpack
    both_have_the_zip = threading.Barrier(2)

    def wait_and_unpack(*arguments: object) -> None:
        both_have_the_zip.wait(30)
        unpack(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(downloads, "unpack", wait_and_unpack)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: fetch(NAME), range(2)))
    assert found == [cache / NAME] * 2
    assert os.listdir(cache) == [NAME]


def test_unpacking_that_fails_leaves_no_half_data_set(
    offer: Callable[..., None],
    server: Server,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.content = stardist_zip()
    offer("/good", part="dsb2018/train")
    copy = shutil.copyfileobj
    n_files = 0

    def fill_disk(*arguments: object) -> None:
        nonlocal n_files
        n_files += 1
        if n_files == 3:
            raise OSError(28, "No space left on device")
        copy(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", fill_disk)
        with pytest.raises(OutputError, match=r"tiny.*No space left on device.*room"):
            fetch(NAME)
    assert os.listdir(cache) == ["tiny.zip"]
    assert open_samples(fetch(NAME)).sample_ids == ("a", "b")
    assert server.asked == ["/good"]


def test_a_folder_of_the_same_name_is_not_taken_for_the_data_set(
    offer: Callable[..., None], server: Server, cache: Path
) -> None:
    offer("/good", part="dsb2018/train")
    (cache / NAME / "images").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"tiny, which holds something else\. Remove"):
        fetch(NAME)
    assert server.asked == []


def test_a_zip_may_lie_beside_a_folder_of_its_name(
    offer: Callable[..., None], cache: Path
) -> None:
    offer("/good")
    (cache / NAME).mkdir(parents=True)
    assert fetch(NAME) == cache / "tiny.zip"


def test_a_folder_that_cannot_be_made_is_one_sentence(
    offer: Callable[..., None], tmp_path: Path
) -> None:
    offer("/good")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"Expected a place to write to.*file"):
        fetch(NAME, tmp_path / "file")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    known = "dsb2018_fluorescence, stage1_train. Received: cells. Choose"
    with pytest.raises(DownloadError, match=known):
        fetch("cells")


def test_nothing_is_written_to_the_terminal(
    offer: Callable[..., None], cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    offer("/good")
    fetch(NAME)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_what_is_offered_is_safe_to_fetch() -> None:
    for data_set in DATA_SETS.values():
        assert data_set.url.startswith("https://github.com/")
        assert len(bytes.fromhex(data_set.sha256)) == 32
        assert "test" not in (data_set.part or "")


def test_sizes_are_written_for_people() -> None:
    assert format_size(83_301_237) == "83.3 MB"
    assert format_size(999) == "1.0 kB"


def test_a_file_of_the_user_with_the_name_of_the_zip_stays(
    offer: Callable[..., None], server: Server, cache: Path, tmp_path: Path
) -> None:
    offer("/good")
    own = tmp_path / "data" / "tiny.zip"
    own.parent.mkdir()
    own.write_text("precious")
    with pytest.raises(OutputError, match=r"tiny\.zip, which exists.*--overwrite"):
        fetch(NAME, own.parent)
    assert own.read_text() == "precious"
    assert server.asked == []
    assert fetch(NAME, own.parent, overwrite=True) == own
    assert own.read_bytes() == CONTENT
    assert fetch(NAME, own.parent) == own
    # In the cache it can only be damaged, and is downloaded again.
    cache.mkdir(parents=True)
    (cache / "tiny.zip").write_text("damaged")
    assert fetch(NAME).read_bytes() == CONTENT
