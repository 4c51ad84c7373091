from __future__ import annotations

import errno
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.blocks import block_files
from napari_unet_nuclei.core.blocks.big_run import BigRun, BlockDone
from napari_unet_nuclei.core.blocks.plan import RunPlan
from napari_unet_nuclei.core.blocks.run import iter_big_run
from napari_unet_nuclei.core.blocks.run_folder import RunFolder
from napari_unet_nuclei.core.errors import ImageError, OutputError, SettingsError
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.model import segment
from napari_unet_nuclei.core.settings.choices import Link
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

zarr = pytest.importorskip("zarr")


def read(run: BigRun, level: int = 0) -> NDArray[Any]:
    return np.asarray(zarr.open_array(run.output / f"labels/{run.name}/{level}")[:])


def stop_after(run: BigRun, n_blocks: int) -> int:
    """End a run as a user does, and return how many blocks it has done."""
    steps = iter_big_run(run)
    for step in steps:
        if isinstance(step, BlockDone) and step.n_done >= n_blocks:
            break
    steps.close()
    return sum(1 for _ in (run.folder / "blocks").glob("block-*.npz"))


@pytest.fixture(scope="module")
def expected(nuclei: NDArray[np.uint8]) -> NDArray[np.int32]:
    return segment(nuclei, "classic")


def test_a_slide_becomes_labels_pyramid_and_table(
    run: BigRun, expected: NDArray[np.int32]
) -> None:
    import pyarrow.parquet

    result = exhaust(iter_big_run(run))
    labels = read(run)
    assert result.n_nuclei == expected.max() == labels.max()
    assert result.n_blocks == 9
    pairs = np.unique(np.stack([labels.ravel(), expected.ravel()]), axis=1)
    assert pairs.shape[1] == result.n_nuclei + 1
    assert np.array_equal(read(run, 1), labels[::2, ::2])

    table = pyarrow.parquet.read_table(run.output / "tables/nuclei/table.parquet")
    rows = {name: table[name].to_numpy() for name in table.column_names}
    assert np.array_equal(rows["label"], np.arange(1, result.n_nuclei + 1))
    assert np.array_equal(rows["area"], np.bincount(labels.ravel())[1:])
    y, x = np.nonzero(labels == 17)
    assert rows["centroid_y"][16] == pytest.approx(y.mean())
    assert rows["centroid_x_um"][16] == pytest.approx(x.mean() / 2)

    said = zarr.open_group(run.output / "labels/nuclei").attrs["napari-unet-nuclei"]
    assert RunPlan.from_json(said["plan"]).name == said["run"]
    assert not run.folder.exists(), "nothing is left over"
    assert exhaust(iter_big_run(run)).was_complete


def test_a_run_that_was_ended_goes_on(
    run: BigRun, expected: NDArray[np.int32], monkeypatch: pytest.MonkeyPatch
) -> None:
    n_done = stop_after(run, 3)
    assert 3 <= n_done < 9
    times = {path: path.stat().st_mtime_ns for path in run.folder.rglob("block-*.npz")}
    written = []
    write = block_files.BlockFiles.write
    monkeypatch.setattr(
        block_files.BlockFiles,
        "write",
        lambda self, index, found: (written.append(index), write(self, index, found)),
    )
    result = exhaust(iter_big_run(run))
    assert result.n_done_before == n_done == len(times)
    assert len(written) == 9 - n_done
    assert result.n_nuclei == expected.max()
    assert np.array_equal(read(run) > 0, expected > 0)


def test_half_a_block_is_done_again(run: BigRun, expected: NDArray[np.int32]) -> None:
    stop_after(run, 2)
    path = next((run.folder / "blocks").glob("block-*.npz"))
    path.write_bytes(path.read_bytes()[:200])
    exhaust(iter_big_run(run))
    assert np.array_equal(read(run) > 0, expected > 0)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"settings": SegmentationSettings(threshold=0.3)}, "threshold unset.*0.3"),
        ({"model": "resnet"}, "begun with model classic.*Received: model resnet"),
        ({"side": 300}, "blocks of 256 px.*300"),
        ({"level": 1}, "image fingerprint|image level 0.*1"),
    ],
)
def test_another_request_is_refused_with_the_first_difference(
    run: BigRun, changed: dict[str, Any], said: str
) -> None:
    n_done = stop_after(run, 2)
    with pytest.raises(OutputError, match=said):
        exhaust(iter_big_run(replace(run, **changed)))
    assert stop_after(run, n_done) >= n_done, "nothing is lost"


