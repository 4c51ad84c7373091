"""``segment``: images in, labels out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_unet_nuclei.cli.reporting import (
    Debug,
    make_progress,
    messages,
    one_sentence_errors,
    output,
    quiet_native_libraries,
)
from napari_unet_nuclei.cli.wording import describe_error
from napari_unet_nuclei.core.choices import EngineName, OutputFormat
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings import SegmentationSettings

if TYPE_CHECKING:
    from napari_unet_nuclei.core.batch import ImageDone

_DEFAULTS = SegmentationSettings()


def segment(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            help="Images, folders of images, DSB2018 folders or zips, with masks or "
            "without.",
            show_default=False,
        ),
    ],
    folder: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder to write the results to."
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            help="`resnet` (best), `classic` (fast), a model of yours, or a file."
        ),
    ] = "resnet",
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Foreground probability that makes a nucleus, 0 to 1; lower finds "
            "more and larger nuclei.  [default: the model's own]",
            show_default=False,
        ),
    ] = _DEFAULTS.threshold,
    min_area: Annotated[
        int | None,
        typer.Option(
            metavar="PX²",
            help="Drop nuclei smaller than this.  [default: 30, less where an image "
            "was enlarged, more where it was shrunk]",
            show_default=False,
        ),
    ] = _DEFAULTS.min_area,
    diameter: Annotated[
        float | None,
        typer.Option(
            metavar="PX",
            help="Typical diameter of the nuclei, by which images are rescaled.  "
            "[default: estimated in each image, and rescaled where it is far from "
            "what the model knows]",
            show_default=False,
        ),
    ] = _DEFAULTS.diameter,
    tta: Annotated[
        bool,
        typer.Option(
            "--tta",
            help="Average over the flips the model was trained with, up to 8: better, "
            "and as many times slower.",
        ),
    ] = _DEFAULTS.tta,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="LIST",
            help="What to write, separated by commas: tiff (labels for ImageJ), png "
            "(16-bit labels), dsb2018 (one mask a nucleus), rle (Kaggle's csv), "
            "overlay (image beside prediction), features (a csv a nucleus a line).",
        ),
    ] = "tiff",
    ids: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Segment only the images a text file names."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(metavar="FILE:PART", help="Segment only a part of a split file."),
    ] = None,
    axes: Annotated[
        str | None,
        typer.Option(help="Axes of each image, such as CYX.  [default: guessed]"),
    ] = None,
    channel: Annotated[
        int | None, typer.Option(help="Channel that shows the nuclei, from 0.")
    ] = None,
    engine: Annotated[
        EngineName, typer.Option(help="Runtime of the network.")
    ] = EngineName.AUTO,
    debug: Debug = False,
) -> None:
    """Find the nuclei of images and write them in the formats you ask for.

    An image that cannot be read is passed over and named at the end; the exit
    code is then 1.

    Example: `napari-unet-nuclei segment photos/ -o results --format tiff,overlay`
    """
    with one_sentence_errors(debug=debug):
        settings = SegmentationSettings(
            threshold=threshold, min_area=min_area, diameter=diameter, tta=tta
        )
        kinds = parse_formats(formats)
        names = read_names(ids, split)

        from napari_unet_nuclei.core.batch import segment_images
        from napari_unet_nuclei.core.inputs import find_inputs
        from napari_unet_nuclei.core.prediction import load_model

        images = find_inputs(inputs, names)
        # OpenVINO says nothing; Keras, where it is used, starts TensorFlow.
        with quiet_native_libraries(debug=debug):
            loaded = load_model(model, engine)
        with make_progress() as progress:
            task = progress.add_task("Segmenting", total=len(images))
            done = []
            for result in segment_images(
                loaded, images, folder, kinds, settings, axes=axes, channel=channel
            ):
                done.append(result)
                progress.advance(task)
        if not report(done, folder, loaded.engine.description):
            raise typer.Exit(1)


def parse_formats(text: str) -> list[OutputFormat]:
    """Turn a list with commas into formats."""
    try:
        return list(
            dict.fromkeys(OutputFormat(word.strip()) for word in text.split(","))
        )
    except ValueError as error:
        raise SettingsError(
            f"The formats must be among {', '.join(OutputFormat)}. Received: {text!r}"
        ) from error


def read_names(ids: Path | None, split: str | None) -> tuple[str, ...] | None:
    """Read which images are wanted; ``None`` means all."""
    from napari_unet_nuclei.core.samples import read_ids, read_split

    if ids is not None and split is not None:
        raise SettingsError(
            "Expected --ids or --split. Received: both. Leave one of them out."
        )
    if ids is None and split is None:
        return None
    names = read_ids(ids) if ids is not None else read_split(str(split))
    return tuple(dict.fromkeys(names))  # an image that is named twice counts once


def report(done: list[ImageDone], folder: Path, engine: str) -> bool:
    """Print what was done and what was not; true when nothing failed."""
    failed = [image for image in done if image.error is not None]
    n_nuclei = sum(image.n_nuclei for image in done)
    seconds = sum(image.seconds for image in done)
    n_images = len(done) - len(failed)
    output.print(
        f"{n_nuclei:,} nuclei in {n_images:,} image{'' if n_images == 1 else 's'}, "
        f"{seconds:.1f} s → {folder}",
        highlight=False,
        soft_wrap=True,
    )
    messages.print(f"{engine}", style="dim", markup=False, soft_wrap=True)
    n_rescaled = sum(image.is_rescaled for image in done)
    if n_rescaled:
        messages.print(
            f"{n_rescaled:,} rescaled, because of much smaller or larger nuclei than "
            "the model knows; set --diameter to choose the scale.",
            style="dim",
        )
    if failed:
        messages.print(f"{len(failed)} could not be segmented:", style="red")
        for image in failed:
            reason = image.cause and describe_error(image.cause)
            messages.print(f"  {image.name}: {reason or image.error}")
    return not failed
