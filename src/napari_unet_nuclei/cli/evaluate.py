"""``evaluate``: how good are predicted nuclei."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from napari_unet_nuclei.cli.reporting import (
    Debug,
    make_progress,
    one_sentence_errors,
    output,
)
from napari_unet_nuclei.cli.segment import read_names

if TYPE_CHECKING:
    from napari_unet_nuclei.core.comparison import ImageCompared
    from napari_unet_nuclei.core.metrics import Scores


def evaluate(
    truth: Annotated[
        Path,
        typer.Argument(
            help="Folder of label images, DSB2018 folder or zip, or Kaggle's csv.",
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
        int, typer.Option(metavar="N", help="Name the N images with the lowest scores.")
    ] = 0,
    json_path: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all scores as JSON too."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Score predicted nuclei against true ones.

    Prints the DSB2018 score (mean average precision over IoU .50 … .95), AP at
    50, 75 and 90 % overlap, panoptic quality and Dice, per staining where the
    truth has the images, and over all.

    Example: `napari-unet-nuclei evaluate truth.zip results --split split.json:val`
    """
    with one_sentence_errors(debug=debug):
        from napari_unet_nuclei.core.atomic_files import replacing
        from napari_unet_nuclei.core.comparison import compare, open_collection
        from napari_unet_nuclei.core.metrics import summarise, summarise_groups

        collections = open_collection(truth), open_collection(prediction)
        names = read_names(ids, split) or collections[0].names
        with make_progress() as progress:
            images = list(
                progress.track(
                    compare(*collections, names),
                    total=len(names),
                    description="Comparing",
                )
            )
        overall = summarise([image.scores for image in images])
        known = [image for image in images if image.staining is not None]
        groups = summarise_groups(
            [image.scores for image in known], [str(image.staining) for image in known]
        )
        output.print(_make_table(groups | {"all": overall}))
        _print_worst(images, worst)
        if json_path is not None:
            content = _as_json(images, groups, overall)
            with replacing(json_path) as temporary:
                temporary.write_text(json.dumps(content, indent=2), encoding="utf-8")


def _make_table(rows: dict[str, Scores]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    columns = ("images", "nuclei", "found", "DSB2018", "AP50", "AP75", "AP90")
    for column in ("", *columns, "PQ", "Dice"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for name, scores in rows.items():
        table.add_row(
            name,
            *(str(n) for n in (scores.n_images, scores.n_true, scores.n_predicted)),
            *(
                f"{value:.3f}"
                for value in (
                    scores.dsb2018,
                    scores.ap[0.5],
                    scores.ap[0.75],
                    scores.ap[0.9],
                    scores.pq,
                    scores.dice,
                )
            ),
        )
    return table


def _print_worst(images: list[ImageCompared], n_worst: int) -> None:
    by_score = sorted(images, key=lambda image: image.scores.dsb2018)
    for image in by_score[:n_worst]:
        scores = image.scores
        output.print(
            f"{image.name}: DSB2018 {scores.dsb2018:.3f}, {scores.n_true} nuclei, "
            f"{scores.n_predicted} found, {scores.tp[0]} of them right",
            highlight=False,
            soft_wrap=True,
        )


def _as_json(
    images: list[ImageCompared], groups: dict[str, Scores], overall: Scores
) -> dict[str, Any]:
    return {
        "all": asdict(overall),
        "stainings": {name: asdict(scores) for name, scores in groups.items()},
        "images": [
            {
                "name": image.name,
                "staining": image.staining,
                "dsb2018": image.scores.dsb2018,
                **asdict(image.scores),
            }
            for image in images
        ],
    }
