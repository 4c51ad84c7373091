"""The report of a batch: what became of all images, on one page."""

from __future__ import annotations

import csv
import math
import os
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.reports.charts import Chart
from napari_unet_nuclei.core.reports.image_summary import (
    AREA_EDGES,
    INTENSITY_EDGES,
    LARGE_THUMBNAIL,
    SMALL_THUMBNAIL,
)
from napari_unet_nuclei.core.reports.outliers import outlier_scores
from napari_unet_nuclei.core.reports.writing import (
    Column,
    Report,
    Row,
    is_own_report,
    read_rows,
    write_report,
)
from napari_unet_nuclei.core.settings.choices import OutputFormat
from napari_unet_nuclei.core.writing.outputs import refuse_existing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_unet_nuclei.core.batch.inputs import NamedImage
    from napari_unet_nuclei.core.batch.jobs import ImageDone
    from napari_unet_nuclei.core.batch.outputs import BatchOutputs

REPORT_NAME = "report.html"

COLUMNS = (
    Column(title="nuclei", hint="How many there are in the image"),
    Column(title="median area, px²", hint="Half of the nuclei are smaller", digits=0),
    Column(
        title="nuclei per Mpx", hint="Outlines in a million pixels of a plane", digits=0
    ),
    Column(
        title="doubtful, %",
        hint="Nuclei that may be merged, split or none",
        digits=0,
    ),
    Column(title="seconds", hint="For reading, segmenting and writing", digits=2),
)
_COMPARED = (1, 2, 3)  # columns by which an image is unusual

CHARTS = (
    Chart(key="areas", title="area, px²", edges=AREA_EDGES, is_logarithmic=True),
    Chart(
        key="intensities",
        title="mean intensity, of the range of the image",
        edges=INTENSITY_EDGES,
    ),
)

_MANY = 2000  # images


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What a report says of the run itself.

    Parameters
    ----------
    command : str
        What was run.
    model : str
        Name of the model, and its sha256 where it is known.
    package : str
        Name and version of this package.
    engine : str
        What computed the network.
    """

    command: str
    model: str
    package: str
    engine: str

    def listed(self) -> tuple[tuple[str, str], ...]:
        """Return names and values, in order."""
        return (
            ("command", self.command),
            ("model", self.model),
            ("version", self.package),
            ("engine", self.engine),
        )


def thumbnail_side(n_images: int) -> int:
    """Return how large thumbnails are, so that ten thousand stay below 20 MB."""
    return LARGE_THUMBNAIL if n_images <= _MANY else SMALL_THUMBNAIL


def find_groups(
    images: Sequence[NamedImage], named: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Find the group of each image.

    Parameters
    ----------
    images : sequence of NamedImage
        The images.
    named : mapping of str to str, optional
        Groups by the name of the image; by default the folders that the images lie
        in, where there are several.

    Returns
    -------
    dict of str to str
        By the name of the image; without a group it is empty.
    """
    if named is not None:
        return {image.name: named.get(image.name, "") for image in images}
    folders = {image.name: image.file.parent for image in images if image.file}
    n_folders = len(set(folders.values()))
    if n_folders < 2 or n_folders == len(folders):  # all in one, or each in its own
        return {image.name: "" for image in images}
    root = os.path.commonpath([str(folder) for folder in folders.values()])
    named = {name: os.path.relpath(folder, root) for name, folder in folders.items()}
    return {image.name: named.get(image.name, "") for image in images}


def check_report(folder: Path, *, overwrite: bool, skip_existing: bool) -> None:
    """Refuse to replace a page that is there, unless that was asked for.

    Parameters
    ----------
    folder : Path
        Folder that results are written to.
    overwrite, skip_existing : bool
        Whether results that exist are replaced, or stay; a report of this package
        then goes on.

    Raises
    ------
    OutputError
        If there is a page.
    """
    path = folder / REPORT_NAME
    goes_on = skip_existing and is_own_report(path)
    if path.exists() and not overwrite and not goes_on:
        refuse_existing([path])


def read_groups(path: Path) -> dict[str, str]:
    """Read which group each image belongs to.

    Parameters
    ----------
    path : Path
        A csv whose first two columns are the name of an image and its group, below a
        line with their titles.

    Returns
    -------
    dict of str to str
        Groups by the name of the image, with or without its suffix.

    Raises
    ------
    DatasetError
        If the file cannot be read, or has no two columns.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            _, *lines = csv.reader(file)
            named = {line[0].strip(): line[1].strip() for line in lines if line}
    except (OSError, ValueError, LookupError, csv.Error) as error:
        raise DatasetError(
            "Expected a csv with the name of an image and its group in each line. "
            f"Received: {path} ({error})."
        ) from error
    return {PurePath(name).stem: group for name, group in named.items()} | named


def write_batch_report(
    done: Sequence[ImageDone],
    outputs: BatchOutputs,
    facts: RunFacts,
    groups: Mapping[str, str],
    *,
    keeps_earlier: bool,
) -> Path:
    """Write the report of a batch.

    Parameters
    ----------
    done : sequence of ImageDone
        What became of each image, with its summary.
    outputs : BatchOutputs
        Where results went.
    facts : RunFacts
        What was run.
    groups : mapping of str to str
        Output of :func:`find_groups`.
    keeps_earlier : bool
        Whether images of a report that is there stay in it.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    path = outputs.folder / REPORT_NAME
    rows = [_describe(image, outputs, groups) for image in done]
    if keeps_earlier:
        new = {row.name for row in rows}
        rows += [row for row in read_rows(path, COLUMNS) if row.name not in new]
    rows.sort(key=lambda row: row.name)
    n_nuclei = sum(row.values[0] for row in rows if not row.is_failed)
    n_failed = sum(row.is_failed for row in rows)
    found = f"{n_nuclei:,.0f} nuclei in {len(rows) - n_failed:,} images"
    report = Report(
        title="Segmented nuclei",
        facts=(("result", found), *facts.listed()),
        columns=COLUMNS,
        rows=tuple(_with_outliers(rows)),
        charts=CHARTS,
    )
    write_report(path, report)
    return path


def _describe(
    image: ImageDone, outputs: BatchOutputs, groups: Mapping[str, str]
) -> Row:
    """Say in a row what became of an image."""
    group = groups.get(image.name, "")
    summary = image.summary
    if summary is None:
        values = (math.nan,) * len(COLUMNS)
        note = image.error or "There is no result."
        return Row(
            name=image.name, values=values, group=group, note=note, is_failed=True
        )
    has_overlay = OutputFormat.OVERLAY in outputs.formats
    overlay = OutputFormat.OVERLAY
    return Row(
        name=image.name,
        group=group,
        values=(
            image.n_nuclei,
            summary.median_area,
            summary.density,
            summary.doubtful_share * 100,
            image.seconds,
        ),
        thumbnail=summary.thumbnail,
        link=outputs.path_of(image.name, overlay).name if has_overlay else None,
        note=" ".join((*image.warnings, *image.notes)),
        counts={
            "areas": summary.area_counts,
            "intensities": summary.intensity_counts,
        },
    )


def _with_outliers(rows: Sequence[Row]) -> list[Row]:
    good = [row for row in rows if not row.is_failed]
    columns = [[row.values[number] for row in good] for number in _COMPARED]
    scores = outlier_scores(columns, [row.group for row in good])
    scored = dict(zip((row.name for row in good), scores.tolist(), strict=True))
    return [replace(row, outlier=scored.get(row.name, 0.0)) for row in rows]
