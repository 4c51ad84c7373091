"""A file on a server, received piece by piece, so that receiving it can be ended.

A thread waits for the server, and its caller gets control five times a second.  pooch
is not used: of this module it would replace 12 lines, leave the connection open when a
download is ended, and call a size that is not known 0; its ``Unzip`` logs to the
terminal.  Where the file is put is decided in ``downloads``.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from napari_unet_nuclei.core.errors import UNetNucleiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PIECE = 2**13  # bytes
_PIECES_AHEAD = 64
_LONGEST_CONNECTING = 10.0  # s
_SLOWEST = 1000  # bytes/s
_BETWEEN_CALLS = 0.2  # s; how long Cancel waits at most


class DownloadError(UNetNucleiError):
    """A data set cannot be downloaded: no network, no such file, or a different one."""


class DownloadCancelledError(UNetNucleiError):
    """The user does not want a data set any more."""


@dataclass(frozen=True, kw_only=True)
class OnlineDataSet:
    """A zip on a server.

    Parameters
    ----------
    url : str
        Where the zip is.
    sha256, md5 : str, optional
        Hexadecimal digest of the zip, one of the two.  MD5 only where the server
        publishes nothing else: it shows that a file is damaged or another one, but not
        that nobody has forged it.
    n_bytes : int, optional
        Size of the zip, where it is known.
    most_bytes : int
        Largest zip that is taken where its size is not known.
    part : str, optional
        The folder in the zip to unpack, where the zip cannot be opened as it is
        or holds images that are not for showing.
    images, labels : str, optional
        Patterns of the files in the zip that are its images and its labels, as for
        ``fnmatch``; they are unpacked into two folders of these names.
    source : mapping
        Licence and origin, which are written beside what is unpacked.
    """

    url: str
    sha256: str | None = None
    md5: str | None = None
    n_bytes: int | None = None
    most_bytes: int = 250_000_000
    part: str | None = None
    images: str | None = None
    labels: str | None = None
    source: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.sha256 is None) == (self.md5 is None):
            raise ValueError(
                "Expected the sha256 of a data set, or its md5. Received: "
                f"{self.sha256}, {self.md5}"
            )

    @property
    def host(self) -> str:
        """Name of the server."""
        return urlsplit(self.url).netloc

    @property
    def algorithm(self) -> str:
        """Name of the digest in hashlib."""
        return "md5" if self.sha256 is None else "sha256"

    @property
    def digest(self) -> str:
        """The digest in hexadecimal digits."""
        return self.sha256 or self.md5 or ""

    @property
    def is_unpacked(self) -> bool:
        """Whether files of the zip are put into a folder, or it stays a zip."""
        return self.part is not None or self.images is not None


def format_size(n_bytes: int) -> str:
    """Return a number of bytes for people, such as ``"83.3 MB"``."""
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1000:.1f} kB"
    return f"{n_bytes / 1_000_000:.1f} MB"


class Received:
    """What has arrived of a download, and the messages for what has not.

    Parameters
    ----------
    data_set : OnlineDataSet
        What to ask for.
    timeout : float
        Seconds without a byte after which the server is given up on.

    Attributes
    ----------
    n_bytes : int
        Bytes that have arrived.
    size : int or None
        Bytes that will arrive, ``None`` where the server does not say.
    digest : hashlib object
        Of what has arrived.
    """

    def __init__(self, data_set: OnlineDataSet, timeout: float) -> None:
        self.n_bytes = 0
        self.size: int | None = None
        self.digest = hashlib.new(data_set.algorithm, usedforsecurity=False)
        self._data_set = data_set
        self._timeout = timeout

    def pieces(self) -> Iterator[bytes]:
        """Yield what arrives, and nothing now and then, so that it can be ended.

        Yields
        ------
        bytes
            A piece, or ``b""`` five times a second while nothing arrives.

        Raises
        ------
        DownloadError
            If the connection breaks off, or too much or too little comes.
        """
        sender = _Sender(self._data_set.url, self._timeout)
        sender.start()
        most = self._data_set.n_bytes or self._data_set.most_bytes
        check = _Rate(2 * self._timeout)
        try:
            while (came := sender.next()) is not _END:
                match came:
                    case Exception():
                        raise self._broken_off(came) from came
                    case int():
                        self.size = came
                        if came > most:
                            raise self._too_much(came)
                        yield b""
                    case bytes():
                        self.n_bytes += len(came)
                        if self.n_bytes > most:
                            raise self._too_much(self.n_bytes)
                        self.digest.update(came)
                        yield came
                    case _:
                        yield b""
                if check.is_too_slow(self.n_bytes):
                    raise self._error(
                        f"less than {_SLOWEST / 1000:g} kB/s in {2 * self._timeout:g} s"
                    )
        finally:
            sender.is_wanted = False

    def not_the_right_one(self) -> DownloadError:
        """Say that the file is complete, but not the expected one."""
        return DownloadError(
            f"Expected a file with the {self._data_set.algorithm} "
            f"{self._data_set.digest} at {self._data_set.url}. Received: "
            f"{format_size(self.n_bytes)} of something else, which were not kept. Try "
            "again later."
        )

    def _too_much(self, n_bytes: int) -> DownloadError:
        known = self._data_set.n_bytes
        most = format_size(known or self._data_set.most_bytes)
        return DownloadError(
            f"Expected {'' if known else 'at most '}{most} at {self._data_set.url}. "
            f"Received: {format_size(n_bytes)}{'' if known is None else ' or more'}, "
            "which were not kept. Try again later."
        )

    def _broken_off(self, error: Exception) -> DownloadError:
        """Say what the network did."""
        import requests

        received = "nothing"
        if self.n_bytes:
            of_all = "" if self.size is None else f" of {format_size(self.size)}"
            received = f"{format_size(self.n_bytes)}{of_all}"
        response = getattr(error, "response", None)
        if isinstance(error, requests.TooManyRedirects):
            return self._error("one redirection after another")
        if response is not None:
            return self._error(f"the status {response.status_code} ({response.reason})")
        if isinstance(error, requests.ReadTimeout) or "Read timed out" in str(error):
            return self._error(f"{received}, and no more for {self._timeout:g} s")
        if self.n_bytes:
            return self._error(f"{received} before the connection broke off")
        return self._error(
            f"no connection to {self._data_set.host} ({type(error).__name__})"
        )

    def _error(self, what: str) -> DownloadError:
        return DownloadError(
            f"Expected to download {self._data_set.url}. Received: {what}. Check the "
            "network, or try again later."
        )


class _Rate:
    """Notices a server that sends next to nothing for a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since = time.monotonic()
        self._n_bytes = 0

    def is_too_slow(self, n_bytes: int) -> bool:
        """Say whether too few bytes arrived in the last period."""
        now = time.monotonic()
        if now - self._since < self._seconds:
            return False
        is_slow = n_bytes - self._n_bytes < _SLOWEST * (now - self._since)
        self._since, self._n_bytes = now, n_bytes
        return is_slow


