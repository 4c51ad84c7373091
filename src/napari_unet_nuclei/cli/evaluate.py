"""``evaluate``: how good are predicted nuclei."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from napari_unet_nuclei.cli.reporting import (
    Debug,
    Overwrite,
    make_progress,
    one_sentence_errors,
    output,
)
from napari_unet_nuclei.cli.segment import files_with_names, read_names
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.shown_text import as_text, with_texts

if TYPE_CHECKING:
    from napari_unet_nuclei.core.datasets.label_collections import LabelCollection
    from napari_unet_nuclei.core.evaluation.comparison import ImageCompared
    from napari_unet_nuclei.core.evaluation.mistakes import MistakeCounts
    from napari_unet_nuclei.core.evaluation.pixel_scores import PixelScores
    from napari_unet_nuclei.core.evaluation.scores import Scores


def evaluate(
    truth: Annotated[
        Path,
        typer.Argument(
            help="Folder or zip of label images or masks, or of images and labels, "
            "DSB2018 folder or zip, or Kaggle's csv. A file with one value only is a "
            "mask: its parts are numbered.",
            show_default=False,
        ),
    ],
    prediction: Annotated[
        Path, typer.Argument(help="The same, to be scored.", show_default=False)
    ],
    ids: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare only the images a text file names."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(metavar="FILE:PART", help="Compare only a part of a split file."),
    ] = None,
    worst: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Name the N images with the lowest scores, and draw them with true "
            "and predicted outlines and each mistake marked.",
        ),
    ] = 0,
    folder: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder for the pictures of --worst."
        ),
    ] = Path("worst"),
    json_path: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all scores as JSON too."),
    ] = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Score predicted nuclei against true ones.

    Prints the DSB2018 score (mean average precision over IoU .50 … .95), AP at
    50, 75 and 90 % overlap, panoptic quality and Dice, then the number of nuclei
    that are merged, split, missed and spurious: per staining where an image is
    stored with its labels, and over all.  Scores of pixels follow, for labels that
    are no nuclei.

    Stacks are compared plane by plane, and each plane counts as an image.

    Kaggle's csv does not say how large an image is, except for its solution files
    (columns Height and Width); otherwise the other side tells.

    Example: `napari-unet-nuclei evaluate truth.zip results --split split.json:val`
    """
    with one_sentence_errors(debug=debug, prints_result=True):
        from napari_unet_nuclei.core.datasets.label_collections import open_collection
        from napari_unet_nuclei.core.evaluation.comparison import compare
        from napari_unet_nuclei.core.writing.atomic_files import replacing

        inputs = [truth, prediction, *files_with_names(ids, split)]
        _check_outputs(json_path, folder if worst else None, inputs, overwrite)
        collections = open_collection(truth), open_collection(prediction)
        wanted = read_names(ids, split) or collections[0].names
        names = [as_text(name) for name in wanted]
        with make_progress() as progress:
            images = list(
                progress.track(
                    compare(*collections, names),
                    total=len(names),
                    description="Comparing",
                )
            )
        groups = _group(images)
        output.print(_make_score_table(groups), _make_mistake_table(groups))
        pixels = groups["all"].pixels
        output.print(
            f"{pixels.accuracy:.1%} of the pixels are right; foreground-restricted "
            f"Rand score {pixels.rand:.3f}",
            highlight=False,
        )
        if json_path is not None:
            content = with_texts(_as_json(images, groups))
            with replacing(json_path, may_replace=overwrite) as temporary:
                temporary.write_text(json.dumps(content, indent=2), encoding="utf-8")
        by_score = sorted(images, key=lambda image: image.scores.dsb2018)
        _show_worst(by_score[:worst], collections, folder)


def _check_outputs(
    json_path: Path | None, folder: Path | None, inputs: list[Path], overwrite: bool
) -> None:
    """Refuse to replace files; pictures are named only when all is compared."""
    from napari_unet_nuclei.core.datasets.input_files import (
        check_output_folder,
        input_files,
    )
    from napari_unet_nuclei.core.writing.outputs import check_outputs

    if json_path is not None:
        check_outputs([json_path], input_files(inputs), overwrite=overwrite)
    if folder is None:
        return
    check_output_folder(folder, inputs)
    if json_path is not None:
        _check_apart(json_path, folder)
    pictures = sorted(path for path in folder.glob("*") if _is_picture(path.name))
    # Pictures are no labels, wherever they lie.
    read = (file for file in input_files(inputs) if not _is_picture(file.name))
    check_outputs(pictures, read, overwrite=overwrite)


