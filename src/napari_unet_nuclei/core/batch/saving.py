"""One result in several forms at once: all of its files appear, or none."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.batch.outputs import BatchOutputs
from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.drawing.overlays import draw_side_by_side, write_png
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.files.geojson import write_geojson
from napari_unet_nuclei.core.files.imagej_rois import write_rois
from napari_unet_nuclei.core.files.labels import write_labels_tiff
from napari_unet_nuclei.core.files.outlined_planes import iter_outlines
from napari_unet_nuclei.core.instances.measurements import write_features_csv
from napari_unet_nuclei.core.progress import Progress
from napari_unet_nuclei.core.settings.choices import OutputFormat
from napari_unet_nuclei.core.writing.atomic_files import replacing
from napari_unet_nuclei.core.writing.outputs import (
    check_folder,
    find_existing,
    refuse_existing,
    refuse_inputs,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.files.label_records import LabelRecord
    from napari_unet_nuclei.core.files.outlined_planes import OutlinedNucleus
    from napari_unet_nuclei.core.images.calibration import Calibration

FORMATS = (
    OutputFormat.TIFF,
    OutputFormat.FEATURES,
    OutputFormat.ROIS,
    OutputFormat.GEOJSON,
    OutputFormat.OVERLAY,
)
"""Forms that a result can be saved in at once."""

_REMEDY = "Choose to replace {what}, or another name or folder."


class FileSaved(Progress):
    """A file of a result is written, and appears with the others."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ResultToSave:
    """Nuclei and what is known of them.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of integers
        The nuclei.
    axes : str
        Axes of the labels, out of T, Z, Y and X; Y and X last.
    calibration : Calibration
        How large a pixel is.
    record : LabelRecord
        How they were found, and where they lie in a viewer.
    table : mapping of str to (N,) ndarray, optional
        Their measurements, with their numbers in ``label``.
    image : (Y, X), (Y, X, 3) or (Y, X, 4) ndarray, optional
        The image, where the labels are those of a single plane.
    factors : (float, float), in px of the image
        Size of a pixel of the labels along Y and X; see `iter_outlines`.
    """

    labels: NDArray[Any]
    axes: str
    calibration: Calibration
    record: LabelRecord
    table: Mapping[str, NDArray[Any]] | None = None
    image: NDArray[Any] | None = None
    factors: tuple[float, float] = (1, 1)


def result_paths(
    folder: Path, name: str, kinds: Iterable[OutputFormat]
) -> dict[OutputFormat, Path]:
    """Return the files of a result, called as those of ``segment`` beside an image.

    Parameters
    ----------
    folder : Path
        Where they go.
    name : str
        Name of the image, without a suffix.
    kinds : iterable of OutputFormat
        What to write.

    Returns
    -------
    dict of OutputFormat to Path
        Such as ``cells_masks.tif``.

    Raises
    ------
    OutputError
        If the name is none that a file can have.
    """
    outputs = BatchOutputs(folder, tuple(kinds), is_beside=True)
    return {kind: outputs.path_of(name, kind) for kind in outputs.formats}


def check_paths(
    paths: Iterable[Path], inputs: Iterable[Path], *, may_replace: bool
) -> None:
    """Refuse to write over an image, and over other files unasked.

    Parameters
    ----------
    paths : iterable of Path
        Files to write.
    inputs : iterable of Path
        Images.
    may_replace : bool
        Whether other files may be replaced.

    Raises
    ------
    OutputError
        If a file may not be written, or there is no place for it.
    """
    paths = list(paths)
    if not paths:
        raise OutputError("Nothing to save is chosen: check at least one form.")
    for folder in {path.parent for path in paths}:
        check_folder(folder)
    existing = find_existing(paths)
    refuse_inputs(existing, inputs)
    if not may_replace:
        refuse_existing(existing, _REMEDY)


def iter_save(
    result: ResultToSave,
    paths: Mapping[OutputFormat, Path],
    *,
    may_replace: bool = False,
) -> Generator[FileSaved, None, list[Path]]:
    """Write a result in several forms.

    Parameters
    ----------
    result : ResultToSave
        What to write.
    paths : mapping of OutputFormat to Path
        Where, from `result_paths`.
    may_replace : bool
        Whether files that are there are replaced.

    Yields
    ------
    FileSaved
        After each file.

    Returns
    -------
    list of Path
        What was written.  Closing the generator earlier leaves none of it.

    Raises
    ------
    OutputError
        If a file cannot be written, or is there and may not be replaced.
    LabelsError
        If the labels do not fit a form.
    """
    outlines = None
    if {OutputFormat.ROIS, OutputFormat.GEOJSON} & set(paths):
        # Where both are wanted, they share the outlines, which take long to find.
        outlines = list(iter_outlines(result.labels, result.axes, result.factors))
    with ExitStack() as together:
        for n_done, (kind, path) in enumerate(paths.items(), start=1):
            check_cancelled()
            part = together.enter_context(replacing(path, may_replace=may_replace))
            _write(kind, part, result, outlines)
            yield FileSaved(n_done, len(paths))
    return list(paths.values())


def _write(
    kind: OutputFormat,
    path: Path,
    result: ResultToSave,
    outlines: Sequence[OutlinedNucleus] | None,
) -> None:
    labels, axes, table = result.labels, result.axes, result.table
    match kind:
        case OutputFormat.TIFF:
            write_labels_tiff(
                *(path, labels),
                axes=axes,
                calibration=result.calibration,
                record=result.record,
            )
        case OutputFormat.ROIS:
            write_rois(path, labels, axes=axes, outlines=outlines)
        case OutputFormat.GEOJSON:
            write_geojson(path, labels, axes=axes, outlines=outlines, features=table)
        case OutputFormat.FEATURES if table is not None:
            write_features_csv(path, table)
        case OutputFormat.OVERLAY if result.image is not None:
            write_png(path, draw_side_by_side(result.image, labels))
        case _:
            raise OutputError(
                f"Expected a table and a single image for all forms. Received: neither "
                f"for {kind.value}; leave it out, or measure the nuclei first."
            )
