from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from napari_unet_nuclei.core.blocks.big_run import BigRun, BlockDone
from napari_unet_nuclei.core.blocks.cluster import existing_cluster, local_cluster
from napari_unet_nuclei.core.blocks.run import iter_big_run
from napari_unet_nuclei.core.errors import EngineError, SettingsError
from napari_unet_nuclei.core.progress import exhaust

if TYPE_CHECKING:
    from numpy.typing import NDArray

zarr = pytest.importorskip("zarr")
pytest.importorskip("distributed")
# Dask leaves sockets to the garbage collector when a cluster ends.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def read(run: BigRun) -> NDArray[Any]:
    return np.asarray(zarr.open_array(run.output / "labels/nuclei/0")[:])


def test_two_processes_find_what_one_finds_though_one_is_killed(run: BigRun) -> None:
    one = replace(run, output=run.output.with_name("one.zarr"))
    exhaust(iter_big_run(one))
    killed = []
    with local_cluster(2) as client:
        address = client.cluster.scheduler_address
        steps = iter_big_run(replace(run, scheduler=address))
        result = None
        while result is None:
            try:
                step = next(steps)
            except StopIteration as stop:
                result = stop.value
                break
            if isinstance(step, BlockDone) and step.n_done == 3 and not killed:
                killed.append(client.submit(os.getpid, pure=False).result())
                os.kill(killed[0], signal.SIGKILL)
    assert killed
    assert not psutil.pid_exists(killed[0])
    assert result.n_nuclei == read(one).max()
    assert np.array_equal(read(run), read(one)), "not even the numbers differ"


def test_a_scheduler_that_ends_is_named_and_nothing_is_lost(
    run: BigRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_unet_nuclei.core.blocks.cluster._PATIENCE", 2)
    with local_cluster(1) as client:
        cluster = client.cluster
        steps = iter_big_run(replace(run, scheduler=cluster.scheduler_address))

        def follow() -> None:
            for step in steps:
                if isinstance(step, BlockDone) and step.n_done == 2:
                    cluster.close()

        with pytest.raises(EngineError, match="goes on to answer"):
            follow()
    n_done = len([*(run.folder / "blocks").glob("block-*.npz")])
    assert n_done >= 2
    assert exhaust(iter_big_run(run)).n_done_before == n_done


def test_a_scheduler_that_does_not_answer_is_named(
    run: BigRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_unet_nuclei.core.blocks.cluster._PATIENCE", 1)
    with (
        pytest.raises(SettingsError, match=r"scheduler='tcp://127.0.0.1:9'"),
        existing_cluster("tcp://127.0.0.1:9"),
    ):
        pass