def _check_apart(json_path: Path, folder: Path) -> None:
    """Refuse scores that would lie where pictures, or their folder, are going to."""
    place = Path(os.path.realpath(folder))
    scores = Path(os.path.realpath(json_path.parent)) / json_path.name
    if scores in (place, *place.parents) or (
        scores.parent == place and _is_picture(scores.name)
    ):
        raise OutputError(
            f"Expected --json with another name than the pictures of --worst in "
            f"{folder}, or that folder, have. Received: {json_path}. Choose another "
            "name."
        )


@dataclass(frozen=True)
class _Group:
    """What is reported of the images of one staining, or of all."""

    scores: Scores
    pixels: PixelScores
    mistakes: MistakeCounts

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self.scores),
            "pixels": asdict(self.pixels),
            "mistakes": asdict(self.mistakes),
        }


def _group(images: Sequence[ImageCompared]) -> dict[str, _Group]:
    """Sum up each staining, by name, and at the end all images."""
    from napari_unet_nuclei.core.evaluation.mistakes import count_mistakes
    from napari_unet_nuclei.core.evaluation.pixel_scores import average_pixels
    from napari_unet_nuclei.core.evaluation.scores import summarise

    known = [image for image in images if image.staining is not None]
    members = {
        name: [image for image in known if image.staining == name]
        for name in sorted({str(image.staining) for image in known})
    }
    members["all"] = list(images)
    return {
        name: _Group(
            summarise([image.scores for image in group]),
            average_pixels([image.pixels for image in group]),
            count_mistakes(image.mistakes for image in group),
        )
        for name, group in members.items()
    }


def _make_score_table(groups: dict[str, _Group]) -> Table:
    table = _make_table("images", "DSB2018", "AP50", "AP75", "AP90", "PQ", "Dice")
    for name, group in groups.items():
        scores = group.scores
        aps = (scores.ap[threshold] for threshold in (0.5, 0.75, 0.9))
        values = (scores.dsb2018, *aps, scores.pq, scores.dice)
        table.add_row(name, str(scores.n_images), *(f"{value:.3f}" for value in values))
    return table


def _make_mistake_table(groups: dict[str, _Group]) -> Table:
    table = _make_table("nuclei", "found", "merged", "split", "missed", "spurious")
    for name, group in groups.items():
        scores, mistakes = group.scores, group.mistakes
        counts = (
            *(scores.n_true, scores.n_predicted, mistakes.merges),
            *(mistakes.splits, mistakes.misses, mistakes.spurious),
        )
        table.add_row(name, *map(str, counts))
    return table


def _make_table(*columns: str) -> Table:
    table = Table("", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _show_worst(
    images: Sequence[ImageCompared],
    collections: tuple[LabelCollection, LabelCollection],
    folder: Path,
) -> None:
    """Say what is wrong with some images and draw them, the worst first."""
    if not images:
        return
    from napari_unet_nuclei.core.drawing.figures import write_figure
    from napari_unet_nuclei.core.evaluation.comparison import read_pair
    from napari_unet_nuclei.core.evaluation.figures import draw_comparison

    for rank, image in enumerate(images, start=1):
        scores, mistakes = image.scores, image.mistakes.counts
        output.print(
            f"{image.name}: DSB2018 {scores.dsb2018:.3f}, {scores.n_true} nuclei, "
            f"{scores.n_predicted} found, {scores.tp[0]} of them right; "
            f"{mistakes.merges} merged, {mistakes.splits} split, {mistakes.misses} "
            f"missed, {mistakes.spurious} spurious",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        figure = draw_comparison(read_pair(*collections, image.name), image)
        write_figure(folder / _picture_name(rank, image.name), figure)
    output.print(f"Pictures are in {folder}", highlight=False, soft_wrap=True)


def _picture_name(rank: int, name: str) -> str:
    """Name of a picture: a csv may hold ids that are no file names."""
    from napari_unet_nuclei.core.drawing.overlays import OVERLAY_ENDING

    safe = re.sub(r"[^-.\w]", "_", name)[:60]
    return f"{rank:03d}_{safe}{OVERLAY_ENDING}.png"


def _is_picture(name: str) -> bool:
    """Whether a picture may have this name, also where a disk ignores case."""
    from napari_unet_nuclei.core.drawing.overlays import OVERLAY_ENDING

    pattern = rf"\d{{3,}}_.*{OVERLAY_ENDING}\.png"
    return re.fullmatch(pattern, name, re.IGNORECASE | re.DOTALL) is not None


def _as_json(
    images: Sequence[ImageCompared], groups: dict[str, _Group]
) -> dict[str, Any]:
    stainings = {name: group.as_json() for name, group in groups.items()}
    return {
        "all": stainings.pop("all"),
        "stainings": stainings,
        "images": [
            {
                "name": image.name,
                "staining": image.staining,
                "dsb2018": image.scores.dsb2018,
                **asdict(image.scores),
                "pixels": asdict(image.pixels),
                "mistakes": asdict(image.mistakes),
            }
            for image in images
        ],
    }
