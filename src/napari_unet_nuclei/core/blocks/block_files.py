"""What a block found, as one file, which is there when the block is done.

A file appears whole or not at all, so it is its own marker: a run that was ended goes
on with the blocks that have none.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from napari_unet_nuclei.core.blocks.seams import BorderNuclei
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_FEATURE = "feature_"


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockNuclei:
    """The nuclei of one block.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Core of the block; nuclei are numbered from 1 without gaps, 0 = background.
    border : BorderNuclei
        Those that go on beyond the core.
    features : dict of str to (n,) ndarray
        A row for each number, as measured where the nucleus is seen whole.
    """

    labels: NDArray[np.int32]
    border: BorderNuclei
    features: dict[str, NDArray[Any]]

    @property
    def n_nuclei(self) -> int:
        """Nuclei that lie in the core, at least in part."""
        return len(self.features["label"])


class BlockFiles:
    """The files of a run, one a block.

    Parameters
    ----------
    folder : Path
        Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, index: int) -> Path:
        """Return where the file of a block is, or will be."""
        return self.folder / f"block-{index:06}.npz"

    def is_done(self, index: int) -> bool:
        """Whether a block is done."""
        return self.path(index).is_file()

    def write(self, index: int, nuclei: BlockNuclei) -> None:
        """Write what a block found.

        Raises
        ------
        OutputError
            If there is no room.
        """
        values, lengths = _encode(nuclei.labels)
        columns: dict[str, Any] = {
            f"{_FEATURE}{name}": each for name, each in nuclei.features.items()
        }
        with replacing(self.path(index)) as part:
            np.savez(
                part,
                shape=np.asarray(nuclei.labels.shape),
                values=values,
                lengths=lengths,
                border_rows=nuclei.border.rows,
                border_columns=nuclei.border.columns,
                border_numbers=nuclei.border.numbers,
                count=np.asarray(nuclei.n_nuclei),
                **columns,
            )

    def read_count(self, index: int) -> int:
        """Return how many nuclei lie in the core of a block."""
        with self._open(index) as stored:
            return int(stored["count"])

    def read_labels(self, index: int) -> NDArray[np.int32]:
        """Return the core of a block."""
        with self._open(index) as stored:
            flat = np.repeat(stored["values"], stored["lengths"])
            labels: NDArray[np.int32] = flat.reshape(stored["shape"])
            return labels

    def read_border(self, index: int) -> BorderNuclei:
        """Return the border nuclei of a block."""
        with self._open(index) as stored:
            return BorderNuclei(
                *(stored[f"border_{name}"] for name in BorderNuclei._fields)
            )

    def read_features(self, index: int) -> dict[str, NDArray[Any]]:
        """Return the table of a block."""
        with self._open(index) as stored:
            return {
                name.removeprefix(_FEATURE): stored[name]
                for name in stored.files
                if name.startswith(_FEATURE)
            }

    def remove_damaged(self, index: int) -> bool:
        """Remove the file of a block that cannot be read, and say whether it was so."""
        try:
            self.read_count(index)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            self.path(index).unlink(missing_ok=True)
            return True
        return False

    @contextmanager
    def _open(self, index: int) -> Iterator[Any]:
        with self.path(index).open("rb") as file, np.load(file) as stored:
            yield stored


def _encode(
    labels: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the values of labels row by row, and how often each is repeated."""
    flat = labels.ravel()
    starts = np.append(0, np.flatnonzero(flat[1:] != flat[:-1]) + 1)
    lengths = np.diff(starts, append=flat.size)
    return flat[starts], lengths.astype(np.int32)
