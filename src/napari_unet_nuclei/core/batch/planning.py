"""What a batch is going to write, planned before the first image is read.

Nothing that exists is replaced unasked, no two results have one path, and no result
takes the place of an image.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from napari_unet_nuclei.core.batch.outputs import (
    RLE_NAME,
    BatchOutputs,
    can_be_a_file_name,
)
from napari_unet_nuclei.core.batch.own_results import (
    set_results_aside,
)
from napari_unet_nuclei.core.batch.predictions_table import read_earlier_rows
from napari_unet_nuclei.core.datasets.dsb2018_writing import (
    check_sample_id,
    files_of_sample,
)
from napari_unet_nuclei.core.datasets.input_files import (
    check_output_folder,
    input_files,
    is_plain_folder,
)
from napari_unet_nuclei.core.settings.choices import OutputFormat
from napari_unet_nuclei.core.shown_text import find_names
from napari_unet_nuclei.core.writing.outputs import (
    check_distinct,
    file_id,
    find_existing,
    refuse_existing,
    refuse_inputs,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from napari_unet_nuclei.core.batch.inputs import NamedImage

_REMEDY = (
    "Use --skip-existing to do only what is missing, --overwrite to replace {what}, "
    "or choose another folder."
)


def plan_outputs(
    images: Sequence[NamedImage],
    folder: Path,
    formats: Iterable[OutputFormat],
    inputs: Sequence[Path] = (),
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
) -> BatchOutputs:
    """Decide where results go, and refuse what would do harm.

    Parameters
    ----------
    images : sequence of NamedImage
        Images to segment.
    folder : Path
        Folder to write to, which need not exist.
    formats : iterable of OutputFormat
        What to write.
    inputs : sequence of Path
        What the images were found in, and lists of the images to use.
    overwrite, skip_existing : bool
        Whether results that exist are replaced, or stay while the others are written.

    Returns
    -------
    BatchOutputs
        The plan.

    Raises
    ------
    OutputError
        If two results share a path, a name cannot be a sample id, the folder is in a
        data set of the inputs, results exist unasked, or one would replace an input.
    DatasetError
        If the csv to extend is of another kind.
    """
    check_output_folder(folder, inputs)
    outputs = BatchOutputs(
        folder,
        tuple(formats),
        is_beside=_is_beside(folder, images, inputs),
        may_replace=overwrite,
        may_replace_csv=overwrite,
    )
    results = _list_results(outputs, images)
    csv = [folder / RLE_NAME] if OutputFormat.RLE in outputs.formats else []
    check_distinct(
        [(result.path, result.name) for result in results]
        + [(path, "the csv of all images") for path in csv]
    )
    existing = _find_existing([result.path for result in results] + csv)
    protected = _protected(images, inputs)
    if skip_existing:
        return _keep_existing(outputs, images, results, existing, protected)
    if existing:
        refuse_inputs(chain.from_iterable(existing.values()), protected)
        if not overwrite:
            refuse_existing(list(existing), _REMEDY)
    return outputs


class _Result(NamedTuple):
    """One form of one image, and where it goes."""

    path: Path
    name: str
    kind: OutputFormat


def _list_results(outputs: BatchOutputs, images: Iterable[NamedImage]) -> list[_Result]:
    """List what is written of each image, apart from its rows of the csv."""
    results = [
        _Result(outputs.path_of(image.name, kind), image.name, kind)
        for image in images
        if can_be_a_file_name(image.name)  # reading the others fails
        for kind in outputs.formats
        if kind is not OutputFormat.RLE
    ]
    for result in results:
        if result.kind is OutputFormat.DSB2018:
            check_sample_id(result.name)
    return results


def _keep_existing(
    outputs: BatchOutputs,
    images: Iterable[NamedImage],
    results: Iterable[_Result],
    existing: Mapping[Path, Sequence[Path]],
    protected: Iterable[Path],
) -> BatchOutputs:
    """Leave the results that exist as they are, and add rows to those of the csv."""
    csv = outputs.folder / RLE_NAME
    is_csv_there = csv in existing
    if is_csv_there:
        refuse_inputs([csv], protected)
    rows: Mapping[str, Sequence[str]] = {}
    if OutputFormat.RLE in outputs.formats:
        rows = read_earlier_rows(csv)
    names = find_names(rows, [image.name for image in images])
    rows = dict(zip(names, rows.values(), strict=True))
    done = defaultdict(set, {name: {OutputFormat.RLE} for name in rows})
    for result in results:
        if result.path in existing:
            done[result.name].add(result.kind)
    return replace(outputs, done=done, rows=rows, may_replace_csv=is_csv_there)


def _is_beside(
    folder: Path, images: Iterable[NamedImage], inputs: Iterable[Path]
) -> bool:
    target = file_id(folder)
    if target is None:
        return False
    sources = {image.file.parent for image in images if image.file is not None}
    sources.update(path for path in inputs if is_plain_folder(path))
    return any(file_id(source) == target for source in sources)


def _find_existing(paths: Sequence[Path]) -> dict[Path, list[Path]]:
    """Return the results that exist, each with its files."""
    existing = {}
    for path in find_existing(paths):
        files = list(files_of_sample(path)) if os.path.isdir(path) else [path]
        if files:
            existing[path] = files
    return existing


def _protected(images: Iterable[NamedImage], inputs: Sequence[Path]) -> Iterator[Path]:
    """List the files that no result may replace, even where that is asked for."""
    for image in images:
        if image.file is not None:
            yield image.file
    for path in inputs:
        files = input_files([path])
        if is_plain_folder(path):
            yield from set_results_aside(list(files))[0]
        else:
            yield from files
