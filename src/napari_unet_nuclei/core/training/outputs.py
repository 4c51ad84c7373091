"""The files of a training run are its own: claimed before anything is read.

How they are written is in :mod:`~napari_unet_nuclei.core.training.log` and
:mod:`~napari_unet_nuclei.core.training.state`.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.datasets.input_files import (
    check_output_folder,
    input_files,
)
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.models.bundle import check_suffix
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.training.log import LOG_COLUMNS
from napari_unet_nuclei.core.training.state import state_path
from napari_unet_nuclei.core.writing.file_lock import hold_lock
from napari_unet_nuclei.core.writing.outputs import (
    check_outputs,
    find_existing,
    refuse_existing,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

REMEDY = (
    "Use --overwrite to replace {what}, --resume to go on with the run that wrote a "
    "state, or choose another name."
)
"""What the command line says to do about files that exist."""


def training_outputs(output: Path) -> list[Path]:
    """Return all files that a training run writes.

    Parameters
    ----------
    output : Path
        Its model.

    Returns
    -------
    list of Path
        The model, its log, its curve and its state.
    """
    others = [output.with_suffix(suffix) for suffix in (".csv", ".png")]
    return [output, *others, state_path(output)]


@contextmanager
def claim_training_outputs(
    output: Path,
    inputs: Sequence[Path] = (),
    *,
    start: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    remedy: str = REMEDY,
) -> Iterator[None]:
    """Make sure that a run may write its files, and that no other does meanwhile.

    Parameters
    ----------
    output : Path
        Model the run writes.
    inputs : sequence of Path
        Data sets and files that it reads.
    start : str or Path, optional
        Model that it begins with.
    resume : bool
        Whether it goes on with the run that wrote these files.
    overwrite : bool
        Whether files that exist are replaced.
    remedy : str
        What to do about files that exist, as in
        :func:`~napari_unet_nuclei.core.writing.outputs.check_outputs`.

    Raises
    ------
    OutputError
        If a file exists that may not be replaced, the files would lie among those
        that are read, or another process trains this model now.
    ModelError
        If there is no such model to begin with.
    """
    check_suffix(output)
    check_output_folder(output.parent, inputs)
    models = [] if start is None else [find_model(start)]
    with hold_lock(output, "train"):
        check_outputs(
            training_outputs(output),
            chain(input_files(inputs), models),
            overwrite=overwrite or resume,
            remedy=remedy,
        )
        if resume and not overwrite:
            refuse_existing(_foreign(output), "Move {what} away, or use --overwrite.")
        yield


def _foreign(output: Path) -> list[Path]:
    """Return log and curve, where the log is none that training wrote."""
    log, curve = output.with_suffix(".csv"), output.with_suffix(".png")
    header = ",".join(LOG_COLUMNS).encode()
    try:
        with log.open("rb") as file:
            # Scores of single data sets may follow.
            if file.readline(len(header) + 1).rstrip(b"\r\n,") == header:
                return []
    except FileNotFoundError:
        pass
    except OSError as error:
        raise OutputError(
            f"Expected the log of a training run. Received: {log} ({error.strerror}). "
            "Check the path."
        ) from error
    return find_existing([log, curve])
