"""``segment IMAGE -o OUTPUT.zarr``: one image, block by block."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.cli.block_options import BlockOptions
from napari_unet_nuclei.cli.reporting import make_progress, output
from napari_unet_nuclei.cli.segmentation_options import ImageOptions
from napari_unet_nuclei.cli.segmentation_report import say
from napari_unet_nuclei.core.blocks.big_run import BigRun, BlockJoined
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.progress import Preparing, Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

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
    for name in ("axes", "series"):
        if getattr(image, name) is not None:
            raise SettingsError(
                f"Expected no {{{name}}} with an output in OME-Zarr, for which the "
                "image itself says what its axes are. Received: "
                f"{getattr(image, name)}; leave it out.",
                **{name: None},
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


def segment_big(run: BigRun) -> None:
    """Segment an image block by block, show how far that is, and say what came out."""
    from napari_unet_nuclei.core.blocks.run import iter_big_run

    start = time.perf_counter()
    result = _follow(iter_big_run(run))
    seconds = time.perf_counter() - start
    where = f"{run.output}/labels/{run.name}"
    if result.was_complete:
        say(f"The labels are complete already; --overwrite makes them anew: {where}")
    elif result.n_done_before:
        say(f"{result.n_done_before:,} blocks were done before.")
    if result.n_background:
        say(f"{result.n_background:,} blocks show nothing and were skipped.")
    output.print(
        f"{result.n_nuclei:,} nuclei in {result.n_blocks:,} blocks, {seconds:.1f} s "
        f"→ {where}"
    )


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
