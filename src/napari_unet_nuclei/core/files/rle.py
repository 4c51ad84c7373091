"""Kaggle's csv of run-length encoded nuclei: one row per nucleus of any image.

How a nucleus becomes text, and text a nucleus, is in ``run_lengths``.
"""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.files.run_lengths import (
    encode_labels,
)
from napari_unet_nuclei.core.shown_text import as_distinct_texts
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

_COLUMNS = ("ImageId", "EncodedPixels")
_SIZE_COLUMNS = ("Height", "Width")
_MOST_PIXELS = 2**28  # of an image of which nothing but its size in a csv is known
_LARGEST_TABLE = 1_000_000_000  # bytes


@dataclass(frozen=True)
class RleTable:
    """What one of Kaggle's csv files says.

    Parameters
    ----------
    runs : dict of str to list of str
        The runs of each nucleus by image id, in the order of the file; an empty
        list for an image without nuclei.
    shapes : dict of str to (int, int)
        Height and width by image id; empty for a submission, complete for one of
        Kaggle's solution files.
    """

    runs: dict[str, list[str]]
    shapes: dict[str, tuple[int, int]]


def write_rle_csv(
    path: str | os.PathLike[str], images: Mapping[str, ArrayLike]
) -> None:
    """Write the nuclei of many images as one csv of Kaggle's.

    Parameters
    ----------
    path : path
        The file to write or replace.
    images : mapping of str to (Y, X) array_like of int
        The labels of each image by its id.  An image without nuclei gets one row
        without pixels.

    Raises
    ------
    LabelsError
        If some of these are no labels.
    OutputError
        If the file cannot be written.
    """
    write_runs_csv(path, {name: encode_labels(images[name]) for name in images})


def write_runs_csv(
    path: str | os.PathLike[str],
    images: Mapping[str, Sequence[str]],
    *,
    may_replace: bool = True,
) -> None:
    """Write nuclei that are encoded already as one csv of Kaggle's.

    Parameters
    ----------
    path : path
        The file to write or replace.
    images : mapping of str to sequence of str
        Output of ``encode_labels`` by image id: far smaller than the labels of
        thousands of images.
    may_replace : bool
        Whether what is there is replaced.

    Raises
    ------
    OutputError
        If the file cannot be written, or is there and may not be replaced.
    """
    with (
        replacing(path, may_replace=may_replace) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        texts = as_distinct_texts(images)
        for image_id, nuclei in images.items():
            for runs in nuclei or [""]:
                writer.writerow((texts[image_id], runs))


def read_rle_csv(path: str | os.PathLike[str]) -> dict[str, list[str]]:
    """Return the nuclei of every image in one of Kaggle's csv files.

    Parameters
    ----------
    path : path
        A csv as in `read_rle_table`.

    Returns
    -------
    dict of str to list of str
        The runs of each nucleus by image id, in the order of the file; an empty
        list for an image without nuclei.

    Raises
    ------
    DatasetError
        As in `read_rle_table`.
    """
    return read_rle_table(path).runs


def read_rle_table(path: str | os.PathLike[str]) -> RleTable:
    """Return all that one of Kaggle's csv files says about nuclei and images.

    Parameters
    ----------
    path : path
        A csv with the columns ``ImageId`` and ``EncodedPixels``; Kaggle's solution
        files have ``Height`` and ``Width`` too.  Other columns are ignored.

    Returns
    -------
    RleTable
        Nuclei and, where the file tells, sizes by image id.

    Raises
    ------
    DatasetError
        If the file cannot be read, lacks one of the columns, has a row without an
        id, or sizes that are none or contradict each other.
    """
    name = os.fspath(path)
    columns, rows = _read_rows(path)
    if not set(_COLUMNS) <= set(columns):
        raise DatasetError(
            f"Expected the columns {' and '.join(_COLUMNS)}. Received: "
            f"{name} with {', '.join(columns) or 'none'}. Choose a csv in "
            "Kaggle's format."
        )
    table = RleTable({}, {})
    for row in rows:
        _add_row(table, row, name)
    return table


def _read_rows(
    path: str | os.PathLike[str],
) -> tuple[Sequence[str], list[dict[str, str | None]]]:
    """Return the columns of a csv, and its rows by column."""
    try:
        check_regular(path, _LARGEST_TABLE)
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            return reader.fieldnames or [], list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"Expected a csv of encoded nuclei. Received: {os.fspath(path)} ({error}). "
            "Check the path."
        ) from error


def _add_row(table: RleTable, row: Mapping[str, str | None], name: str) -> None:
    """Add the nucleus of a row, and the size of its image, to a table."""
    image_id = row["ImageId"]
    if not image_id:
        raise DatasetError(
            f"Expected an image id in every row. Received: {name} with a row "
            "without one. Complete or remove the row."
        )
    nuclei = table.runs.setdefault(image_id, [])
    runs = (row["EncodedPixels"] or "").strip()
    if runs:
        nuclei.append(runs)
    if set(_SIZE_COLUMNS) <= row.keys():
        shape = _parse_shape(row, name)
        if table.shapes.setdefault(image_id, shape) != shape:
            raise DatasetError(
                f"Expected one height and width for each image. Received: {name} "
                f"with {table.shapes[image_id]} and {shape} for {image_id}. "
                "Correct the sizes."
            )


def _parse_shape(row: Mapping[str, str | None], name: str) -> tuple[int, int]:
    """Return height and width of a row, both at least 1."""
    texts = [(row[column] or "").strip() for column in _SIZE_COLUMNS]
    if all(re.fullmatch(r"[0-9]{1,9}", text) for text in texts):
        height, width = map(int, texts)
        if 0 < height * width <= _MOST_PIXELS:
            return height, width
    raise DatasetError(
        f"Expected a height and a width in pixels, {_MOST_PIXELS:,} in all at most. "
        f"Received: {name} with {' and '.join(map(repr, texts))} for {row['ImageId']}. "
        "Correct the sizes, or remove both columns."
    )
