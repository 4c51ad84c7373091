"""What a batch is going to write, planned before the first image is read.

Nothing that exists is replaced unasked, no two results have one path, and no result
takes the place of an image.  Writing belongs to ``batch``.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.batch.own_results import (
    LABELS_ENDING,
    TABLE_ENDING,
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
from napari_unet_nuclei.core.drawing.overlays import OVERLAY_ENDING
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.settings.choices import OutputFormat
from napari_unet_nuclei.core.shown_text import find_names
from napari_unet_nuclei.core.writing.file_lock import hold_lock
from napari_unet_nuclei.core.writing.outputs import (
    check_distinct,
    file_id,
    find_existing,
    refuse_existing,
    refuse_inputs,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from napari_unet_nuclei.core.batch.inputs import NamedImage

RLE_NAME = "predictions.csv"

_REMEDY = (
    "Use --skip-existing to do only what is missing, --overwrite to replace {what}, "
    "or choose another folder."
)
_ENDINGS = {
    OutputFormat.TIFF: ".tif",
    OutputFormat.PNG: ".png",
    OutputFormat.DSB2018: "",
    OutputFormat.OVERLAY: f"{OVERLAY_ENDING}.png",
    OutputFormat.FEATURES: f"{TABLE_ENDING}.csv",
}
_LABELS = (OutputFormat.TIFF, OutputFormat.PNG)


@dataclass(frozen=True)
class BatchOutputs:
    """Where the results of a batch go.

    Parameters
    ----------
    folder : Path
        Folder to write to.
    formats : tuple of OutputFormat
        What to write.
    is_beside : bool
        Whether images lie in that folder; labels then have names of their own.
    done : mapping of str to set of OutputFormat
        What is there already and stays, by the name of the image.
    rows : mapping of str to sequence of str
        Rows of an earlier csv, which stay.
    may_replace : bool
        Whether a result that is there by the time it is written is replaced.
    may_replace_csv : bool
        The same for the csv of all images.
    """

    folder: Path
    formats: tuple[OutputFormat, ...]
    is_beside: bool = False
    done: Mapping[str, set[OutputFormat]] = field(default_factory=dict)
    rows: Mapping[str, Sequence[str]] = field(default_factory=dict)
    may_replace: bool = True
    may_replace_csv: bool = True

    def path_of(self, name: str, kind: OutputFormat) -> Path:
        """Return the file, or the folder of a DSB2018 sample, for an image.

        Parameters
        ----------
        name : str
            Name of the image.
        kind : OutputFormat
            What is written; all images share the csv of run lengths.

        Returns
        -------
        Path
            Inside of the folder.

        Raises
        ------
        OutputError
            If the name is none that a file can have.
        """
        if kind is OutputFormat.RLE:
            return self.folder / RLE_NAME
        if not _can_be_a_file_name(name):
            raise OutputError(
                "Expected the name of an image to be one that a file can have. "
                f"Received: {name!r}. Rename the image."
            )
        ending = LABELS_ENDING if self.is_beside and kind in _LABELS else ""
        return self.folder / f"{name}{ending}{_ENDINGS[kind]}"

    def formats_of(self, name: str) -> tuple[OutputFormat, ...]:
        """Return what is missing of an image."""
        done = self.done.get(name, ())
        return tuple(kind for kind in self.formats if kind not in done)

    def missing(self, images: Iterable[NamedImage]) -> list[NamedImage]:
        """Return the images of which something is missing."""
        return [image for image in images if self.formats_of(image.name)]


@contextmanager
def claim_csv(folder: Path, formats: Iterable[OutputFormat]) -> Iterator[None]:
    """Keep other batches from writing the same csv, from the plan to the last row.

    Parameters
    ----------
    folder : Path
        Folder to write to.  Nothing of it is left where nothing is written.
    formats : iterable of OutputFormat
        What to write; without run lengths there is nothing to claim.

    Raises
    ------
    OutputError
        If another batch writes this csv now, or there is no place for it.
    """
    if OutputFormat.RLE not in formats:
        yield
        return
    is_new = not folder.exists()
    try:
        with hold_lock(folder / RLE_NAME, "write"):
            yield
    finally:
        if is_new:
            with suppress(OSError):  # it has results
                folder.rmdir()


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
        What the images were found in, and files that name those which are wanted.
    overwrite : bool
        Whether results that exist are replaced.
    skip_existing : bool
        Whether results that exist stay, and only the others are written.

    Returns
    -------
    BatchOutputs
        The plan.

    Raises
    ------
    OutputError
        If two results have one path, a name can be no sample id, the folder is part
        of a data set among the inputs, a result exists and neither ``overwrite`` nor
        ``skip_existing`` is set, or one would take the place of an input.
    DatasetError
        If rows are to be added to a csv that is of another kind.
    """
    check_output_folder(folder, inputs)
    outputs = BatchOutputs(
        folder,
        tuple(formats),
        is_beside=_is_beside(folder, images, inputs),
        may_replace=overwrite,
        may_replace_csv=overwrite,
    )
    planned = [
        (outputs.path_of(image.name, kind), image.name, kind)
        for image in images
        if _can_be_a_file_name(image.name)  # reading the others fails
        for kind in outputs.formats
        if kind is not OutputFormat.RLE
    ]
    for _, name, kind in planned:
        if kind is OutputFormat.DSB2018:
            check_sample_id(name)
    csv = [folder / RLE_NAME] if OutputFormat.RLE in outputs.formats else []
    check_distinct(
        [(path, name) for path, name, _ in planned]
        + [(path, "the csv of all images") for path in csv]
    )
    existing = _find_results([path for path, *_ in planned] + csv)
    if skip_existing:
        earlier = [path for path in csv if path in existing]
        if earlier:
            refuse_inputs(earlier, _protected(images, inputs))
        rows = read_earlier_rows(csv[0]) if csv else {}
        names = find_names(rows, [image.name for image in images])
        rows = dict(zip(names, rows.values(), strict=True))
        done = defaultdict(set, {name: {OutputFormat.RLE} for name in rows})
        for path, name, kind in planned:
            if path in existing:
                done[name].add(kind)
        return replace(
            outputs,
            done=done,
            rows=rows,
            may_replace_csv=bool(earlier),
        )
    if existing:
        files = [file for found in existing.values() for file in found]
        refuse_inputs(files, _protected(images, inputs))
        if not overwrite:
            refuse_existing(list(existing), _REMEDY)
    return outputs


def _can_be_a_file_name(name: str) -> bool:
    """Tell names from paths, which are what files have that cannot be read."""
    return Path(name).name == name


def _is_beside(
    folder: Path, images: Iterable[NamedImage], inputs: Iterable[Path]
) -> bool:
    target = file_id(folder)
    if target is None:
        return False
    sources = {image.file.parent for image in images if image.file is not None}
    sources.update(path for path in inputs if is_plain_folder(path))
    return any(file_id(source) == target for source in sources)


def _find_results(paths: Sequence[Path]) -> dict[Path, list[Path]]:
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
