"""``segment``: images in, labels out."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_unet_nuclei.cli.big_images import make_run, refuse_unused, segment_big
from napari_unet_nuclei.cli.block_options import BlockOptions
from napari_unet_nuclei.cli.measurement_options import MeasurementOptions
from napari_unet_nuclei.cli.option_groups import with_option_groups
from napari_unet_nuclei.cli.options import Debug, Overwrite, ResultFolder
from napari_unet_nuclei.cli.report_options import ReportOptions
from napari_unet_nuclei.cli.reporting import (
    make_progress,
    one_sentence_errors,
    quiet_native_libraries,
)
from napari_unet_nuclei.cli.segmentation_options import (
    ImageOptions,
    NucleiOptions,
    parse_formats,
)
from napari_unet_nuclei.cli.segmentation_report import report, say, tell_plan
from napari_unet_nuclei.cli.selection import Selection
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import (
    DEFAULT_MODEL,
    EngineName,
    OutputFormat,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_unet_nuclei.core.batch.jobs import ImageDone

Inputs = Annotated[
    list[Path],
    typer.Argument(
        metavar="INPUT...",
        help="Images, folders or zips of images, DSB2018 folders or zips. Masks "
        "(a_masks.tif beside a.tif, masks/ beside images/) are skipped.",
        show_default=False,
    ),
]
ModelName = Annotated[
    str,
    typer.Option(
        help="`resnet` (best), `classic` (fast), one of your own models, or a file."
    ),
]
Formats = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="LIST",
        help="What to write, separated by commas: tiff (labels for ImageJ), png "
        "(16-bit labels), dsb2018 (a mask per nucleus), rle (Kaggle's csv), "
        "overlay (image beside prediction), features (a csv with a line per nucleus), "
        "rois (outlines for ImageJ's ROI Manager), geojson (outlines for QuPath).",
    ),
]
Engine = Annotated[EngineName, typer.Option(help="Runtime of the network.")]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Keep results that exist and make the missing ones, to continue a batch "
        "that was stopped.",
    ),
]


@with_option_groups
def segment(
    *,
    inputs: Inputs,
    folder: ResultFolder,
    model: ModelName = DEFAULT_MODEL,
    nuclei: NucleiOptions,
    formats: Formats = OutputFormat.TIFF.value,
    measurement: MeasurementOptions,
    selection: Selection,
    image: ImageOptions,
    page: ReportOptions,
    blocks: BlockOptions,
    engine: Engine = EngineName.AUTO,
    skip_existing: SkipExisting = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Find the nuclei of images and write them in the formats you ask for.

    An image that cannot be read is skipped and named at the end; the exit code is
    then 1.  Existing files are replaced only with --overwrite, input files never.

    With -o OUTPUT.zarr, an OME-Zarr image or plate, or a TIFF, of any size is segmented
    block by block into labels of OME-Zarr; the same command goes on with a run that was
    ended.

    Example: `napari-unet-nuclei segment photos/ -o results --format tiff,overlay`
    """
    with one_sentence_errors(debug=debug):
        settings, kinds = nuclei.make_settings(), parse_formats(formats)
        _check_not_both(overwrite=overwrite, skip_existing=skip_existing)
        if blocks.are_for(folder):
            _check_default_format(kinds, folder)
            refuse_unused(folder, measurement, selection, image, page)
            run = make_run(
                *(inputs, folder, settings, blocks, image),
                model=model,
                engine=engine,
                overwrite=overwrite,
            )
            if not segment_big(run):
                raise typer.Exit(1)
            return
        page.check(folder, overwrite=overwrite, skip_existing=skip_existing)
        measurements = measurement.make_settings(kinds)
        names, series = selection.read_names(), image.parse_series()

        from napari_unet_nuclei.core.batch.inputs import find_inputs
        from napari_unet_nuclei.core.batch.outputs import claim_csv
        from napari_unet_nuclei.core.batch.planning import plan_outputs
        from napari_unet_nuclei.core.batch.run import segment_images
        from napari_unet_nuclei.core.segmentation.model import load_model

        images = find_inputs(inputs, names, series=series, say=say)
        read = [*inputs, *selection.files]
        with claim_csv(folder, kinds):
            outputs = plan_outputs(
                *(images, folder, kinds, read),
                overwrite=overwrite,
                skip_existing=skip_existing,
            )
            todo = outputs.missing(images)
            tell_plan(outputs, len(images) - len(todo))
            # OpenVINO says nothing; Keras, where it is used, starts TensorFlow.
            with quiet_native_libraries(debug=debug):
                loaded = load_model(model, engine)
            steps = segment_images(
                *(loaded, todo, outputs, settings),
                axes=image.axes,
                channel=image.channel,
                spacing=image.spacing,
                measurements=measurements,
                thumbnail_side=page.thumbnail_side(len(images)),
            )
            write_page = partial(page.write, images, outputs, loaded, skip_existing)
            done = _follow(steps, len(todo), write_page)
            if not report(done, folder, loaded.engine.description):
                raise typer.Exit(1)


def _check_default_format(kinds: list[OutputFormat], folder: Path) -> None:
    if kinds != [OutputFormat.TIFF]:
        raise SettingsError(
            f"Expected no --format with {folder}, which gets labels and a table as "
            f"OME-Zarr. Received: {', '.join(kinds)}; leave it out, or choose a folder."
        )


def _check_not_both(*, overwrite: bool, skip_existing: bool) -> None:
    if overwrite and skip_existing:
        raise SettingsError(
            "Expected --skip-existing or --overwrite. Received: both. Leave one of "
            "them out."
        )


def _follow(
    steps: Generator[ImageDone, None, object],
    n_images: int,
    write_page: Callable[[list[ImageDone]], object],
) -> list[ImageDone]:
    """Segment image after image, and show how far that is."""
    done: list[ImageDone] = []
    with make_progress() as progress, closing(steps):
        task = progress.add_task("Segmenting", total=n_images)
        try:
            for result in steps:
                done.append(result)
                progress.advance(task)
        finally:  # also of what was done before it was stopped
            write_page(done)
    return done
