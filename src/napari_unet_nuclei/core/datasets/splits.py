"""Which samples of a data set are meant: lists of ids, and parts of a split."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeGuard

from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.regular_files import check_regular

_LARGEST_LIST = 100_000_000  # bytes of a file with names of samples


def read_ids(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the sample ids in a text file, in its order.

    Parameters
    ----------
    path : path
        UTF-8 text, one id per line; empty lines and lines that start with ``#`` are
        skipped.  An id that is no UTF-8 is taken as it is.

    Returns
    -------
    tuple of str
        At least one id.

    Raises
    ------
    DatasetError
        If the file cannot be read or holds no id.
    """
    # A list made by `ls` holds the very bytes of names that are no UTF-8.
    text = _read_text(path, "a list of ids", errors="surrogateescape")
    lines = (line.strip() for line in text.splitlines())
    ids = tuple(line for line in lines if line and not line.startswith("#"))
    if not ids:
        raise DatasetError(
            f"Expected sample ids, one a line. Received: {os.fspath(path)} without "
            "any. Add ids, or leave the list out to take all samples."
        )
    return ids


def read_split(text: str) -> tuple[str, ...]:
    """Return the sample ids of one part of a split file.

    Parameters
    ----------
    text : str, "FILE:PART"
        A JSON file that maps part names to lists of ids, and the part to read, for
        example ``dsb2018_split.json:val``.  Other entries of the file are ignored.

    Returns
    -------
    tuple of str
        At least one id, in the order of the file.

    Raises
    ------
    DatasetError
        If the text has no part, the file cannot be read, or has no such part, or
        the part is no list of ids, or empty.
    """
    path, colon, part = text.rpartition(":")
    if not colon or not path or not part or "/" in part or "\\" in part:
        raise DatasetError(
            f"Expected a split as FILE:PART. Received: {text}. Add the part after a "
            "colon, for example split.json:val."
        )
    entries = read_split_file(Path(path))
    ids = entries.get(part)
    if _is_list_of_ids(ids):
        return tuple(ids)
    if part in entries:
        raise DatasetError(
            f"Expected sample ids in the part {part} of {path}, a list of strings. "
            f"Received: {_kind(ids)}. Add ids, or choose another part."
        )
    parts = [name for name, value in entries.items() if _is_list_of_ids(value)]
    raise DatasetError(
        f"Expected one of the parts of {path}: {', '.join(parts) or 'none'}. "
        f"Received: {part}. Choose a part that the file has."
    )


def read_split_file(path: Path) -> dict[str, Any]:
    """Return what a split file holds.

    Parameters
    ----------
    path : Path
        A JSON file.

    Returns
    -------
    dict
        Its entries by name; none where it holds something else.

    Raises
    ------
    DatasetError
        If the file cannot be read.
    """
    split = _read_text(path, "a split file")
    try:
        content = json.loads(split)
    except (ValueError, RecursionError) as error:
        raise DatasetError(
            f"Expected a split file in JSON. Received: {path} ({error}). Check its "
            "syntax."
        ) from error
    return content if isinstance(content, dict) else {}


def _is_list_of_ids(value: object) -> TypeGuard[list[str]]:
    """Tell whether this is a list of strings, and not an empty one."""
    return (
        bool(value)
        and isinstance(value, list)
        and all(isinstance(item, str) for item in value)
    )


def _kind(value: object) -> str:
    """Say what stands where a list of ids should."""
    if value == []:
        return "an empty list"
    if isinstance(value, list):
        kinds = {type(item).__name__ for item in value} - {"str"}
        return f"a list with {', '.join(sorted(kinds))}"
    return type(value).__name__


def _read_text(path: str | os.PathLike[str], what: str, errors: str = "strict") -> str:
    try:
        check_regular(path, _LARGEST_LIST)
        text = Path(path).read_text(encoding="utf-8-sig", errors=errors)
        if "\0" in text:
            raise ValueError("it is no UTF-8 text")
        return text
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"Expected {what}. Received: {os.fspath(path)} ({error}). Check the path."
        ) from error
