"""Where a data set comes from, as a file beside its images says.

``SOURCE.json`` lies in the folder of a data set and names its licence and origin, so
that a model can say what it was trained on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.files.regular_files import check_regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SOURCE_FILE = "SOURCE.json"
"""Name of the file in the folder of a data set."""

_LARGEST = 100_000  # bytes
_LONGEST = 500  # characters
_ENTRIES = (
    *("name", "title", "licence", "license", "url", "doi", "repo", "path", "commit"),
    *("paper", "citation", "authors", "modality"),
)


def read_source(folder: Path) -> dict[str, str]:
    """Return what is said about where a data set comes from.

    Parameters
    ----------
    folder : Path
        The data set; only a folder has such a file.

    Returns
    -------
    dict of str to str
        Entries by name, such as ``licence``, ``url`` and ``paper``; others are left
        out.  Empty where there is no such file, or none that can be read.
    """
    path = folder / SOURCE_FILE
    try:
        check_regular(path, _LARGEST)
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}  # what nobody has to write stops no training
    if not isinstance(content, dict):
        return {}
    return {
        name: content[name][:_LONGEST]
        for name in _ENTRIES
        if isinstance(content.get(name), str)
    }


def write_source(folder: Path, source: Mapping[str, str]) -> None:
    """Say beside the images of a data set where it comes from.

    Parameters
    ----------
    folder : Path
        The data set, a folder.
    source : mapping of str to str
        What `read_source` returns.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    text = json.dumps(dict(source), indent=1, ensure_ascii=False)
    (folder / SOURCE_FILE).write_text(text, encoding="utf-8")
