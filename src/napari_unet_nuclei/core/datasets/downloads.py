"""Data sets that can be had online: where they are, and how to get them whole.

Nothing is downloaded unless a user asks for it by name, and what arrives is used
only if its sha256 is right.  What is in a data set is the business of
``samples``.
"""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import threading
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from platformdirs import user_cache_path

from napari_unet_nuclei.core.errors import OutputError, UNetNucleiError
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.writing.atomic_files import replacing
from napari_unet_nuclei.core.writing.leftovers import clear_leftovers, temporary_name
from napari_unet_nuclei.core.writing.outputs import refuse_existing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Progress = Callable[[int, int | None], object]

_PIECE = 2**13  # bytes
_PIECES_AHEAD = 64
_LONGEST_CONNECTING = 10.0  # s
_SLOWEST = 1000  # bytes/s
_BETWEEN_CALLS = 0.2  # s; how long Cancel waits at most
_LARGEST = 250_000_000  # bytes, of a data set whose size is not known
_ORIGIN = "ORIGIN.txt"


class DownloadError(UNetNucleiError):
    """A data set cannot be had: no network, no such file, or not the right one."""


class DownloadCancelledError(UNetNucleiError):
    """The user does not want a data set any more."""


@dataclass(frozen=True, kw_only=True)
class OnlineDataSet:
    """A zip on a server.

    Parameters
    ----------
    url : str
        Where the zip is.
    sha256 : str
        Hexadecimal digest of the zip.
    n_bytes : int, optional
        Size of the zip, where it is known.
    part : str, optional
        The folder in the zip to unpack, where the zip cannot be opened as it is
        or holds images that are not for showing.
    """

    url: str
    sha256: str
    n_bytes: int | None = None
    part: str | None = None

    @property
    def host(self) -> str:
        """Name of the server."""
        return urlsplit(self.url).netloc


DATA_SETS = {
    "dsb2018_fluorescence": OnlineDataSet(
        url="https://github.com/stardist/stardist/releases/download/0.1.0/dsb2018.zip",
        sha256="e44921950edce378063aa4457e625581ba35b4c2dbd9a07c19d48900129f386f",
        part="dsb2018/train",
    ),
    "stage1_train": OnlineDataSet(
        url="https://github.com/ibmua/data-science-bowl-2018-train-set/raw/master/"
        "train-hand.zip",
        sha256="d218b8706cd7b9a2d7171268a6e99c7b0e94605af46521ff2ffd5a17708b1af6",
    ),
}
"""What can be downloaded, by name.

``dsb2018_fluorescence`` is the training part of the subset that StarDist's authors
chose; ``stage1_train`` has all stainings and the community's corrections.
"""


def cache_folder() -> Path:
    """Return the folder downloads are kept in, which may not exist yet."""
    return user_cache_path("napari-unet-nuclei", appauthor=False) / "downloads"


def fetch(
    name: str,
    folder: str | os.PathLike[str] | None = None,
    *,
    progress: Progress | None = None,
    timeout: float = 30.0,
    overwrite: bool = False,
) -> Path:
    """Return where a data set is on this computer, downloading it if need be.

    A download that ends early, for whatever reason, leaves nothing that could be
    taken for the data set; what a killed process leaves is cleared by the next
    call.  Several processes may fetch the same one at once.

    Parameters
    ----------
    name : str
        One of ``DATA_SETS``.
    folder : path, optional
        Where to keep it; the default is `cache_folder`.
    progress : callable, optional
        Called with the number of bytes received and the size in bytes, ``None``
        where the server does not tell; the first call comes before the first byte,
        and five come a second while nothing arrives.  A `DownloadCancelledError`
        that it raises ends the download.
    timeout : float
        Seconds without a byte after which the server is given up on, as it is where
        it sends less than 1 kB/s in twice that time; connecting takes 10 s at most.
    overwrite : bool
        Whether a file in ``folder`` that has the name of the zip, and is another
        one, is replaced.  In the cache it always is.

    Returns
    -------
    Path
        A zip or folder for `napari_unet_nuclei.core.datasets.opening.open_samples`.

    Raises
    ------
    DownloadError
        If there is no such data set, or it cannot be had whole.
    DownloadCancelledError
        If ``progress`` raises it.
    OutputError
        If it cannot be written, or something else is in its place.
    """
    if name not in DATA_SETS:
        raise DownloadError(
            f"Expected a data set that can be downloaded: {', '.join(DATA_SETS)}. "
            f"Received: {name}. Choose one of these."
        )
    data_set = DATA_SETS[name]
    target = (cache_folder() if folder is None else Path(folder)).absolute() / name
    archive = target.with_name(f"{name}.zip")
    is_there = data_set.part is not None and target.exists()
    if _is_unpacked(target, data_set):
        return target
    if is_there:
        raise OutputError(
            f"Expected a place for {name}. Received: {target}, which holds something "
            "else. Remove it, or choose another folder."
        )
    if folder is not None and not overwrite:
        _refuse_other_file(archive, data_set)
    clear_leftovers(target.parent)
    try:
        _download(archive, data_set, progress or _ignore, timeout)
        if data_set.part is None:
            return archive
        _unpack(archive, data_set, target)
    except OSError as error:
        raise OutputError(
            f"Expected a place to write to. Received: {target} "
            f"({error.strerror or error}). Choose a folder you may write to, on a "
            "disk that has room."
        ) from error
    return target


