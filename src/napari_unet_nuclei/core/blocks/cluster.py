"""Blocks on the processes of a Dask cluster: local ones, or those of a scheduler."""

from __future__ import annotations

import logging
import os
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.blocks.worker import BlockJob, BlockOutcome, do_block
from napari_unet_nuclei.core.errors import EngineError, SettingsError, UNetNucleiError
from napari_unet_nuclei.core.files.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

_AHEAD = 2  # blocks for each worker: one that it does, and one that it has next
_RETRIES = 2  # of a block whose worker was killed
_PATIENCE = 15  # s for a scheduler to answer
_PURPOSE = "more than one worker"


@contextmanager
def local_cluster(n_workers: int) -> Iterator[Any]:
    """Start a cluster of processes on this computer, which ends with the run.

    Parameters
    ----------
    n_workers : int
        Processes, which share memory and processors alike.

    Yields
    ------
    distributed.Client
        What hands out work to them.

    Raises
    ------
    ImageError
        If Dask is not installed.
    """
    distributed = import_extra("distributed", _PURPOSE)
    n_processors = max(1, hardware.n_processors() // n_workers)
    with ExitStack() as ending:
        cluster = ending.enter_context(
            distributed.LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                memory_limit=hardware.total_memory() // n_workers,
                env={hardware.PROCESSORS_VARIABLE: str(n_processors)},
                silence_logs=logging.CRITICAL,
                dashboard_address=os.environ.get("DASK_DASHBOARD", ":0"),
            )
        )
        yield ending.enter_context(distributed.Client(cluster))


@contextmanager
def existing_cluster(address: str) -> Iterator[Any]:
    """Use a cluster that is there.

    Parameters
    ----------
    address : str
        Of its scheduler, such as ``"tcp://10.0.0.1:8786"``.

    Yields
    ------
    distributed.Client
        What hands out work to it.

    Raises
    ------
    SettingsError
        If the scheduler does not answer.
    """
    distributed = import_extra("distributed", _PURPOSE)
    try:
        client = distributed.Client(address, timeout=_PATIENCE)
    except (OSError, ValueError) as error:
        raise SettingsError(
            "Expected the address of a Dask scheduler that answers. Received: "
            "{scheduler}; start it, or check its address.",
            scheduler=address,
        ) from error
    with client:
        yield client


def iter_on_cluster(
    client: Any, job: BlockJob, indices: Sequence[int]
) -> Generator[BlockOutcome, None, None]:
    """Do blocks on a cluster, as many at a time as its workers have use for.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    job : BlockJob
        The run.
    indices : sequence of int
        Which blocks.

    Yields
    ------
    BlockOutcome
        After each, as they are done.  A block whose worker was killed is done again,
        and counts as failed where that happens too often.

    Raises
    ------
    EngineError
        If the scheduler ends.
    """
    distributed = import_extra("distributed", _PURPOSE)
    waiting = iter(indices)
    index_of: dict[Any, int] = {}
    running = distributed.as_completed()
    try:
        _submit(client, job, waiting, running, index_of)
        for future in running:
            index = index_of.pop(future.key)
            _submit(client, job, waiting, running, index_of)
            yield _outcome(distributed, future, index)
    except UNetNucleiError:
        raise
    except (CancelledError, OSError) as error:
        raise EngineError(
            "Expected a Dask scheduler that goes on to answer. Received: none any "
            "more; start it, and run again: the blocks that are done are kept."
        ) from error
    finally:
        running.clear()


def _submit(
    client: Any,
    job: BlockJob,
    waiting: Iterator[int],
    running: Any,
    index_of: dict[Any, int],
) -> None:
    """Hand out blocks until all workers have enough."""
    n_workers = max(1, len(client.ncores()))
    while len(index_of) < _AHEAD * n_workers:
        index = next(waiting, None)
        if index is None:
            return
        # Of its own, since a scheduler may know several runs.
        key = f"block-{index}-{uuid4().hex}"
        future = client.submit(do_block, job, index, retries=_RETRIES, key=key)
        index_of[future.key] = index
        running.add(future)


def _outcome(distributed: Any, future: Any, index: int) -> BlockOutcome:
    try:
        outcome: BlockOutcome = future.result()
    except distributed.KilledWorker:
        return BlockOutcome(
            index,
            error="The processes that did it were killed, perhaps for lack of memory; "
            "use fewer workers, or smaller blocks.",
        )
    return outcome
