from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.cli import streams
from napari_unet_nuclei.cli.streams import find_loss, make_lasting

if TYPE_CHECKING:
    from typing import Any


class Raw(io.RawIOBase):
    """An end that takes as much as it is told to at once, or raises."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.content = b""

    def writable(self) -> Any:
        return True

    def write(self, content: Any) -> Any:
        answer = self.answers.pop(0) if self.answers else len(content)
        if isinstance(answer, OSError):
            raise answer
        if answer is not None:
            self.content += bytes(content[:answer])
        return answer


def open_text(raw: Any, encoding: Any = "utf-8") -> Any:
    stream = io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding)
    return make_lasting(stream, "<stdout>"), stream


@pytest.fixture(autouse=True)
def _readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    streams.make_standard_streams_lasting()


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", "30 px² → 核 é".encode()),
        ("cp1252", b"30 px\xb2 -> \\u6838 \xe9"),
        ("latin-1", b"30 px\xb2 -> \\u6838 \xe9"),
        ("ascii", b"30 px^2 -> \\u6838 \\xe9"),
    ],
)
def test_what_an_encoding_lacks_is_written_otherwise(
    encoding: Any, written: Any
) -> None:
    raw = Raw()
    lasting, _ = open_text(raw, encoding)
    lasting.write("30 px² → 核 é")
    assert find_loss(lasting) is None
    assert raw.content == written


def test_bytes_of_names_are_written_as_numbers() -> None:
    raw = Raw()
    lasting, _ = open_text(raw)
    lasting.write("caf\udce9")
    lasting.flush()
    assert raw.content == b"caf\\xe9"


def test_the_first_loss_is_remembered_and_nothing_raised() -> None:
    raw = Raw(OSError(errno.ENOSPC, "full"), OSError(errno.EPIPE, "gone"))
    lasting, _ = open_text(raw)
    for _ in range(3):
        lasting.write("lost\n")
        lasting.flush()
    loss = find_loss(lasting)
    assert loss is not None
    assert loss.errno == errno.ENOSPC
    assert raw.content == b"lost\n"


def test_a_pipe_that_takes_little_at_once_gets_all() -> None:
    raw = Raw(1, None, 2, None)
    lasting, _ = open_text(raw)
    lasting.write("abcdef")
    assert find_loss(lasting) is None
    assert raw.content == b"abcdef"


def test_a_stream_that_was_closed_takes_everything() -> None:
    lasting = make_lasting(None, "<stdout>")
    lasting.write("nobody reads → this")
    loss = find_loss(lasting)
    assert loss is not None
    assert loss.errno == errno.EBADF
    assert not lasting.isatty()


def test_streams_inside_of_a_process_stay_as_they_are() -> None:
    stream = io.StringIO()
    assert make_lasting(stream, "<stdout>") is stream
    assert find_loss(stream) is None


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux alone has it")
def test_a_full_device_is_a_loss() -> None:
    with open("/dev/full", "w", encoding="utf-8") as file:
        lasting = make_lasting(file, "<stdout>")
        print("lost", file=lasting)
        loss = find_loss(lasting)
    assert loss is not None
    assert loss.errno == errno.ENOSPC
