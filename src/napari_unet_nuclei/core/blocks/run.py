"""A big image is segmented: planned, done block by block, joined and described.

Whatever ends a run, what is done stays; the same request goes on with the rest.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.blocks.background import find_background
from napari_unet_nuclei.core.blocks.big_run import (
    BigResult,
    BigRun,
    BlockDone,
    BlockJoined,
)
from napari_unet_nuclei.core.blocks.cluster import (
    existing_cluster,
    iter_on_cluster,
    local_cluster,
)
from napari_unet_nuclei.core.blocks.finishing import iter_labels, write_table
from napari_unet_nuclei.core.blocks.numbering import iter_numbering
from napari_unet_nuclei.core.blocks.plan import RunPlan, RunRequest, check_same
from napari_unet_nuclei.core.blocks.planning import iter_plan, make_request
from napari_unet_nuclei.core.blocks.run_folder import RunFolder
from napari_unet_nuclei.core.blocks.segmenting import empty_block
from napari_unet_nuclei.core.blocks.worker import BlockJob, BlockOutcome, Worker
from napari_unet_nuclei.core.errors import ImageError, OutputError, SettingsError
from napari_unet_nuclei.core.files.big_images import open_big_image
from napari_unet_nuclei.core.files.extras import import_extra
from napari_unet_nuclei.core.files.ome_zarr_labels import OmeZarrLabels, label_chunk
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.progress import Preparing, exhaust
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.settings.choices import Link
from napari_unet_nuclei.core.writing.file_lock import hold_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from napari_unet_nuclei.core.images.big_image import BigImage

_MOST_NAMED = 3  # blocks that could not be done


def iter_big_run(
    run: BigRun,
) -> Generator[Preparing | BlockDone | BlockJoined, None, BigResult]:
    """Segment an image block by block, or go on with that.

    Parameters
    ----------
    run : BigRun
        What to do.

    Yields
    ------
    Preparing
        Before what cannot say how far it is.
    BlockDone
        After each block, and once before the first.
    BlockJoined
        After the labels of each block got their numbers.

    Returns
    -------
    BigResult
        The labels are complete.

    Raises
    ------
    ImageError
        If the image cannot be used, or some of its blocks cannot be read; all others
        are done then.
    OutputError
        If another process writes the same labels, they are there already, a run was
        begun with another request, or there is no room.
    SettingsError, ModelError, EngineError
        If a setting, the scheduler, the model or the engine cannot be used.
    """
    import_extra("pyarrow", "a table as Parquet")
    if run.is_in_image and run.level:
        raise SettingsError(
            "Expected an output of its own for a smaller level, because the labels of "
            "an image have all of its levels. Received: {level}, and the image itself.",
            level=run.level,
        )
    _refuse_links(run)
    image = open_big_image(run.image, level=run.level, channel=run.channel)
    model_path = find_model(run.model)
    request = make_request(image, model_path, model_path.stem, run.settings)
    labels, folder = OmeZarrLabels(run.output, run.name), RunFolder(run.folder)
    with hold_lock(run.folder, "segment into"):
        complete = _look_for_labels(run, labels, request)
        if complete is not None:
            return complete
        plan = yield from _iter_plan(run, image, request, folder)
        n_before = yield from _iter_blocks(run, plan, folder, image)
        result = yield from _iter_finish(run, plan, folder, image, labels)
        folder.remove()
    return replace(result, n_done_before=n_before)


def _look_for_labels(
    run: BigRun, labels: OmeZarrLabels, request: RunRequest
) -> BigResult | None:
    """Return what finished labels say, if they are of the same request."""
    said = labels.provenance()
    if said is None:
        is_foreign = labels.exist() and RunFolder(run.folder).read_plan() is None
        if is_foreign and not run.overwrite:
            raise OutputError(
                f"Expected to write new labels. Received: {run.output} with labels "
                f"{run.name!r}. Choose another name, or use --overwrite to replace "
                "them."
            )
        return None
    if run.overwrite:
        return None
    plan = RunPlan.from_json(said["plan"])
    check_same(plan.request, request, run.output)
    return BigResult(
        n_nuclei=int(said["n_nuclei"]),
        n_blocks=len(plan.grid),
        was_complete=True,
        plan=said,
    )


def _iter_plan(
    run: BigRun, image: BigImage, request: RunRequest, folder: RunFolder
) -> Generator[Preparing, None, RunPlan]:
    """Take up the plan of a run that was begun, or make one."""
    if run.overwrite:
        folder.remove()
    plan = folder.read_plan()
    if plan is not None:
        check_same(plan.request, request, folder.path)
        if run.side not in (None, plan.side):
            raise OutputError(
                f"Expected to go on with the run in {folder.path}, which was begun "
                f"with blocks of {plan.side} px. Received: {run.side} px. Ask for the "
                "same again, or use --overwrite to begin anew."
            )
        return plan
    yield Preparing("Loading the model")
    model = load_model(run.model, run.engine)
    n_workers = 1 if run.scheduler else run.n_workers
    plan, sample = yield from iter_plan(
        request, image, model, side=run.side, n_workers=n_workers
    )
    yield Preparing("Looking for background")
    plan = replace(plan, background=find_background(image, plan))
    folder.create(plan, sample)
    return plan


def _iter_blocks(
    run: BigRun, plan: RunPlan, folder: RunFolder, image: BigImage
) -> Generator[Preparing | BlockDone, None, int]:
    """Do the blocks that are not done, and return how many were."""
    grid, files = plan.grid, folder.files
    for index in plan.background:
        if not files.is_done(index):
            files.write(index, empty_block(grid.block(index), image.calibration))
    todo = [
        index
        for index in range(len(grid))
        if not files.is_done(index) or files.remove_damaged(index)
    ]
    n_before = len(grid) - len(todo)
    yield BlockDone(n_before, len(grid))
    if not todo:
        return n_before
    yield Preparing("Loading the model")
    failed = []
    n_done = n_before
    job = BlockJob(
        image=str(run.image.absolute()),
        model=str(find_model(run.model).absolute()),
        folder=str(folder.path.absolute()),
        engine=run.engine.value,
    )
    with _workers(run, job) as iter_done, closing(iter_done(todo)) as outcomes:
        for outcome in outcomes:
            if outcome.error is not None:
                failed.append(outcome)
                continue
            n_done += 1
            yield BlockDone(n_done, len(grid))
    if failed:
        _refuse_failed(failed, len(grid))
    return n_before - len(plan.background)


@contextmanager
def _workers(
    run: BigRun, job: BlockJob
) -> Iterator[Callable[[Sequence[int]], Generator[BlockOutcome, None, None]]]:
    """Give what does blocks: this process, or a cluster."""
    if run.scheduler is None and run.n_workers == 1:
        yield Worker(job).iter_blocks
        return
    cluster = (
        existing_cluster(run.scheduler)
        if run.scheduler is not None
        else local_cluster(run.n_workers)
    )
    with cluster as client:
        yield lambda indices: iter_on_cluster(client, job, indices)


def _refuse_links(run: BigRun) -> None:
    """Refuse to link nuclei between planes: blocks are those of one plane."""
    if run.settings.link is not Link.NONE:
        raise SettingsError(
            "Expected an image that is segmented in one piece, to link nuclei from "
            "plane to plane. Received: {link} and an output in OME-Zarr, where blocks "
            "of one plane are segmented; choose a folder.",
            link=run.settings.link.value,
        )


def _refuse_failed(failed: Sequence[BlockOutcome], n_blocks: int) -> None:
    named = "; ".join(
        f"block {each.index}: {each.error}"
        for each in sorted(failed, key=lambda each: each.index)[:_MOST_NAMED]
    )
    raise ImageError(
        f"Expected to segment all {n_blocks} blocks. Received: {len(failed)} that "
        f"could not be done ({named}). The others are kept: mend the cause and run "
        "again."
    )


def _iter_finish(
    run: BigRun,
    plan: RunPlan,
    folder: RunFolder,
    image: BigImage,
    labels: OmeZarrLabels,
) -> Generator[Preparing | BlockJoined, None, BigResult]:
    """Join the blocks, and write the result."""
    grid, files = plan.grid, folder.files
    yield Preparing("Joining the blocks")
    counts = [files.read_count(index) for index in range(len(grid))]
    numbering = exhaust(iter_numbering(grid, counts, files.read_border))
    try:
        array = labels.create(
            *(plan.shape, label_chunk(plan.side), numbering.dtype),
            n_levels=image.n_levels if run.is_in_image else None,
        )
        for index in iter_labels(array, grid, files, numbering):
            yield BlockJoined(index + 1, len(grid))
        yield Preparing("Writing the smaller levels")
        for _ in labels.iter_pyramid():
            pass
        yield Preparing("Writing the table")
        write_table(run.output, run.name, grid, files, numbering)
        said = {
            "plan": plan.to_json(),
            "run": plan.name,
            "n_nuclei": numbering.total,
            "package": plan.request.package,
        }
        labels.describe(image.calibration, said, in_image=run.is_in_image)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"Expected a place to write to. Received: {run.output} "
            f"({error.strerror or error}). All blocks are kept: make room, and run "
            "again."
        ) from error
    return BigResult(
        n_nuclei=numbering.total,
        n_blocks=len(grid),
        n_background=len(plan.background),
        plan=said,
    )