def test_complete_labels_are_replaced_only_when_asked(run: BigRun) -> None:
    exhaust(iter_big_run(run))
    other = replace(run, settings=SegmentationSettings(min_area=150))
    with pytest.raises(OutputError, match=r"min area unset.*150"):
        exhaust(iter_big_run(other))
    before = read(run).max()
    result = exhaust(iter_big_run(replace(other, overwrite=True)))
    assert 0 < result.n_nuclei == read(run).max() < before


def test_labels_of_somebody_else_stay(run: BigRun) -> None:
    group = zarr.open_group(run.output, mode="a")
    group.require_group("labels").create_array("nuclei", shape=(2, 2), dtype=np.int32)
    with pytest.raises(OutputError, match=r"with labels 'nuclei'.*--overwrite"):
        exhaust(iter_big_run(run))


def test_two_runs_into_one_output_are_one_too_many(run: BigRun) -> None:
    first = iter_big_run(run)
    next(first)
    with pytest.raises(OutputError, match="the only one to segment into"):
        exhaust(iter_big_run(run))
    first.close()
    assert exhaust(iter_big_run(run)).n_nuclei


def test_a_damaged_chunk_costs_its_blocks_alone(
    run: BigRun, expected: NDArray[np.int32]
) -> None:
    chunk = run.image / "0/c/0/4/5"
    content = chunk.read_bytes()
    stop_after(run, 0)  # planned while it was whole
    chunk.write_bytes(b"damaged")
    with pytest.raises(ImageError, match=r"could not be done \(block .*damaged or"):
        exhaust(iter_big_run(run))
    done = [*(run.folder / "blocks").glob("block-*.npz")]
    assert 5 <= len(done) < 9
    chunk.write_bytes(content)
    assert exhaust(iter_big_run(run)).n_done_before == len(done)
    assert np.array_equal(read(run) > 0, expected > 0)


def test_a_full_disk_ends_the_run_and_loses_nothing(
    run: BigRun, monkeypatch: pytest.MonkeyPatch, expected: NDArray[np.int32]
) -> None:
    n_written = 0
    save = np.savez

    def fill_up(*args: Any, **columns: Any) -> None:
        nonlocal n_written
        n_written += 1
        if n_written > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(*args, **columns)

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", fill_up)
        with pytest.raises(OutputError, match="No space left"):
            exhaust(iter_big_run(run))
    assert exhaust(iter_big_run(run)).n_done_before == 4
    assert np.array_equal(read(run) > 0, expected > 0)


def test_blocks_beside_the_tissue_are_skipped(
    write_slide: Callable[..., Path], nuclei: NDArray[np.uint8], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    slide = rng.integers(0, 4, (600, 1500)).astype(np.uint8)
    slide[:, :400] = np.maximum(slide[:, :400], nuclei[:400, :600].T[:600, :400])
    path = write_slide(slide, n_levels=4)
    run = BigRun(image=path, output=path, model="classic", side=300, name="found")
    result = exhaust(iter_big_run(run))
    assert result.n_background >= 2
    whole = segment(slide, "classic")
    assert result.n_nuclei == whole.max()


def test_nuclei_are_not_linked_between_blocks(run: BigRun) -> None:
    linked = replace(run, settings=replace(run.settings, link=Link.Z))
    with pytest.raises(SettingsError, match=r"Received: link='z'.*choose a folder"):
        exhaust(iter_big_run(linked))


def test_the_plan_of_another_version_is_refused(run: BigRun) -> None:
    stop_after(run, 1)
    path = run.folder / "plan.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "colour": 3}))
    with pytest.raises(OutputError, match="cannot be understood"):
        exhaust(iter_big_run(run))


def test_a_sample_that_is_not_that_of_the_plan_is_refused(run: BigRun) -> None:
    stop_after(run, 1)
    np.save(run.folder / "sample.npy", np.zeros((3, 3)))
    with pytest.raises(OutputError, match="missing or damaged"):
        exhaust(iter_big_run(run))
    plan = RunFolder(run.folder).read_plan()
    assert plan is not None
    assert plan == RunPlan.from_json(plan.to_json())
