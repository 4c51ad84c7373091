"""Data sets that can be had online: where they are, and how to get them whole.

Nothing is downloaded unless a user asks for it by name, and what arrives is used
only if its sha256 is right.  What is in a data set is the business of
``samples``.
"""

from __future__ import annotations

import os
import shutil
import uuid
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from platformdirs import user_cache_path

from napari_unet_nuclei.core.errors import OutputError, UNetNucleiError
from napari_unet_nuclei.core.outputs import refuse_existing

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator

    from requests import RequestException

    Progress = Callable[[int, int | None], object]

_PIECE = 2**13  # bytes; small, so that a slow download can be cancelled as well
_LONGEST_CONNECTING = 10.0  # s
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
    part : str, optional
        The folder in the zip to unpack, where the zip cannot be opened as it is
        or holds images that are not for showing.
    """

    url: str
    sha256: str
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
    taken for the data set.  Several processes may fetch the same one at once.

    Parameters
    ----------
    name : str
        One of ``DATA_SETS``.
    folder : path, optional
        Where to keep it; the default is `cache_folder`.
    progress : callable, optional
        Called with the number of bytes received and the size in bytes, ``None``
        where the server does not tell; the first call comes before the first byte.
        A `DownloadCancelledError` that it raises ends the download.
    timeout : float
        Seconds without a byte after which the server is given up on; connecting
        takes 10 s at most.
    overwrite : bool
        Whether a file in ``folder`` that has the name of the zip, and is another
        one, is replaced.  In the cache it always is.

    Returns
    -------
    Path
        A zip or folder for `napari_unet_nuclei.core.samples.open_samples`.

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
    try:
        _download(archive, data_set, _Stream(progress or _ignore, timeout))
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
    import pooch

    try:
        is_other = os.path.lexists(archive) and (
            not os.path.isfile(archive) or pooch.file_hash(archive) != data_set.sha256
        )
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


class _Stream:
    """How pooch gets a file: piece by piece, and not for ever."""

    def __init__(self, progress: Progress, timeout: float) -> None:
        self.progress = progress
        self.timeout = timeout
        self.n_bytes = 0
        self.size: int | None = None

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Write what a server sends to a file."""
        import requests

        # pooch makes a file that only its owner may read; a new one has the rights
        # that the user gives to files.
        Path(output_file).unlink()
        timeout = min(self.timeout, _LONGEST_CONNECTING), self.timeout
        with (
            requests.get(url, stream=True, timeout=timeout) as response,
            Path(output_file).open("xb") as file,
        ):
            response.raise_for_status()
            length = response.headers.get("Content-Length", "")
            self.size = int(length) if length.isdecimal() else None
            self.progress(0, self.size)
            for piece in response.iter_content(_PIECE):
                file.write(piece)
                self.n_bytes += len(piece)
                self.progress(self.n_bytes, self.size)


def _download(path: Path, data_set: OnlineDataSet, stream: _Stream) -> None:
    """Put the zip at a path, unless it is there already."""
    import pooch
    import requests

    try:
        with _silent(pooch.get_logger()):
            pooch.retrieve(
                data_set.url,
                known_hash=f"sha256:{data_set.sha256}",
                fname=path.name,
                path=path.parent,
                downloader=stream,
            )
    except requests.RequestException as error:
        raise DownloadError(_sentence(error, data_set, stream)) from error
    except ValueError as error:
        raise DownloadError(
            f"Expected a file with the sha256 {data_set.sha256} at {data_set.url}. "
            f"Received: {format_size(stream.n_bytes)} of something else, which were "
            "not kept. Try again later."
        ) from error


def _sentence(error: RequestException, data_set: OnlineDataSet, stream: _Stream) -> str:
    """Say what the network did."""
    import requests

    received = "nothing"
    if stream.n_bytes:
        of_all = "" if stream.size is None else f" of {format_size(stream.size)}"
        received = f"{format_size(stream.n_bytes)}{of_all}"
    if isinstance(error, requests.TooManyRedirects):
        what = "one redirection after another"
    elif error.response is not None:
        what = f"the status {error.response.status_code} ({error.response.reason})"
    elif isinstance(error, requests.ReadTimeout) or "Read timed out" in str(error):
        what = f"{received}, and no more for {stream.timeout:g} s"
    elif stream.n_bytes:
        what = f"{received} before the connection broke off"
    else:
        what = f"no connection to {data_set.host} ({type(error).__name__})"
    return (
        f"Expected to download {data_set.url}. Received: {what}. Check the network, "
        "or try again later."
    )


def _unpack(archive: Path, data_set: OnlineDataSet, target: Path) -> None:
    """Put one folder of the zip at a path, whole or not at all; remove the zip."""
    temporary = target.with_name(f".{uuid.uuid4().hex}")
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
        return (target / _ORIGIN).read_text(encoding="utf-8") == _origin(data_set)
    except (OSError, UnicodeDecodeError):
        return False


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    """Keep a library from writing to the terminal where it downloads to."""

    def refuse(record: logging.LogRecord) -> bool:
        return False

    logger.addFilter(refuse)
    try:
        yield
    finally:
        logger.removeFilter(refuse)


def _ignore(n_bytes: int, size: int | None) -> None:
    """Tell nobody."""
