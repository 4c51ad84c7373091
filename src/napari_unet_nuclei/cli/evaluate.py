"""``evaluate``: how good are predicted nuclei."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_unet_nuclei.cli.option_groups import with_option_groups
from napari_unet_nuclei.cli.options import Debug, Overwrite
from napari_unet_nuclei.cli.reporting import (
    make_progress,
    one_sentence_errors,
    output,
)
from napari_unet_nuclei.cli.score_intervals import describe_intervals, find_intervals
from napari_unet_nuclei.cli.score_tables import (
    group_images,
    make_mistake_table,
    make_score_table,
    scores_as_json,
)
from napari_unet_nuclei.cli.selection import Selection
from napari_unet_nuclei.cli.worst_images import is_picture, show_worst
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.shown_text import as_text, with_texts

if TYPE_CHECKING:
    from napari_unet_nuclei.core.datasets.label_collections import LabelCollection
    from napari_unet_nuclei.core.evaluation.comparison import ImageCompared

Truth = Annotated[
    Path,
    typer.Argument(
        help="Folder or zip of label images or masks, or of images and labels, "
        "DSB2018 folder or zip, or Kaggle's csv. A file with one value only is a "
        "mask: its parts are numbered.",
        show_default=False,
    ),
]
Prediction = Annotated[
    Path, typer.Argument(help="The same, with the labels to score.", show_default=False)
]
Worst = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        help="Name the N images with the lowest scores, and draw them with true "
        "and predicted outlines and each mistake marked.",
    ),
]
PictureFolder = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="DIR", help="Folder for the pictures of --worst."
    ),
]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write all scores as JSON too."),
]


@with_option_groups
def evaluate(
    *,
    truth: Truth,
    prediction: Prediction,
    selection: Selection,
    worst: Worst = 0,
    folder: PictureFolder = Path("worst"),
    json_path: JsonFile = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Score predicted nuclei against true ones.

    Prints the DSB2018 score (mean average precision over IoU .50 … .95), AP at
    50, 75 and 90 % overlap, panoptic quality and Dice, then the number of nuclei
    that are merged, split, missed and spurious: per staining where an image is
    stored with its labels, and over all.  Pixel scores follow, for labels that are
    not nuclei.

    Stacks are compared plane by plane, and each plane counts as an image.

    Kaggle's csv does not say how large an image is, except for its solution files
    (columns Height and Width); otherwise the size is taken from the other side.

    The same goes for outlines: a ROI zip of ImageJ, GeoJSON, or a folder of such files.

    Example: `napari-unet-nuclei evaluate truth.zip results --split split.json:val`
    """
    with one_sentence_errors(debug=debug, prints_result=True):
        from napari_unet_nuclei.core.datasets.label_collections import open_collection

        inputs = [truth, prediction, *selection.files]
        _check_outputs(json_path, folder if worst else None, inputs, overwrite)
        collections = open_collection(truth), open_collection(prediction)
        wanted = selection.read_names() or collections[0].names
        images = _compare(collections, [as_text(name) for name in wanted])
        _report(images, json_path, overwrite)
        by_score = sorted(images, key=lambda image: image.scores.dsb2018)
        show_worst(by_score[:worst], collections, folder)


def _compare(
    collections: tuple[LabelCollection, LabelCollection], names: list[str]
) -> list[ImageCompared]:
    """Compare image after image, and show how far that is."""
    from napari_unet_nuclei.core.evaluation.comparison import compare

    with make_progress() as progress:
        return list(
            progress.track(
                compare(*collections, names),
                total=len(names),
                description="Comparing",
            )
        )


def _report(
    images: list[ImageCompared], json_path: Path | None, overwrite: bool
) -> None:
    """Print the scores, and write them as JSON where that is wanted."""
    from napari_unet_nuclei.core.writing.atomic_files import replacing

    groups = group_images(images)
    output.print(make_score_table(groups), make_mistake_table(groups))
    pixels = groups["all"].pixels
    output.print(
        f"{pixels.accuracy:.1%} of the pixels are right; foreground-restricted "
        f"Rand score {pixels.rand:.3f}",
        highlight=False,
    )
    if (sentence := describe_intervals(images)) is not None:
        output.print(sentence, highlight=False, soft_wrap=True)
    if json_path is None:
        return
    content = with_texts(
        scores_as_json(images, groups) | {"intervals": find_intervals(images)}
    )
    with replacing(json_path, may_replace=overwrite) as temporary:
        temporary.write_text(json.dumps(content, indent=2), encoding="utf-8")


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
    pictures = sorted(path for path in folder.glob("*") if is_picture(path.name))
    # Pictures are no labels, wherever they lie.
    read = (file for file in input_files(inputs) if not is_picture(file.name))
    check_outputs(pictures, read, overwrite=overwrite)


def _check_apart(json_path: Path, folder: Path) -> None:
    """Refuse scores that would lie where pictures, or their folder, are going to."""
    place = Path(os.path.realpath(folder))
    scores = Path(os.path.realpath(json_path.parent)) / json_path.name
    if scores in (place, *place.parents) or (
        scores.parent == place and is_picture(scores.name)
    ):
        raise OutputError(
            f"Expected --json with another name than the pictures of --worst in "
            f"{folder}, or that folder, have. Received: {json_path}. Choose another "
            "name."
        )
