"""What comes from a server, and what is said of what does not."""

from __future__ import annotations

import os
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets import downloads
from napari_unet_nuclei.core.datasets.downloads import (
    DownloadCancelledError,
    DownloadError,
    fetch,
    format_size,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAME = "tiny"
CONTENT = np.random.default_rng(0).bytes(100_000)  # what the server of conftest sends


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


def test_sizes_are_written_for_people() -> None:
    assert format_size(83_301_237) == "83.3 MB"
    assert format_size(999) == "1.0 kB"
