"""``insights``: a look at a data set before training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from napari_unet_nuclei.cli.option_groups import with_option_groups
from napari_unet_nuclei.cli.options import ANNOTATED_IMAGES, Debug, Overwrite
from napari_unet_nuclei.cli.reporting import (
    make_progress,
    messages,
    one_sentence_errors,
    output,
)
from napari_unet_nuclei.cli.selection import Selection
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.shown_text import find_names, with_texts

if TYPE_CHECKING:
    from napari_unet_nuclei.core.datasets.sample import SampleSource
    from napari_unet_nuclei.core.insights.masks import MaskReader
    from napari_unet_nuclei.core.insights.summary import DataSetInsights

_REMEDY = "Use --overwrite to replace {what}, or choose another folder."
_PAGES = ("samples.png", "distributions.png", "suspicious.png", "insights.json")
_MOST_NAMES = 10  # of a kind are printed; the JSON has them all

Data = Annotated[Path, typer.Argument(help=f"{ANNOTATED_IMAGES}.", show_default=False)]
PageFolder = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="DIR", help="Folder to write the pages to."),
]
Seed = Annotated[int, typer.Option(min=0, help="Chooses the samples that are shown.")]


@with_option_groups
def insights(
    *,
    data: Data,
    folder: PageFolder = Path("insights"),
    selection: Selection,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Look at annotated images before training on them.

    Writes three pages (samples.png, distributions.png, suspicious.png) and all
    numbers (insights.json), and prints a summary.  A sample that cannot be read
    is skipped and named at the end; the exit code is 1 only if none can.

    Example: `napari-unet-nuclei insights stage1_train.zip -o insights`
    """
    with one_sentence_errors(debug=debug):
        from napari_unet_nuclei.core.datasets.input_files import (
            check_output_folder,
            input_files,
        )
        from napari_unet_nuclei.core.datasets.opening import open_samples
        from napari_unet_nuclei.core.insights.masks import open_masks
        from napari_unet_nuclei.core.writing.outputs import check_outputs

        check_output_folder(folder, [data])
        check_outputs(
            [folder / page for page in _PAGES],
            input_files([data, *selection.files]),
            overwrite=overwrite,
            remedy=_REMEDY,
        )
        source, read_masks = open_samples(data), open_masks(data)
        wanted = selection.read_names() or source.sample_ids
        names = find_names(wanted, source.sample_ids)
        found = _look(source, read_masks, names)
        if not found.rows:
            raise DatasetError(
                f"Expected annotated images. Received: {data}, of whose "
                f"{len(names)} samples none can be read, the first because: "
                f"{found.unreadable[0].reason}"
            )
        _write_pages(folder, source, read_masks, found, seed)
        _print_summary(found)
        output.print(f"All of it is in {folder}", highlight=False, soft_wrap=True)


def _look(
    source: SampleSource, read_masks: MaskReader, names: Sequence[str]
) -> DataSetInsights:
    """Inspect sample after sample, and show how far that is."""
    from napari_unet_nuclei.core.insights.inspection import iter_insights
    from napari_unet_nuclei.core.insights.summary import DataSetInsights

    found = DataSetInsights(source.name)
    with make_progress() as progress:
        for sample in progress.track(
            iter_insights(source, read_masks, names),
            total=len(names),
            description="Looking",
        ):
            found.add(sample)
    return found


def _write_pages(
    folder: Path,
    source: SampleSource,
    read_masks: MaskReader,
    found: DataSetInsights,
    seed: int,
) -> None:
    """Draw the pages and write the numbers."""
    from napari_unet_nuclei.core.drawing.figures import write_figure
    from napari_unet_nuclei.core.insights.distributions import draw_distributions
    from napari_unet_nuclei.core.insights.pages import draw_samples, draw_suspicious
    from napari_unet_nuclei.core.writing.atomic_files import replacing

    samples, distributions, suspicious, numbers = (folder / page for page in _PAGES)
    write_figure(samples, draw_samples(source, found, seed))
    write_figure(distributions, draw_distributions(found))
    write_figure(suspicious, draw_suspicious(source, read_masks, found))
    with replacing(numbers) as temporary:
        content = json.dumps(with_texts(found.as_json()), indent=1)
        temporary.write_text(content, encoding="utf-8")


def _print_summary(found: DataSetInsights) -> None:
    output.print(_make_table(found))
    lines = [
        *(
            f"{n:,} mask{'' if n == 1 else 's'} {reason}"
            for reason, n in found.n_suspicious.items()
        ),
        *_name("images without nuclei", found.without_nuclei),
        *_name("groups of equal images", [" = ".join(g) for g in found.duplicates]),
    ]
    for line in lines or ["Nothing looks odd."]:
        output.print(line, highlight=False, markup=False, soft_wrap=True)
    unreadable = [f"{each.sample_id}: {each.reason}" for each in found.unreadable]
    for line in _name("samples that cannot be read", unreadable):
        messages.print(line, style="red", markup=False, soft_wrap=True)


def _name(what: str, names: Sequence[str]) -> list[str]:
    """Say how many there are and which; nothing where there are none."""
    if not names:
        return []
    more = ["  … the others are in insights.json"] if len(names) > _MOST_NAMES else []
    shown = [f"  {name}" for name in names[:_MOST_NAMES]]
    return [f"{what}: {len(names):,}", *shown, *more]


def _make_table(found: DataSetInsights) -> Table:
    from napari_unet_nuclei.core.insights.summary import describe

    table = Table("", box=box.SIMPLE_HEAD)
    for column in (
        *("images", "nuclei", "per image", "diameter, px (5–95 %)"),
        *("covered", "touching"),
    ):
        table.add_column(column, justify="right", no_wrap=True)
    for name, group in found.groups.items():
        diameter = describe(group.diameters)
        per_image = describe([row.n_nuclei for row in group.rows]) or {}
        covered = describe([row.foreground for row in group.rows]) or {}
        table.add_row(
            name,
            f"{len(group.rows):,}",
            f"{group.areas.size:,}",
            f"{per_image['median']:.0f}",
            "–"
            if diameter is None
            else "{median:.0f} ({p5:.0f}–{p95:.0f})".format(**diameter),
            f"{covered['mean']:.0%}",
            f"{group.touching:.0%}",
        )
    return table
