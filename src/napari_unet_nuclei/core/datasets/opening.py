"""Where annotated images come from: opening data sets, reading chosen samples.

Each layout is read in a module of its own (``dsb2018``, ``labelled_folder``).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from napari_unet_nuclei.core.datasets.dsb2018 import open_dsb2018
from napari_unet_nuclei.core.datasets.dsb2018_layout import is_dsb2018, is_sample_folder
from napari_unet_nuclei.core.datasets.image_label_folder import ImageLabelFolder
from napari_unet_nuclei.core.datasets.image_label_layout import is_image_label_folder
from napari_unet_nuclei.core.datasets.mask_names import FOLDER_PAIRS
from napari_unet_nuclei.core.datasets.sample import Sample, SampleSource
from napari_unet_nuclei.core.errors import DatasetError, UNetNucleiError
from napari_unet_nuclei.core.files.images import find_images
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.images.plane_names import stack_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "BadSample",
    "Sample",
    "SampleSource",
    "open_samples",
    "read_good_samples",
    "read_ids",
    "read_split",
]

_LARGEST_LIST = 100_000_000  # bytes of a file with names of samples


_EMPTY_PLANE = (
    "Sample {} is a plane without labels, which may not be annotated. If it shows no "
    "nuclei, save it as an image of its own with empty labels."
)


@dataclass(frozen=True)
class BadSample:
    """A sample that cannot be used.

    Parameters
    ----------
    sample_id : str
        Name of the sample.
    reason : str
        One sentence: what was expected, what was found, what to do.
    """

    sample_id: str
    reason: str


def open_samples(path: str | os.PathLike[str]) -> SampleSource:
    """Return the annotated images of a data set, to be read one at a time.

    Parameters
    ----------
    path : path
        A DSB2018 folder or zip, or a folder or zip with ``images`` and ``labels``,
        or another layout of `ImageLabelFolder`, matched by file name.

    Returns
    -------
    SampleSource
        The data set.

    Raises
    ------
    DatasetError
        If the path holds neither, or an incomplete data set.
    ImageError
        If a folder cannot be listed.
    """
    if is_image_label_folder(path):
        return ImageLabelFolder(path)
    if os.path.isdir(path) and not is_dsb2018(path) and not is_sample_folder(path):
        find_images(path)  # says why, where nobody may look into the folder
        raise DatasetError(
            "Expected a DSB2018 folder (<id>/images/<id>.png, <id>/masks/*.png) or a "
            "folder with images and labels (images/ and labels/, or a.tif and "
            f"a_masks.tif). Received: {os.fspath(path)}. {_advice(Path(path))}"
        )
    return open_dsb2018(path)


def _advice(folder: Path) -> str:
    """Say what of a folder is close to a data set."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        entries = []
    folders = [entry for entry in entries if os.path.isdir(entry)]
    inside = [entry.name for entry in folders if is_image_label_folder(entry)]
    if inside:
        return f"Choose one of the data sets in it: {', '.join(inside[:4])}."
    if any(entry.name.lower().endswith("_seg.npy") for entry in entries):
        return "Save the masks of Cellpose as TIFF or PNG (a_masks.tif) beside a.tif."
    known = {name for pair in FOLDER_PAIRS for name in pair}
    found = [entry.name for entry in folders if entry.name.lower() in known]
    if found:
        return f"Name its folders images and labels, not {', '.join(found[:4])}."
    return "Choose the folder above these."


def read_good_samples(
    source: SampleSource, ids: Iterable[str]
) -> tuple[list[Sample], list[BadSample]]:
    """Read samples, past those that cannot be used.

    A plane of a stack in which nothing is labelled is one of these, as most often
    nobody annotated it; an image without nuclei is a file of its own.

    Parameters
    ----------
    source : SampleSource
        The data set.
    ids : iterable of str
        Names of the samples to read.

    Returns
    -------
    samples : list of Sample
        The good ones, at least one.
    problems : list of BadSample
        The others, each with the reason.

    Raises
    ------
    DatasetError
        If there is no good one.
    """
    samples: list[Sample] = []
    problems: list[BadSample] = []
    for sample_id in ids:
        try:
            sample = source.read_sample(sample_id)
        except UNetNucleiError as error:
            problems.append(BadSample(sample_id, str(error)))
            continue
        if stack_of(sample_id) is not None and not sample.labels.any():
            problems.append(BadSample(sample_id, _EMPTY_PLANE.format(sample_id)))
        else:
            samples.append(sample)
    if not samples:
        evidence = f", the first because: {problems[0].reason}" if problems else ""
        raise DatasetError(
            f"Expected at least one good sample in {source.name}. Received: none of "
            f"{len(problems)}{evidence or '. Choose some samples.'}"
        )
    return samples, problems


def read_ids(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the sample ids in a text file, in its order.

    Parameters
    ----------
    path : path
        UTF-8 text, one id a line; empty lines and lines that start with ``#`` are
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
    split = _read_text(path, "a split file")
    try:
        content = json.loads(split)
    except (ValueError, RecursionError) as error:
        raise DatasetError(
            f"Expected a split file in JSON. Received: {path} ({error}). Check its "
            "syntax."
        ) from error
    entries = content if isinstance(content, dict) else {}
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
