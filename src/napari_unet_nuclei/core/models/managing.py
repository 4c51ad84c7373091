"""The user's models as files: listed, renamed, deleted and copied.

Where they are kept is in ``store``, what is in a file in ``bundle``, and notes beside
it in ``notes``.  Models of this
package are never changed.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import ModelError, OutputError
from napari_unet_nuclei.core.models import store
from napari_unet_nuclei.core.models.bundle import (
    SUFFIX,
    check_suffix,
    read_bundle,
    read_config,
)
from napari_unet_nuclei.core.models.notes import (
    NOTES_SUFFIX,
    file_beside,
    read_notes,
    write_notes,
)
from napari_unet_nuclei.core.writing.atomic_files import replacing
from napari_unet_nuclei.core.writing.outputs import file_id

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet_nuclei.core.models.config import ModelConfig

FILES_BESIDE = (".state.npz", ".csv", ".png", NOTES_SUFFIX)
"""Of a model: state, log and curve of its training, and notes."""

_DELETED = "deleted"


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownModel:
    """A model, and what its files say about it.

    Parameters
    ----------
    name : str
        Its name.
    path : Path
        Its file.
    is_shipped : bool
        Whether it came with the package, and so cannot be changed.
    n_bytes : int
        Size of its file.
    changed : datetime, optional
        When the file was written.
    config : ModelConfig, optional
        What it is, if it can be read.
    problem : str
        Why not; empty otherwise.
    notes : str
        What its user has noted.
    """

    name: str
    path: Path
    is_shipped: bool
    n_bytes: int = 0
    changed: datetime | None = None
    config: ModelConfig | None = None
    problem: str = ""
    notes: str = ""


def list_known() -> list[KnownModel]:
    """List the models of the package and of the user.

    Returns
    -------
    list of KnownModel
        Those of the package first; a file that cannot be read says why.
    """
    shipped = store.shipped_models()
    own = {name: p for name, p in store.user_models().items() if name not in shipped}
    return [
        *(_describe(name, path, is_shipped=True) for name, path in shipped.items()),
        *(_describe(name, path, is_shipped=False) for name, path in own.items()),
    ]


def _describe(name: str, path: Path, *, is_shipped: bool) -> KnownModel:
    config, problem, n_bytes, changed = None, "", 0, None
    try:
        status = os.stat(path)
        n_bytes = status.st_size
        changed = datetime.fromtimestamp(status.st_mtime, UTC)
        config = read_config(path)
    except ModelError as error:
        problem = str(error)
    except OSError as error:
        problem = f"There is no model at {path} any more ({error.strerror})."
    return KnownModel(
        name=name,
        path=path,
        is_shipped=is_shipped,
        n_bytes=n_bytes,
        changed=changed,
        config=config,
        problem=problem,
        notes=read_notes(path),
    )


def rename_model(name: str, new: str) -> Path:
    """Rename a model of the user, with all files beside it.

    Parameters
    ----------
    name : str
        Its name.
    new : str
        A name that no model has, nor a file of one.

    Returns
    -------
    Path
        Its file now.

    Raises
    ------
    ModelError
        If there is no such model of the user.
    OutputError
        If a file of the new name is there, or something cannot be renamed.
    """
    path = _own(name)
    moves = [
        (each, file_beside(path.with_name(f"{new}{SUFFIX}"), suffix))
        for each, suffix in _files_of(path)
    ]
    for _, target in moves:
        if os.path.lexists(target):
            raise OutputError(
                f"Expected a name that is free. Received: {new!r}, but {target} "
                "exists. Choose another name."
            )
    _move(moves)
    return moves[-1][1]


def delete_model(name: str) -> Path:
    """Move a model of the user into the folder of deleted ones, out of every list.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    Path
        Where it is now; importing it from there brings it back.

    Raises
    ------
    ModelError
        If there is no such model of the user.
    OutputError
        If it cannot be moved.
    """
    path = _own(name)
    folder = path.parent / _DELETED
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    free = next(
        each
        for each in names
        if not any(
            os.path.lexists(folder / f"{each}{suffix}")
            for suffix in (SUFFIX, *FILES_BESIDE)
        )
    )
    target = folder / f"{free}{SUFFIX}"
    _move([(each, file_beside(target, suffix)) for each, suffix in _files_of(path)])
    return target


def export_model(path: Path, target: Path) -> None:
    """Copy a model to another place.

    Parameters
    ----------
    path : Path
        Its file.
    target : Path
        The file to write or replace, suffix ``.unetnuclei``.

    Raises
    ------
    OutputError
        If the suffix is another one, both are the same, or it cannot be written.
    """
    check_suffix(target)
    if file_id(target) is not None and file_id(path) == file_id(target):
        raise OutputError(
            f"Expected another place for the copy. Received: {target}, which is the "
            "model itself. Choose another file."
        )
    with replacing(target) as temporary:
        shutil.copyfile(path, temporary)


def import_model(path: Path, name: str) -> Path:
    """Copy a model file among the user's models, if it is whole.

    Parameters
    ----------
    path : Path
        A ``.unetnuclei`` file of anybody; nothing in it is executed.
    name : str
        A name that no model has.

    Returns
    -------
    Path
        The model.

    Raises
    ------
    ModelError
        If it is no model, damaged, or of a later version.
    OutputError
        If there is a file of this name, or it cannot be written.
    """
    read_bundle(path)  # all of it, with its checksums
    target = store.user_model_folder() / f"{name}{SUFFIX}"
    with replacing(target, may_replace=False) as temporary:
        shutil.copyfile(path, temporary)
    notes = read_notes(path)
    if notes:
        write_notes(target, notes)
    return target


def _own(name: str) -> Path:
    """Return the file of a model that may be changed."""
    if name in store.shipped_models():
        raise ModelError(
            f"Expected a model of your own. Received: {name!r}, which came with this "
            "package and stays as it is. Export it to get a copy."
        )
    own = store.user_models()
    if name not in own:
        raise ModelError(
            f"Expected the name of one of your models ({', '.join(own) or 'none'}). "
            f"Received: {name!r}. It may have been deleted meanwhile."
        )
    return own[name]


def _files_of(path: Path) -> list[tuple[Path, str]]:
    """List the files of a model with their suffixes, the model itself last."""
    beside = [(file_beside(path, suffix), suffix) for suffix in FILES_BESIDE]
    return [*((p, suffix) for p, suffix in beside if p.is_file()), (path, SUFFIX)]


def _move(moves: list[tuple[Path, Path]]) -> None:
    """Move files, all of them or none."""
    done: list[tuple[Path, Path]] = []
    try:
        for path, target in moves:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.rename(path, target)
            done.append((path, target))
    except OSError as error:
        for path, target in done:
            with suppress(OSError):
                os.rename(target, path)
        raise OutputError(
            f"Expected to move {path} to {target}. Received: {error.strerror}. Close "
            "what uses it, or free the folder."
        ) from error
