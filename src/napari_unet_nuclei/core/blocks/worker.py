"""Blocks are done here, or wherever a copy of this process runs."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.blocks.run_folder import RunFolder
from napari_unet_nuclei.core.blocks.segmenting import BlockSegmenter
from napari_unet_nuclei.core.concurrency import map_ahead
from napari_unet_nuclei.core.errors import (
    ImageError,
    ModelError,
    OutputError,
    UNetNucleiError,
)
from napari_unet_nuclei.core.files.big_images import open_big_image
from napari_unet_nuclei.core.files.checksums import file_sha256
from napari_unet_nuclei.core.segmentation.memory import say_lack
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from typing import Any


@dataclass(frozen=True, kw_only=True)
class BlockJob:
    """What a process has to know to do blocks of a run.

    Parameters
    ----------
    image, model, folder : str
        Paths of the image, of the file of the model and of the folder of the run, as
        they are known wherever blocks are done.
    engine : str
        Runtime of the network.
    """

    image: str
    model: str
    folder: str
    engine: str = EngineName.AUTO.value


@dataclass(frozen=True)
class BlockOutcome:
    """What became of a block.

    Parameters
    ----------
    index : int
        Which.
    n_nuclei : int
        Nuclei found in its core.
    error : str, optional
        Why it could not be done.
    """

    index: int
    n_nuclei: int = 0
    error: str | None = None


class Worker:
    """Does blocks one after the other; holds the model and the image open.

    Parameters
    ----------
    job : BlockJob
        The run.

    Raises
    ------
    ModelError
        If the model is not the one that the run was planned with.
    """

    def __init__(self, job: BlockJob) -> None:
        self.folder = RunFolder(Path(job.folder))
        plan = self.folder.read_plan()
        if plan is None:
            raise OutputError(
                f"Expected the run in {job.folder}. Received: none. Give workers the "
                "same folders as the process that hands out the blocks."
            )
        path = Path(job.model)
        if file_sha256(path) != plan.request.model_sha256:
            raise ModelError(
                f"Expected the model that the run was planned with. Received: {path}, "
                "which is another. Begin anew with --overwrite."
            )
        identity = plan.request.image
        image = open_big_image(
            job.image, level=identity["level"], channel=identity["channel"]
        )
        self._grid = plan.grid
        self._segmenter = BlockSegmenter(
            load_model(path, job.engine), image, plan, self.folder.read_sample(plan)
        )

    def do(self, index: int) -> BlockOutcome:
        """Do a block from reading to writing.

        Raises
        ------
        OutputError
            If no other block could be written either.
        """
        return next(self.iter_blocks([index]))

    def iter_blocks(
        self, indices: Sequence[int]
    ) -> Generator[BlockOutcome, None, None]:
        """Do blocks: one is read, one is seen and one is written at the same time.

        Yields
        ------
        BlockOutcome
            After each, also where it could not be done.

        Raises
        ------
        OutputError
            If no other block could be written either.
        """
        steps = (_Steps(self._grid.block(index)) for index in indices)
        ready = map_ahead(lambda step: step.advance(self._read), steps)
        seen = (step.advance(self._see) for step in ready)
        for step in map_ahead(lambda step: step.advance(self._write), seen):
            yield step.outcome

    def _read(self, step: _Steps) -> None:
        step.content = self._segmenter.read(step.block)

    def _see(self, step: _Steps) -> None:
        step.content = self._segmenter.see(step.block, step.content)

    def _write(self, step: _Steps) -> None:
        found = self._segmenter.find(step.content)
        step.content = None
        self.folder.files.write(step.block.index, found)
        step.outcome = BlockOutcome(step.block.index, found.n_nuclei)


class _Steps:
    """A block on its way; after an error, nothing more is done."""

    def __init__(self, block: Any) -> None:
        self.block = block
        self.content: Any = None
        self.outcome = BlockOutcome(block.index)

    def advance(self, step: Callable[[_Steps], None]) -> _Steps:
        if self.outcome.error is None:
            try:
                step(self)
            except UNetNucleiError as error:
                if _ends_all(error):
                    raise
                self._fail(str(error))
            except MemoryError as error:
                self._fail(f"There is {say_lack(error)}.")
        return self

    def _fail(self, reason: str) -> None:
        self.content = None
        self.outcome = BlockOutcome(self.block.index, error=reason)


@lru_cache(maxsize=1)
def _worker(job: BlockJob) -> Worker:
    return Worker(job)


def do_block(job: BlockJob, index: int) -> BlockOutcome:
    """Do a block in a process that keeps model and image for the next.

    Parameters
    ----------
    job : BlockJob
        The run.
    index : int
        Which block.

    Returns
    -------
    BlockOutcome
        What became of it; errors that end the whole run are raised.
    """
    return _worker(job).do(index)


def _ends_all(error: UNetNucleiError) -> bool:
    """Whether the next block would fail for the same reason, as on a full disk."""
    if isinstance(error, OutputError):
        cause = error.__cause__
        return not (isinstance(cause, OSError) and cause.errno in (errno.ENAMETOOLONG,))
    return not isinstance(error, ImageError)
