"""``segment IMAGE -o OUTPUT.zarr``: one image, block by block."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.cli.block_options import BlockOptions
from napari_unet_nuclei.cli.reporting import make_progress, messages, output
from napari_unet_nuclei.cli.segmentation_options import ImageOptions
from napari_unet_nuclei.cli.segmentation_report import say
from napari_unet_nuclei.cli.wording import describe_error
from napari_unet_nuclei.core.blocks.big_run import BigRun, BlockJoined
from napari_unet_nuclei.core.errors import ImageError, SettingsError
from napari_unet_nuclei.core.progress import Preparing, Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from _typeshed import DataclassInstance

    from napari_unet_nuclei.core.blocks.big_run import BigResult
    from napari_unet_nuclei.core.settings.choices import EngineName
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

_NAME = "nuclei"


def make_run(
    inputs: Sequence[Path],
    folder: Path,
    settings: SegmentationSettings,
    blocks: BlockOptions,
    image: ImageOptions,
    *,
    model: str,
    engine: EngineName,
    overwrite: bool,
) -> BigRun:
    """Return what the options of ``segment`` ask for."""
    if len(inputs) != 1:
        raise SettingsError(
            f"Expected one image for {folder}. Received: {len(inputs)}; segment each "
            "into an output of its own."
        )
    return BigRun(
        image=inputs[0],
        output=folder,
        name=blocks.labels_name or _NAME,
        model=model,
        settings=settings,
        engine=engine,
        level=blocks.level or 0,
        channel=image.channel,
        side=blocks.block_side,
        n_workers=blocks.workers or 1,
        scheduler=blocks.scheduler,
        overwrite=overwrite,
    )


def refuse_unused(folder: Path, *groups: DataclassInstance) -> None:
    """Refuse options that are for folders of images.

    Parameters
    ----------
    folder : Path
        The output.
    *groups : dataclass
        Options; all but ``channel`` must be as they are by default.
    """
    for group in groups:
        for option in fields(group):
            value = getattr(group, option.name)
            if value != option.default and option.name != "channel":
                raise SettingsError(
                    f"Expected no {{{option.name}}} with {folder}, which gets labels "
                    "and a table in OME-Zarr. Leave it out, or choose a folder.",
                    **{option.name: True},  # spelled without its value
                )


def segment_big(run: BigRun) -> bool:
    """Segment an image, or those of a plate, and say what came out; true if all did."""
    from napari_unet_nuclei.core.files.ome_zarr_plates import find_fields

    fields = find_fields(run.image)
    if fields == [""]:
        _segment_one(run, str(run.output))
        return True
    failed = []
    for field in fields:
        part = replace(run, image=run.image / field, output=run.output / field)
        try:
            _segment_one(part, field)
        except ImageError as error:
            failed.append(f"  {field}: {describe_error(error)}")
    if failed:
        messages.print(f"{len(failed)} could not be segmented:", style="red")
        for sentence in failed:
            messages.print(sentence)
    return not failed


def _segment_one(run: BigRun, name: str) -> None:
    from napari_unet_nuclei.core.blocks.run import iter_big_run

    start = time.perf_counter()
    result = _follow(iter_big_run(run))
    seconds = time.perf_counter() - start
    where = f"{name}/labels/{run.name}"
    if result.was_complete:
        say(f"The labels are complete already; --overwrite makes them anew: {where}")
    elif result.n_done_before:
        say(f"{result.n_done_before:,} blocks were done before.")
    if result.n_background:
        say(f"{result.n_background:,} blocks show nothing and were skipped.")
    blocks = f"{result.n_blocks:,} block{'' if result.n_blocks == 1 else 's'}"
    output.print(f"{result.n_nuclei:,} nuclei in {blocks}, {seconds:.1f} s → {where}")


def _follow(steps: Generator[Preparing | Progress, None, BigResult]) -> BigResult:
    """Run to the end, with a bar that says how long the rest takes."""
    with make_progress() as progress:
        task = progress.add_task("Segmenting", total=None)
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                result: BigResult = stop.value
                return result
            if isinstance(step, Preparing):
                progress.update(task, description=step.what)
            else:
                is_joined = isinstance(step, BlockJoined)
                progress.update(
                    task,
                    description="Joining" if is_joined else "Segmenting",
                    completed=step.n_done,
                    total=step.n_total,
                )
