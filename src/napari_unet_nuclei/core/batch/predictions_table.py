"""The csv of run lengths that a batch writes, saved now and then on the way.

How it is encoded is known in ``rle``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.rle import read_rle_csv, write_runs_csv

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_SECONDS_BETWEEN_SAVES = 30.0
_HEADER = b"ImageId,EncodedPixels"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class PredictionsTable:
    """Rows of a csv that is rewritten completely each time, so that none is lost.

    Parameters
    ----------
    path : Path
        The csv.
    rows : mapping of str to sequence of str
        Rows by image id that are in it already.
    clock : callable
        Says how many seconds have passed since some moment.
    may_replace : bool
        Whether a csv that was there before the first time is replaced.
    """

    def __init__(
        self,
        path: Path,
        rows: Mapping[str, Sequence[str]],
        clock: Callable[[], float] = time.monotonic,
        *,
        may_replace: bool = True,
    ) -> None:
        self._path = path
        self._rows = dict(rows)
        self._clock = clock
        self._may_replace = may_replace
        self._saved_at = clock()
        self._is_saved = True

    def add(self, image_id: str, nuclei: Sequence[str]) -> None:
        """Add the nuclei of an image; save, if that was long ago.

        Parameters
        ----------
        image_id : str
            Name of the image.
        nuclei : sequence of str
            Output of ``rle.encode_labels``.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        self._rows[image_id] = nuclei
        self._is_saved = False
        if self._clock() - self._saved_at >= _SECONDS_BETWEEN_SAVES:
            self.save()

    def save(self) -> None:
        """Write what was added since the last time, if anything.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        if not self._is_saved:
            self._write()

    def finish(self) -> None:
        """Write what was added; also a table without rows, if there is no file.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        if not self._is_saved or not self._rows:
            self._write()

    def _write(self) -> None:
        write_runs_csv(self._path, self._rows, may_replace=self._may_replace)
        self._may_replace = True  # from now on it is ours
        self._saved_at = self._clock()
        self._is_saved = True


def read_earlier_rows(path: Path) -> dict[str, list[str]]:
    """Return the rows of a csv to which others can be added.

    Parameters
    ----------
    path : Path
        What an earlier batch wrote.

    Returns
    -------
    dict of str to list of str
        As from ``rle.read_rle_csv``; empty where there is no file.

    Raises
    ------
    DatasetError
        If the file is no such csv, or has more columns than are written here.
    """
    try:
        with path.open("rb") as file:
            header = file.readline(1000).removeprefix(_BYTE_ORDER_MARK).strip()
    except FileNotFoundError:
        return {}
    except OSError:
        return read_rle_csv(path)  # which says what is wrong
    if header and header != _HEADER:
        raise DatasetError(
            f"Expected a csv with the columns {_HEADER.decode()} to add rows to. "
            f"Received: {path} with {header[:60].decode(errors='replace')!r}. Move it "
            "away, or choose another folder."
        )
    return read_rle_csv(path) if header else {}
