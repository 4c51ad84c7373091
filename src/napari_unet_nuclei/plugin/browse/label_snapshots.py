"""Labels layers → files of results, only where something has changed; in a worker.

What is written never takes the place of corrections that it does not come from.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.batch.own_results import LABELS_ENDING
from napari_unet_nuclei.core.browsing.results import (
    count_nuclei,
    is_corrected,
)
from napari_unet_nuclei.core.errors import OutputError, UNetNucleiError
from napari_unet_nuclei.core.files.label_records import as_plain
from napari_unet_nuclei.plugin.shared.label_files import write_label_tiff

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable, Mapping, Sequence
    from pathlib import Path

    from napari_unet_nuclei.core.browsing.results import ImageProgress, ResultFolder

_PASSING = frozenset({"image_id", "image_stamp"})  # keys that say nothing of labels


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelsSnapshot:
    """Labels of an image as they are at one moment.

    Parameters
    ----------
    layer_id : hashable
        The layer.
    name : str
        Name of the image.
    data : array
        The labels, a copy.
    meta : mapping
        Keyword arguments of the layer.
    origin : mapping
        What is known of the image, which the metadata of the layer may lack.
    is_chosen : bool
        Whether these are the labels of the image; others are kept beside them.
    digest : bytes, optional
        What identified them when they were read or saved.
    path : Path, optional
        The file that they were read from or saved to.
    """

    layer_id: Hashable
    name: str
    data: Any
    meta: Mapping[str, Any]
    origin: Mapping[str, Any]
    is_chosen: bool
    digest: bytes | None = None
    path: Path | None = None

    def write(self, path: Path) -> None:
        """Write the labels as a TIFF, with all that is known of them."""
        metadata = {**self.origin, **self.meta["metadata"]}
        write_label_tiff(path, self.data, {**self.meta, "metadata": metadata})


@dataclass(frozen=True, kw_only=True, eq=False)
class SavedLabels:
    """Labels that have been written.

    Parameters
    ----------
    layer_id : hashable
        The layer.
    name : str
        Name of the image.
    path : Path
        The file.
    digest : bytes
        What identifies them.
    progress : ImageProgress, optional
        What has been done of the image; ``None`` for labels beside the chosen ones.
    kept : Path, optional
        Where corrections of before were moved, which these do not come from.
    """

    layer_id: Hashable
    name: str
    path: Path
    digest: bytes
    progress: ImageProgress | None
    kept: Path | None = None

    @property
    def sentence(self) -> str:
        """What has been written, for the user."""
        if self.kept is None:
            return f"Saved {self.path.name}."
        kept = f"The corrected labels of before are in {self.kept.name}."
        return f"Saved {self.path.name}. {kept}"


def digest_of(data: Any, metadata: Mapping[str, Any]) -> bytes:
    """Return what identifies labels, and how they were made.

    Parameters
    ----------
    data : array
        The labels.
    metadata : mapping
        Of their layer.

    Returns
    -------
    bytes
        The same for the same labels in any later session.
    """
    labels = np.ascontiguousarray(data, np.int64)
    digest = blake2b(labels.tobytes(), digest_size=16)
    digest.update(repr(labels.shape).encode())
    lasting = {key: metadata[key] for key in metadata if key not in _PASSING}
    digest.update(json.dumps(as_plain(lasting), sort_keys=True).encode())
    return digest.digest()


def save_snapshots(
    snapshots: Sequence[LabelsSnapshot], results: ResultFolder, *, may_be_same: bool
) -> Generator[SavedLabels, None, None]:
    """Write labels that have changed.

    Parameters
    ----------
    snapshots : sequence of LabelsSnapshot
        All labels of an image, the chosen ones first.
    results : ResultFolder
        Where they go.
    may_be_same : bool
        Whether the chosen ones are written even if they have not changed, unless they
        are in the folder already.

    Yields
    ------
    SavedLabels
        After each.

    Raises
    ------
    LabelsError, OutputError
        If they cannot be written.
    """
    for snapshot in snapshots:
        digest = digest_of(snapshot.data, snapshot.meta["metadata"])
        is_same = digest == snapshot.digest
        is_there = snapshot.path is not None and snapshot.path.exists()
        if is_same and (is_there or not (snapshot.is_chosen and may_be_same)):
            continue
        if snapshot.is_chosen:
            yield _save_chosen(snapshot, results, digest)
        elif _is_worth_keeping(snapshot):
            yield _save_beside(snapshot, results, digest)


def _save_chosen(
    snapshot: LabelsSnapshot, results: ResultFolder, digest: bytes
) -> SavedLabels:
    path = results.path_of(snapshot.name)
    kept = None
    if path.exists() and snapshot.path != path and _has_corrections(snapshot, results):
        kept = _free_path(snapshot.name, results)
        _move(path, kept)
    snapshot.write(path)
    progress = replace(
        results.progress([snapshot.name])[snapshot.name],
        is_segmented=True,
        is_corrected=is_corrected(snapshot.meta["metadata"]),
        n_nuclei=count_nuclei(np.asarray(snapshot.data)),
    )
    results.note(snapshot.name, progress)
    return SavedLabels(
        layer_id=snapshot.layer_id,
        name=snapshot.name,
        path=path,
        digest=digest,
        progress=progress,
        kept=kept,
    )


def _save_beside(
    snapshot: LabelsSnapshot, results: ResultFolder, digest: bytes
) -> SavedLabels:
    own = results.path_of(snapshot.name)
    path = snapshot.path
    if path is None or path == own or path.parent != results.folder:
        path = _free_path(snapshot.name, results)
    snapshot.write(path)
    return SavedLabels(
        layer_id=snapshot.layer_id,
        name=snapshot.name,
        path=path,
        digest=digest,
        progress=None,
    )


def _is_worth_keeping(snapshot: LabelsSnapshot) -> bool:
    """Whether somebody has drawn or corrected labels that are not the chosen ones."""
    if not is_corrected(snapshot.meta["metadata"]):
        return False
    return snapshot.digest is not None or bool(np.any(snapshot.data))


def _has_corrections(snapshot: LabelsSnapshot, results: ResultFolder) -> bool:
    """Whether the file that is there holds work of somebody, or cannot be read."""
    try:
        return results.look_into(snapshot.name).is_corrected
    except UNetNucleiError:
        return True


def _free_path(name: str, results: ResultFolder) -> Path:
    """Return a name beside that of the results which nothing has."""
    paths = (
        results.folder / f"{name}_kept{number}{LABELS_ENDING}.tif"
        for number in count(1)
    )
    return next(path for path in paths if not os.path.lexists(path))


def _move(path: Path, target: Path) -> None:
    try:
        os.rename(path, target)
    except OSError as error:
        raise OutputError(
            f"Expected to keep {path}, which holds corrections, as {target.name}. "
            f"Received: {error.strerror}. Choose another folder for results."
        ) from error