class _Sender(threading.Thread):
    """Reads from a server, which may keep it waiting without holding up others."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__(name="download", daemon=True)
        self.is_wanted = True
        self._url = url
        self._timeout = min(timeout, _LONGEST_CONNECTING), timeout
        self._queue: queue.Queue[object] = queue.Queue(_PIECES_AHEAD)

    def next(self) -> object:
        """Return a size, a piece, an error or the end; None if nothing has come."""
        try:
            return self._queue.get(timeout=_BETWEEN_CALLS)
        except queue.Empty:
            return None

    def run(self) -> None:
        """Read until the end, or until nobody wants more."""
        try:
            for each in self._read():
                if not self._put(each):
                    return
        except Exception as error:  # noqa: BLE001 - raised again where it is awaited
            self._put(error)
        else:
            self._put(_END)

    def _read(self) -> Iterator[int | bytes]:
        import requests

        with requests.get(
            self._url,
            stream=True,
            timeout=self._timeout,
            headers={"Accept-Encoding": "identity"},
        ) as response:
            response.raise_for_status()
            length = response.headers.get("Content-Length", "")
            if length.isdecimal():
                yield int(length)
            else:
                yield b""
            yield from response.iter_content(_PIECE)

    def _put(self, each: object) -> bool:
        while self.is_wanted:
            with suppress(queue.Full):
                self._queue.put(each, timeout=_BETWEEN_CALLS)
                return True
        return False


_END = object()
