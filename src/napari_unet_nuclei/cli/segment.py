"""``segment``: images in, labels out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_unet_nuclei.cli.big_images import make_run, refuse_unused, segment_big
from napari_unet_nuclei.cli.block_options import BlockOptions
from napari_unet_nuclei.cli.file_batch import FileBatch
from napari_unet_nuclei.cli.measurement_options import MeasurementOptions
from napari_unet_nuclei.cli.option_groups import with_option_groups
from napari_unet_nuclei.cli.options import Debug, Overwrite, ResultFolder
from napari_unet_nuclei.cli.report_options import ReportOptions
from napari_unet_nuclei.cli.reporting import one_sentence_errors
from napari_unet_nuclei.cli.segmentation_options import (
    ImageOptions,
    NucleiOptions,
    parse_formats,
)
from napari_unet_nuclei.cli.selection import Selection
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import (
    DEFAULT_MODEL,
    EngineName,
    OutputFormat,
)

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
        batch = FileBatch(
            inputs=inputs,
            folder=folder,
            model=model,
            engine=engine,
            settings=settings,
            kinds=tuple(kinds),
            measurement=measurement,
            selection=selection,
            image=image,
            page=page,
            skip_existing=skip_existing,
            overwrite=overwrite,
            debug=debug,
        )
        if not batch.run():
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
