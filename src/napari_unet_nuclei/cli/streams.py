"""Standard streams whose failures never end the work.

A name that a terminal cannot show, a pipe that nobody reads any more, a full disk:
the loss is remembered, and what it means for the exit code is decided at the end.
Only the process of the command line replaces its streams.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from napari_unet_nuclei.core.shown_text import as_encodable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_READABLE = "napari_unet_nuclei.readable"
_PLAIN = {
    "→": "->",
    "…": "...",
    "–": "-",
    "×": "x",
    "·": "-",
    "²": "^2",
    "≥": ">=",
    "≤": "<=",
    "│": "|",
    "─": "-",
    "•": "*",
}


class LastingStream(io.RawIOBase):
    """The raw end of a standard stream, which takes what cannot be written, too.

    Parameters
    ----------
    raw : io.RawIOBase, optional
        Where bytes go; ``None`` for a stream that was closed before the start.
    name : str
        What it is called, such as ``"<stdout>"``.
    """

    def __init__(self, raw: io.RawIOBase | None, name: str) -> None:
        self._raw = raw
        self.name = name
        self.loss: OSError | None = None
        """What went wrong first, if anything did."""

    def writable(self) -> bool:
        """Return that it is."""
        return True

    def isatty(self) -> bool:
        """Return whether this is a terminal."""
        return self._raw is not None and self._raw.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the real end."""
        if self._raw is None:
            raise io.UnsupportedOperation("fileno")
        return self._raw.fileno()

    def write(self, content: ReadableBuffer, /) -> int:
        """Write all of it, or remember why that was not possible."""
        with memoryview(content) as view, view.cast("B") as left:
            size = len(left)
            n_written = 0
            try:
                while n_written < size:
                    n_written += self._write_some(left[n_written:])
            except OSError as error:
                self.loss = self.loss or error
        return size

    def _write_some(self, content: memoryview) -> int:
        if self._raw is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        n_written = self._raw.write(content)
        if n_written is None:  # a pipe that does not block and is full
            with suppress(ValueError, OSError):  # no such waiting on Windows
                select.select([], [self._raw.fileno()], [])
        return n_written or 0


def open_closed_descriptors() -> None:
    """Fill the places of standard streams that were closed before the start.

    The next file that is opened would take the place, and what native libraries say
    on standard error would be written into it.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)


def make_lasting(stream: TextIO | None, name: str) -> TextIO | None:
    """Return a text stream like this one that no text and no reader can break.

    Parameters
    ----------
    stream : text stream, optional
        ``sys.stdout`` or ``sys.stderr``.
    name : str
        What it is called.

    Returns
    -------
    text stream
        The same where it is not connected to anything outside of this process.
    """
    if stream is None:
        lasting, encoding = LastingStream(None, name), "utf-8"
    else:
        buffer = getattr(stream, "buffer", None)
        raw = getattr(buffer, "raw", buffer)
        if not isinstance(raw, io.RawIOBase):
            return stream
        with suppress(OSError, ValueError):
            stream.flush()
        lasting, encoding = LastingStream(raw, name), stream.encoding
    return io.TextIOWrapper(
        io.BufferedWriter(lasting),
        encoding=encoding,
        errors=_READABLE,
        line_buffering=stream is None
        or getattr(stream, "line_buffering", False)
        or getattr(stream, "write_through", False),
    )


def make_standard_streams_lasting() -> None:
    """Replace standard output and standard error of this process."""
    missing = [stream is None for stream in (sys.stdout, sys.stderr)]
    if any(missing) or sys.stdin is None:
        open_closed_descriptors()
    codecs.register_error(_READABLE, _replace_unencodable)
    sys.stdout = make_lasting(sys.stdout, "<stdout>")
    sys.stderr = make_lasting(sys.stderr, "<stderr>")


def find_loss(stream: TextIO) -> OSError | None:
    """Return why something that was printed did not arrive, if so."""
    with suppress(OSError, ValueError):
        stream.flush()
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw.loss if isinstance(raw, LastingStream) else None


def _replace_unencodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = as_encodable(error.object[error.start : error.end])
    shown = "".join(
        c if c.isascii() else _PLAIN.get(c) or _escape(c) for c in characters
    )
    return shown, error.end


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
