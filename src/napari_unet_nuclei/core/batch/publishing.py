"""Results made in a temporary folder become files of another, all of them or none.

For results that anybody can make again: those that the folder has already stay as
they are, where they are the same.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import OutputError, UNetNucleiError
from napari_unet_nuclei.core.files.images import IMAGE_SUFFIXES, read_image
from napari_unet_nuclei.core.writing.atomic_files import replacing
from napari_unet_nuclei.core.writing.outputs import refuse_existing

if TYPE_CHECKING:
    from pathlib import Path

_REMEDY = (
    "It may have been corrected by hand: use --overwrite to replace {what}, or choose "
    "another folder."
)


def publish(made: Path, folder: Path, *, overwrite: bool = False) -> None:
    """Copy files to a folder, if that replaces nothing but the same content.

    Parameters
    ----------
    made : Path
        Folder of the files.
    folder : Path
        Where they go; created if missing.
    overwrite : bool
        Whether files with other content are replaced.

    Raises
    ------
    OutputError
        If a file with other content is there, or the folder cannot be written to.
    """
    sources = {folder / source.name: source for source in sorted(made.iterdir())}
    there = {target for target in sources if os.path.lexists(target)}
    other = [
        target
        for target, source in sources.items()
        if target in there and not _is_same(source, target)
    ]
    if not overwrite:
        refuse_existing(other, _REMEDY)
    for target, source in sources.items():
        if target in other or target not in there:
            with replacing(target) as temporary:
                shutil.copyfile(source, temporary)


def _is_same(one: Path, other: Path) -> bool:
    """Tell whether two files have the same bytes, or the same pixels."""
    if not os.path.isfile(other):
        return False
    try:
        if one.read_bytes() == other.read_bytes():
            return True
        if one.suffix not in IMAGE_SUFFIXES:
            return False
        pixels, others = read_image(one), read_image(other)
    except OSError as error:
        raise OutputError(
            f"Expected to see what is in {other}. Received: {error.strerror}. Choose "
            "another folder."
        ) from error
    except UNetNucleiError:
        return False
    return pixels.dtype == others.dtype and np.array_equal(pixels, others)
