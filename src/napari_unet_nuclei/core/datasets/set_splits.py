"""Which samples of several data sets are trained on, and which are held out.

A split file holds ``{"train": [...], "val": [...]}`` for one data set, or the same for
several by name: ``{"organs": {"train": [...], "val": [...]}, ...}``.  Single parts of
a file are read in ``splits``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.datasets.splits import read_split, read_split_file
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.shown_text import find_names

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

_PARTS = ("train", "val")


@dataclass(frozen=True)
class SetSplit:
    """What to train on and what to hold out of one data set.

    Parameters
    ----------
    path : Path
        The file that says so.
    name : str or None
        The data set it is about; None where the file does not say.
    train, validation : tuple of str
        Sample ids.
    """

    path: Path
    name: str | None
    train: tuple[str, ...]
    validation: tuple[str, ...]


def read_set_splits(path: Path) -> list[SetSplit]:
    """Return all splits in a file.

    Parameters
    ----------
    path : Path
        A JSON file with ``train`` and ``val``, or with these for data sets by name.

    Returns
    -------
    list of SetSplit
        At least one.

    Raises
    ------
    DatasetError
        If the file cannot be read, or holds no split.
    """
    content = read_split_file(path)
    named = [
        SetSplit(path, name, *(tuple(map(str, value[part])) for part in _PARTS))
        for name, value in content.items()
        if _is_split(value)
    ]
    if named and not any(part in content for part in _PARTS):
        return named
    train, validation = (read_split(f"{path}:{part}") for part in _PARTS)
    return [SetSplit(path, None, train, validation)]


def _is_split(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(part), list) for part in _PARTS
    )


def assign_splits(
    splits: Sequence[SetSplit], ids_of_sets: Sequence[tuple[str, Collection[str]]]
) -> list[SetSplit | None]:
    """Find the split of each data set.

    A split that names a data set is for that one.  Others are for the data set that has
    some of their samples, so that a folder may be renamed.

    Parameters
    ----------
    splits : sequence of SetSplit
        All splits of all files.
    ids_of_sets : sequence of (str, collection of str)
        Name and sample ids of each data set.

    Returns
    -------
    list of SetSplit or None
        One for each data set, with ids as the data set spells them; None for a set that
        no split is about.

    Raises
    ------
    DatasetError
        If several splits are about one data set, or a file is about none.
    """
    if len(splits) == len(ids_of_sets) == 1:
        return [_spell(splits[0], ids_of_sets[0][1])]
    names = {name for name, _ in ids_of_sets}
    found: list[SetSplit | None] = []
    for name, ids in ids_of_sets:
        own = [each for each in splits if each.name == name] or [
            each
            for each in splits
            if each.name not in names and _has_some_of(each, ids)
        ]
        if len(own) > 1:
            raise DatasetError(
                f"Expected one split of {name}. Received: {len(own)}, in "
                f"{' and '.join(str(each.path) for each in own)}; leave out one, or "
                "name the data sets in them."
            )
        found.append(_spell(own[0], ids) if own else None)
    used = {each.path for each in found if each is not None}
    for each in splits:
        if each.path not in used:
            raise DatasetError(
                f"Expected a split of {', '.join(sorted(names))}. Received: "
                f"{each.path}, which names none of their samples. Check the path."
            )
    return found


def _has_some_of(split: SetSplit, ids: Collection[str]) -> bool:
    spelled = _spell(split, ids)
    return not set(ids).isdisjoint((*spelled.train, *spelled.validation))


def _spell(split: SetSplit, ids: Collection[str]) -> SetSplit:
    """Return a split with ids as a data set spells them, which a text file may not."""
    return SetSplit(
        split.path,
        split.name,
        tuple(find_names(split.train, ids)),
        tuple(find_names(split.validation, ids)),
    )
