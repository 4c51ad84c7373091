"""``segment``: images in, labels out."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_unet_nuclei.cli.reporting import (
    Debug,
    Overwrite,
    make_progress,
    messages,
    one_sentence_errors,
    output,
    quiet_native_libraries,
)
from napari_unet_nuclei.cli.wording import describe_error
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import EngineName, OutputFormat
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from napari_unet_nuclei.core.batch.outputs import BatchOutputs
    from napari_unet_nuclei.core.batch.run import ImageDone

_DEFAULTS = SegmentationSettings()


def segment(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            help="Images, folders or zips of images, DSB2018 folders or zips. Masks "
            "(a_masks.tif beside a.tif, masks/ beside images/) are passed over.",
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
        typer.Option(
            help="Axes of each image, such as CYX.  [default: what its file says]"
        ),
    ] = None,
    channel: Annotated[
        int | None, typer.Option(help="Channel that shows the nuclei, from 0.")
    ] = None,
    series: Annotated[
        str | None,
        typer.Option(
            metavar="N|all",
            help="Which image of files that hold several, from 0, or all of them.  "
            "[default: the largest]",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        EngineName, typer.Option(help="Runtime of the network.")
    ] = EngineName.AUTO,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Keep results that exist and make those that are missing: a batch "
            "that was stopped goes on.",
        ),
    ] = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Find the nuclei of images and write them in the formats you ask for.

    An image that cannot be read is passed over and named at the end; the exit
    code is then 1.  Files that exist are replaced only with --overwrite, and those
    that are read never.  Where images lie in the output folder itself, labels are
    called NAME_masks.

    Example: `napari-unet-nuclei segment photos/ -o results --format tiff,overlay`
    """
    with one_sentence_errors(debug=debug):
        settings = SegmentationSettings(
            threshold=threshold, min_area=min_area, diameter=diameter, tta=tta
        )
        kinds = parse_formats(formats)
        if overwrite and skip_existing:
            raise SettingsError(
                "Expected --skip-existing or --overwrite. Received: both. Leave one of "
                "them out."
            )
        names = read_names(ids, split)
        number = parse_series(series)

        from napari_unet_nuclei.core.batch.inputs import find_inputs
        from napari_unet_nuclei.core.batch.outputs import claim_csv, plan_outputs
        from napari_unet_nuclei.core.batch.run import segment_images
        from napari_unet_nuclei.core.segmentation.model import load_model

        images = find_inputs(inputs, names, series=number, say=say)
        with claim_csv(folder, kinds):
            outputs = plan_outputs(
                images,
                folder,
                kinds,
                [*inputs, *files_with_names(ids, split)],
                overwrite=overwrite,
                skip_existing=skip_existing,
            )
            todo = outputs.missing(images)
            tell_plan(outputs, len(images) - len(todo))
            # OpenVINO says nothing; Keras, where it is used, starts TensorFlow.
            with quiet_native_libraries(debug=debug):
                loaded = load_model(model, engine)
            steps = segment_images(
                loaded, todo, outputs, settings, axes=axes, channel=channel
            )
            done = []
            with make_progress() as progress, closing(steps):
                task = progress.add_task("Segmenting", total=len(todo))
                for result in steps:
                    done.append(result)
                    progress.advance(task)
            if not report(done, folder, loaded.engine.description):
                raise typer.Exit(1)


def say(sentence: str) -> None:
    """Print a sentence on standard error."""
    messages.print(sentence, style="dim", markup=False, soft_wrap=True)


def tell_plan(outputs: BatchOutputs, n_skipped: int) -> None:
    """Say what is not as usual about the results."""
    if outputs.is_beside and {OutputFormat.TIFF, OutputFormat.PNG} & {*outputs.formats}:
        say(
            f"Images lie in {outputs.folder} itself, so their labels are called "
            "NAME_masks."
        )
    if n_skipped:
        what = "1 image has its results"
        if n_skipped > 1:
            what = f"{n_skipped:,} images have their results"
        say(f"{what} already and {'is' if n_skipped == 1 else 'are'} passed over.")


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


def parse_series(text: str | None) -> int | Literal["all"] | None:
    """Turn the choice of an image in a file into its number."""
    if text is None:
        return None
    if text == "all":
        return "all"
    if not text.isdecimal():
        raise SettingsError(
            "Expected --series as a number from 0, or all. Received: "
            f"{text!r}; leave it out to take the largest image of each file."
        )
    return int(text)


def read_names(ids: Path | None, split: str | None) -> tuple[str, ...] | None:
    """Read which images are wanted; ``None`` means all."""
    from napari_unet_nuclei.core.datasets.opening import read_ids, read_split

    if ids is not None and split is not None:
        raise SettingsError(
            "Expected --ids or --split. Received: both. Leave one of them out."
        )
    if ids is None and split is None:
        return None
    names = read_ids(ids) if ids is not None else read_split(str(split))
    return tuple(dict.fromkeys(names))  # an image that is named twice counts once


def files_with_names(ids: Path | None, split: str | None) -> list[Path]:
    """Return the files that say which images are wanted."""
    files = [] if ids is None else [ids]
    return files if split is None else [*files, Path(split.rpartition(":")[0])]


def report(done: list[ImageDone], folder: Path, engine: str) -> bool:
    """Print what was done and what was not; true when nothing failed."""
    own = [image.name for image in done if image.is_own_result]
    done = [image for image in done if not image.is_own_result]
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
    if own:
        say(f"Passed over, as written by this program and no image: {', '.join(own)}.")
    for image in done:
        for note in image.notes:
            say(f"{image.name}: {note}")
    if failed:
        messages.print(f"{len(failed)} could not be segmented:", style="red")
        for image in failed:
            reason = image.cause and describe_error(image.cause)
            messages.print(f"  {image.name}: {reason or image.error}")
    return not failed
