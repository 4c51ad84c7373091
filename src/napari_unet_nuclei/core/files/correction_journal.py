"""Labels that were corrected and not saved, kept in the folder of the user.

After a crash they are offered again.  Which layer they belong to, and when they are
written, is known to the plugin.
"""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
import zlib
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_data_path

from napari_unet_nuclei.core.writing.atomic_files import remove_file, replacing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

MOST_DAYS = 90
"""How long a journal is kept that nobody asks for."""

MOST_BYTES = 10**9
"""How much all journals may take."""

_SECONDS_A_DAY = 24 * 60 * 60
_NOTE, _LABELS = "note", "labels"
_DAMAGES = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, AttributeError),
    *(zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True, kw_only=True)
class JournalNote:
    """What is known of corrections without reading them.

    Parameters
    ----------
    n_corrections : int
        How many there are.
    seconds : float
        When the last was made, in seconds since 1970.
    session : str
        What made them, so that nobody is offered their own ones.
    layer : str
        Name of the layer.
    """

    n_corrections: int
    seconds: float
    session: str
    layer: str = ""

    @property
    def words(self) -> str:
        """The corrections and their time, such as ``"12 corrections of 10:32"``."""
        n = self.n_corrections
        counted = "1 correction" if n == 1 else f"{n:,} corrections"
        then, now = time.localtime(self.seconds), time.localtime()
        is_today = then[:3] == now[:3]
        when = time.strftime("%H:%M" if is_today else "%d %B, %H:%M", then)
        return f"{counted} of {when}"


def journal_folder() -> Path:
    """Say where journals are kept."""
    return user_data_path("napari-unet-nuclei", appauthor=False) / "corrections"


def journal_path(identity: str, layer: str = "") -> Path:
    """Return the file for the labels of an image.

    Parameters
    ----------
    identity : str
        What tells the image from all others.
    layer : str
        What tells one layer of the image from another, and from those of other
        sessions, so that none takes the place of another.
    """
    ending = f"-{_digest(layer)}" if layer else ""
    return journal_folder() / f"{_digest(identity)}{ending}.npz"


def find_journals(identity: str) -> list[Path]:
    """Return the files of all layers and sessions for the labels of an image.

    Parameters
    ----------
    identity : str
        As for `journal_path`.

    Returns
    -------
    list of Path
        The newest first.
    """
    found = []
    for path in journal_folder().glob(f"{_digest(identity)}*.npz"):
        with suppress(OSError):  # removed meanwhile
            found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found, reverse=True)]


def write_journal(path: Path, labels: NDArray[np.integer], note: JournalNote) -> None:
    """Write corrected labels; the file is whole or not there, whenever this ends.

    Parameters
    ----------
    path : Path
        The file.
    labels : (…, Y, X) ndarray of int
        The labels as they are.
    note : JournalNote
        What is said about them.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    text = np.frombuffer(json.dumps(asdict(note)).encode(), np.uint8)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, note=text, labels=labels)


def read_note(path: Path) -> JournalNote | None:
    """Return what a journal says about its labels; ``None`` if there is none."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            said = json.loads(stored[_NOTE].tobytes())
            return JournalNote(
                n_corrections=int(said["n_corrections"]),
                seconds=float(said["seconds"]),
                session=str(said["session"]),
                layer=str(said.get("layer", "")),
            )
    except _DAMAGES:
        return None


def read_labels(path: Path) -> NDArray[np.integer] | None:
    """Return the labels of a journal; ``None`` if they cannot be read."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            labels: NDArray[np.integer] = stored[_LABELS]
    except _DAMAGES:
        return None
    return labels if labels.dtype.kind in "iu" else None


def remove_journal(path: Path) -> None:
    """Remove a journal, if there is one."""
    if path.exists():
        remove_file(path)


def prune_journals(*, max_days: float = MOST_DAYS, max_bytes: int = MOST_BYTES) -> None:
    """Remove journals that nobody has asked for, the oldest first.

    Parameters
    ----------
    max_days : float
        Older ones are removed.
    max_bytes : int
        How much all of them may take; what was written in the last day stays.
    """
    now, n_bytes = time.time(), 0
    for seconds, size, path in sorted(_iter_files(), reverse=True):
        n_bytes += size
        days = (now - seconds) / _SECONDS_A_DAY
        if days > max_days or (days > 1 and n_bytes > max_bytes):
            with suppress(OSError):
                path.unlink()


def _iter_files() -> Iterator[tuple[float, int, Path]]:
    """Yield when each journal was written, its size in bytes, and its path."""
    for path in journal_folder().glob("*.npz"):
        with suppress(OSError):  # removed meanwhile
            status = path.stat()
            yield status.st_mtime, status.st_size, path


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]