def _refuse_other_file(archive: Path, data_set: OnlineDataSet) -> None:
    """Refuse to replace a file of the user's by a zip."""
    try:
        is_other = os.path.lexists(archive) and not _is_right(archive, data_set)
    except OSError:
        is_other = True
    if is_other:
        refuse_existing(
            [archive],
            "It is not what would be downloaded: use --overwrite to replace {what}, or "
            "choose another folder.",
        )


def format_size(n_bytes: int) -> str:
    """Return a number of bytes for people, such as ``"83.3 MB"``."""
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1000:.1f} kB"
    return f"{n_bytes / 1_000_000:.1f} MB"


def _download(
    path: Path, data_set: OnlineDataSet, progress: Progress, timeout: float
) -> None:
    """Put the zip at a path, unless it is there already."""
    if _is_right(path, data_set):
        return
    received = _Received(data_set, timeout)
    with replacing(path) as temporary, temporary.open("xb") as file:
        for piece in received.pieces():
            file.write(piece)
            progress(received.n_bytes, received.size)
        if received.sha256.hexdigest() != data_set.sha256:
            raise received.not_the_right_one()


def _is_right(path: Path, data_set: OnlineDataSet) -> bool:
    try:
        check_regular(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == data_set.sha256
    except OSError:
        return False


class _Received:
    """What has come of a download, and the sentences for what has not."""

    def __init__(self, data_set: OnlineDataSet, timeout: float) -> None:
        self.n_bytes = 0
        self.size: int | None = None
        self.sha256 = hashlib.sha256()
        self._data_set = data_set
        self._timeout = timeout

    def pieces(self) -> Iterator[bytes]:
        """Yield what arrives, and nothing now and then, so that it can be ended."""
        sender = _Sender(self._data_set.url, self._timeout)
        sender.start()
        most = self._data_set.n_bytes or _LARGEST
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
                        self.sha256.update(came)
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
        """Say that all has come, but something else."""
        return DownloadError(
            f"Expected a file with the sha256 {self._data_set.sha256} at "
            f"{self._data_set.url}. Received: {format_size(self.n_bytes)} of something "
            "else, which were not kept. Try again later."
        )

    def _too_much(self, n_bytes: int) -> DownloadError:
        known = self._data_set.n_bytes
        most = format_size(known or _LARGEST)
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
        """Say whether too few bytes came in the time that has just run out."""
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


def _unpack(archive: Path, data_set: OnlineDataSet, target: Path) -> None:
    """Put one folder of the zip at a path, whole or not at all; remove the zip."""
    temporary = target.with_name(temporary_name())
    part = temporary / str(data_set.part)
    try:
        with zipfile.ZipFile(archive) as zipped:
            inside = f"{data_set.part}/"
            names = [name for name in zipped.namelist() if name.startswith(inside)]
            zipped.extractall(temporary, names)
        (part / _ORIGIN).write_text(_origin(data_set), encoding="utf-8")
        part.replace(target)
    except OSError:
        # Another process may have been faster, and have removed the zip.
        if not _is_unpacked(target, data_set):
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    with suppress(OSError):
        archive.unlink()


def _origin(data_set: OnlineDataSet) -> str:
    return f"{data_set.part} of {data_set.url}\nsha256 {data_set.sha256}\n"


def _is_unpacked(target: Path, data_set: OnlineDataSet) -> bool:
    if data_set.part is None:
        return False
    try:
        check_regular(target / _ORIGIN)
        return (target / _ORIGIN).read_text(encoding="utf-8") == _origin(data_set)
    except (OSError, UnicodeDecodeError):
        return False


def _ignore(n_bytes: int, size: int | None) -> None:
    """Tell nobody."""
