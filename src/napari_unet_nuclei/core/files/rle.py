"""Kaggle's run-length encoding of nuclei, as text and as one csv file.

A nucleus is ``start length start length …``: pixels count from 1, down the first
column, then down the next.  Other label files live in ``label_files``.
"""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import DatasetError, LabelsError
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.instances.labels import check_labels
from napari_unet_nuclei.core.shown_text import as_distinct_texts
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

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


def encode_mask(mask: NDArray[np.bool_]) -> str:
    """Return one mask as runs of pixels.

    Parameters
    ----------
    mask : (Y, X) ndarray of bool
        True on the nucleus.

    Returns
    -------
    str
        Empty if the mask is.
    """
    return next(iter(encode_labels(np.asarray(mask, bool))), "")


def encode_labels(labels: ArrayLike) -> list[str]:
    """Return each nucleus as runs of pixels, in the order of their numbers.

    Parameters
    ----------
    labels : (Y, X) array_like of int
        0 is background.

    Returns
    -------
    list of str
        One text a nucleus.

    Raises
    ------
    LabelsError
        If these are no labels.
    """
    pixels = check_labels(labels).ravel(order="F")
    starts = np.flatnonzero(np.diff(pixels, prepend=pixels[0] - 1))
    lengths = np.diff(starts, append=pixels.size)
    numbers = pixels[starts]
    order = np.flatnonzero(numbers)
    order = order[np.argsort(numbers[order], kind="stable")]
    runs = np.column_stack([starts[order] + 1, lengths[order]])
    nuclei = np.split(runs, np.flatnonzero(np.diff(numbers[order])) + 1)
    return [" ".join(map(str, nucleus.ravel())) for nucleus in nuclei if nucleus.size]


def decode_mask(runs: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask that some runs of pixels describe.

    Parameters
    ----------
    runs : str
        What ``encode_mask`` returns.
    shape : (int, int)
        Height and width of the image.

    Returns
    -------
    (Y, X) ndarray of bool
        True on the nucleus.

    Raises
    ------
    LabelsError
        If the runs are no pairs of positive numbers, or leave the image.
    """
    return decode_labels([runs], shape) > 0


def decode_labels(nuclei: Iterable[str], shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return the labels that the runs of several nuclei describe.

    Where nuclei overlap, the first one keeps the pixel.

    Parameters
    ----------
    nuclei : iterable of str
        One text a nucleus; nucleus *n* becomes label *n*, from 1.
    shape : (int, int)
        Height and width of the image.

    Returns
    -------
    (Y, X) ndarray of int32
        0 is background.

    Raises
    ------
    LabelsError
        If the runs are no pairs of positive numbers, or leave the image.
    """
    pixels = np.zeros(shape[0] * shape[1], np.int32)
    for number, text in enumerate(nuclei, start=1):
        for start, length in _parse(text, pixels.size):
            run = pixels[start - 1 : start - 1 + length]
            run[run == 0] = number
    return np.ascontiguousarray(pixels.reshape(shape, order="F"))


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
    """Return all that one of Kaggle's csv files says of nuclei and images.

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
    try:
        check_regular(path, _LARGEST_TABLE)
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"Expected a csv of encoded nuclei. Received: {name} ({error}). "
            "Check the path."
        ) from error
    if not set(_COLUMNS) <= set(columns):
        raise DatasetError(
            f"Expected the columns {' and '.join(_COLUMNS)}. Received: "
            f"{name} with {', '.join(columns) or 'none'}. Choose a csv in "
            "Kaggle's format."
        )
    table = RleTable({}, {})
    for row in rows:
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
    return table


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


def _parse(runs: str, n_pixels: int) -> list[tuple[int, int]]:
    """Return pairs of start (from 1) and length, all inside the image."""
    try:
        numbers = [int(number) for number in runs.split()]
    except ValueError:
        numbers = [0]
    pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
    if len(numbers) % 2 or any(start < 1 or length < 1 for start, length in pairs):
        raise LabelsError(
            "Expected runs as pairs of start and length, counted from 1. Received: "
            f"{runs[:60]!r}. Check that the nuclei are run-length encoded."
        )
    if any(start - 1 + length > n_pixels for start, length in pairs):
        raise LabelsError(
            f"Expected runs inside an image of {n_pixels:,} pixels. Received: "
            f"{runs[:60]!r}. Check that image and nuclei belong together."
        )
    return pairs
