"""Images block by block: the same labels, how fast, in how much memory, when killed.

Usage: python benchmarks/big_images.py same [--data DIR] [--side 2048] [--grids 4]
       python benchmarks/big_images.py rate [--data DIR] [--model classic]
       python benchmarks/big_images.py slide [--side 100000] [--seconds 240]
       python benchmarks/big_images.py kills [--kills 50] [--workers 1]

`same` makes mosaics of real images and compares runs of random blocks with one of the
whole.  `rate` compares 64 Mpx in blocks with 4 Mpx in one piece, in turns, and says how
much memory either took.  `slide` makes up a slide while it is read, and watches memory.
`kills` ends a run with SIGKILL at random moments until it is complete, again and again,
and compares the labels with those of a run that nobody ended.  DIR holds
stage1_train.zip and labs/.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from napari_unet_nuclei.core.blocks import run as big_run_module
from napari_unet_nuclei.core.blocks import worker as worker_module
from napari_unet_nuclei.core.blocks.big_run import BigRun, BlockDone, BlockJoined
from napari_unet_nuclei.core.blocks.finishing import number_block
from napari_unet_nuclei.core.blocks.grid import within
from napari_unet_nuclei.core.blocks.numbering import iter_numbering
from napari_unet_nuclei.core.blocks.planning import iter_plan, make_request
from napari_unet_nuclei.core.blocks.run import iter_big_run
from napari_unet_nuclei.core.blocks.run_folder import RunFolder
from napari_unet_nuclei.core.blocks.segmenting import BlockSegmenter
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.images.big_image import BigImage
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.images.staining import Staining, staining
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.model import Model, load_model
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LINE = 8  # px; a longer straight edge on a line between blocks is a cut
TILE = 1024  # px, of the slide that is made up
COMMAND = [sys.executable, "-m", "napari_unet_nuclei", "segment"]


# Mosaics of real images


def mosaics(data: Path, side: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Make five square mosaics, each of one kind of images."""
    train = data / "stage1_train.zip"
    yield "dark", mosaic(train, side, Staining.GRAYSCALE_DARK)
    yield "stained", mosaic(train, side, Staining.STAINED_BRIGHT)
    for name in ("aitslab_u2os_hoechst", "bitdepth_mouse_organs_dapi"):
        yield name, mosaic(data / "labs" / name, side, None)
    yield "ovules", mosaic(data / "labs" / "gonuclear_ovule_confocal", side, None)


def mosaic(path: Path, side: int, kind: Staining | None) -> NDArray[np.uint8]:
    """Fill a square with images of one kind, each stretched to [0, 255], row by row."""
    source = open_samples(path)
    order = np.random.default_rng(0).permutation(source.sample_ids)
    canvas: NDArray[np.uint8] | None = None
    top = left = height = 0
    for name in np.resize(order, 100_000):
        image = source.read_image(str(name))
        if kind is not None and staining(image) is not kind:
            continue
        channels = to_channels(image)
        pixels = normalise(channels, intensity_limits(channels))
        if kind is not Staining.STAINED_BRIGHT:
            pixels = pixels[..., 0]
        if canvas is None:
            canvas = np.zeros((side, side, *pixels.shape[2:]), np.uint8)
        part = (255 * pixels[: side - top, : side - left]).astype(np.uint8)
        canvas[top : top + part.shape[0], left : left + part.shape[1]] = part
        left, height = left + part.shape[1], max(height, part.shape[0])
        if left >= side:
            top, left, height = top + height, 0, 0
        if top >= side:
            return canvas
    raise AssertionError("no such images")


# The same labels


def segment_blocks(
    model: Model, image: BigImage, plan: Any, sample: NDArray[Any]
) -> NDArray[np.int64]:
    """Segment an image in memory by the blocks of a plan."""
    grid = plan.grid
    with tempfile.TemporaryDirectory() as folder:
        files = RunFolder(Path(folder)).files
        segmenter = BlockSegmenter(model, image, plan, sample)
        for block in grid:
            found = segmenter.find(segmenter.see(block, segmenter.read(block)))
            files.write(block.index, found)
        counts = [files.read_count(index) for index in range(len(grid))]
        numbering = exhaust(iter_numbering(grid, counts, files.read_border))
        labels = np.zeros(plan.shape, np.int64)
        for block in grid:
            numbered = number_block(block, grid, files, numbering)
            labels[within(block.core, ((0, 0), (0, 0)))] = numbered
    return labels


def compare(labels: NDArray[Any], expected: NDArray[Any]) -> tuple[int, int]:
    """Return the pixels whose nucleus differs, and how many nuclei are not the same."""
    pairs, counts = np.unique(
        np.stack([labels.ravel(), expected.ravel()]), axis=1, return_counts=True
    )
    areas = np.bincount(expected.ravel(), minlength=1)
    own = np.bincount(labels.ravel(), minlength=1)
    is_same = (areas[pairs[1]] == counts) & (own[pairs[0]] == counts)
    is_background = (pairs == 0).all(axis=0)
    n_differing = int(counts[~is_same & ~is_background].sum())
    n_same = int((is_same & (pairs > 0).all(axis=0)).sum())
    return n_differing, int(np.count_nonzero(areas[1:])) - n_same


def longest_cut(labels: NDArray[Any], expected: NDArray[Any], side: int) -> int:
    """Longest straight edge on a line between blocks that the whole does not have."""
    longest = 0
    for axis in (0, 1):
        for line in range(side, labels.shape[axis], side):
            before, after = (labels.take(each, axis) for each in (line - 1, line))
            truth, other = (expected.take(each, axis) for each in (line - 1, line))
            is_cut = np.append(0, ((before != after) & (truth == other)).astype(int))
            edges = np.flatnonzero(np.diff(np.append(is_cut, 0)))
            lengths = edges[1::2] - edges[::2]
            longest = max(longest, int(lengths.max(initial=0)))
    return longest


def run_same(arguments: argparse.Namespace) -> None:
    """Compare random blocks with the whole."""
    rng = np.random.default_rng(0)
    print("mosaic | scale | nuclei | blocks of | px differ | nuclei differ | cut px")
    for name, pixels in mosaics(arguments.data, arguments.side):
        model = load_model(arguments.model)
        axes = "YX" if pixels.ndim == 2 else "YXC"
        image = BigImage(pixels=pixels, axes=axes)
        settings = SegmentationSettings()
        request = make_request(image, find_model(arguments.model), "", settings)
        plan, sample = exhaust(iter_plan(request, image, model, side=2 * TILE * 8))
        whole = segment_blocks(model, image, plan, sample)
        if plan.scale == "1":
            python = compare(model.segment(pixels), whole)
            print(f"{name}: {python[0]} px differ between Python and one block")
        least = max(2 * plan.reach, 256)
        for side in rng.integers(least, arguments.side, arguments.grids):
            changed = replace(plan, side=int(side))
            labels = segment_blocks(model, image, changed, sample)
            n_px, n_nuclei = compare(labels, whole)
            cut = longest_cut(labels, whole, int(side))
            print(
                f"{name} | {plan.scale} | {whole.max()} | {side} | {n_px} | "
                f"{n_nuclei} | {cut}",
                flush=True,
            )


# How fast, in how much memory


class Watch:
    """Watches the memory of this process, in MB, while a block of code runs."""

    def __enter__(self) -> Watch:
        self.before = self.peak = memory()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ends.wait(0.02):
            self.peak = max(self.peak, memory())


def memory() -> float:
    """Memory that this process holds, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def write_zarr(path: Path, pixels: NDArray[Any]) -> None:
    """Write a plane as OME-Zarr of one level."""
    import zarr

    group = zarr.open_group(path, mode="w")
    array = group.create_array(
        "0",
        shape=pixels.shape,
        chunks=(TILE, TILE),
        dtype=pixels.dtype,
        dimension_names=("y", "x"),
    )
    array[:] = pixels
    multiscale = {
        "axes": [{"name": name, "type": "space"} for name in "yx"],
        "datasets": [
            {
                "path": "0",
                "coordinateTransformations": [{"type": "scale", "scale": [1, 1]}],
            }
        ],
    }
    group.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale]}


def run_rate(arguments: argparse.Namespace) -> None:
    """Compare 64 Mpx in blocks with 4 Mpx in one piece."""
    from speed import mosaic as grey_mosaic

    source = arguments.data / "stage1_train.zip" if arguments.data else None
    small = grey_mosaic(2048, source)
    model = load_model(arguments.model)
    model.segment(small)  # compiles the network
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        slide = Path(folder) / "slide.zarr"
        write_zarr(slide, np.tile(small, (4, 4)))
        for number in range(arguments.repeats):
            with Watch() as watch:
                start, busy = time.perf_counter(), time.process_time()
                model.segment(small)
                seconds = time.perf_counter() - start
                busy = time.process_time() - busy
            note("4 Mpx in one piece", 4 * 2**20, (seconds, busy), watch, rates)
            run = BigRun(
                image=slide,
                output=Path(folder) / f"out{number}.zarr",
                model=arguments.model,
                side=arguments.block_side,
            )
            with Watch() as watch:
                busy = time.process_time()
                parts = timed(run)
                busy = time.process_time() - busy
            seconds = sum(parts.values())
            note("64 Mpx in blocks", 64 * 2**20, (seconds, busy), watch, rates)
            print("  ", ", ".join(f"{what} {s:.1f} s" for what, s in parts.items()))
    for kind, chosen in (("best", max), ("median", np.median)):
        one, one_busy, blocks, blocks_busy = (chosen(each) for each in rates.values())
        print(
            f"{kind}: {one:.2f} and {blocks:.2f} Mpx/s, {blocks / one:.0%}; by the "
            f"processor {blocks_busy / one_busy:.0%}"
        )


def note(
    what: str,
    area: int,
    taken: tuple[float, float],
    watch: Watch,
    rates: dict[str, list[float]],
) -> None:
    """Print a rate and keep it, by the clock and by the processor."""
    seconds, busy = taken
    rates.setdefault(what, []).append(area / 1e6 / seconds)
    rates.setdefault(f"{what}, processor", []).append(area / 1e6 / busy)
    print(
        f"{what}: {seconds:.2f} s, {area / 1e6 / seconds:.2f} Mpx/s, "
        f"{busy:.2f} s of processor, {area / 1e6 / busy:.2f} Mpx/s, "
        f"{watch.before:.0f} → {watch.peak:.0f} MB",
        flush=True,
    )


def timed(run: BigRun) -> dict[str, float]:
    """Run to the end, and return the seconds of planning, blocks and the rest."""
    seconds = {"plan": 0.0, "blocks": 0.0, "rest": 0.0}
    last, phase = time.perf_counter(), "plan"
    for step in iter_big_run(run):
        now = time.perf_counter()
        seconds[phase] += now - last
        last = now
        if isinstance(step, BlockDone):
            phase = "blocks" if step.n_done < step.n_total else "rest"
        elif isinstance(step, BlockJoined):
            phase = "rest"
    seconds[phase] += time.perf_counter() - last
    return seconds


# A slide that is made up while it is read


class Slide:
    """A plane of any size: turned and mirrored copies of one drawn field."""

    def __init__(self, side: int) -> None:
        self.shape, self.dtype = (side, side), np.dtype(np.uint8)
        self.chunks = (TILE, TILE)
        field, _ = draw_nuclei(0, (TILE, TILE), 500)
        turned = [np.rot90(field, turns) for turns in range(4)]
        self._fields = [*turned, *(each[:, ::-1] for each in turned)]

    def __getitem__(self, index: tuple[slice, slice]) -> NDArray[np.uint8]:
        rows, columns = (
            range(length)[part] for part, length in zip(index, self.shape, strict=True)
        )
        part = np.empty((len(rows), len(columns)), np.uint8)
        steps = rows.step, columns.step
        if steps != (1, 1):
            raise ValueError(f"Expected pixels side by side. Received: {steps}")
        for top in range(rows.start // TILE * TILE, rows.stop, TILE):
            for left in range(columns.start // TILE * TILE, columns.stop, TILE):
                field = self._fields[hash((top, left)) % len(self._fields)]
                y = slice(max(top, rows.start), min(top + TILE, rows.stop))
                x = slice(max(left, columns.start), min(left + TILE, columns.stop))
                part[
                    y.start - rows.start : y.stop - rows.start,
                    x.start - columns.start : x.stop - columns.start,
                ] = field[y.start - top : y.stop - top, x.start - left : x.stop - left]
        return part


def run_slide(arguments: argparse.Namespace) -> None:
    """Segment as much of a slide as the time allows, or all of it."""
    pixels = Slide(arguments.side)
    image = BigImage(
        pixels=pixels,
        axes="YX",
        identity={"name": "slide", "level": 0, "channel": None},
    )

    def open_slide(*_: object, **__: object) -> BigImage:
        return image

    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(big_run_module, "open_big_image", open_slide),
        patch.object(worker_module, "open_big_image", open_slide),
    ):
        run = BigRun(
            image=Path("slide"),
            output=Path(folder) / "out.zarr",
            model=arguments.model,
            side=arguments.block_side,
        )
        start = time.perf_counter()
        begun: float | None = None
        with contextlib.closing(iter_big_run(run)) as steps:
            for step in steps:
                seconds = time.perf_counter() - start
                if not isinstance(step, BlockDone | BlockJoined):
                    print(f"{seconds:7.1f} s  {step.what}", flush=True)
                    continue
                if isinstance(step, BlockDone):
                    begun = begun or time.perf_counter()
                    say_block(step, begun, arguments)
                    if seconds > arguments.seconds:
                        break
        print(f"all in {time.perf_counter() - start:.0f} s")


def say_block(step: BlockDone, begun: float, arguments: argparse.Namespace) -> None:
    """Print how far a slide is, at every fourth block."""
    if step.n_done % 4 and step.n_done != step.n_total:
        return
    seconds, busy = time.perf_counter() - begun, time.process_time()
    area = arguments.side**2 * step.n_done / step.n_total / 1e6
    rates = [area / each if each else 0.0 for each in (seconds, busy)]
    print(
        f"{seconds:7.1f} s  {step.n_done} of {step.n_total} blocks, {rates[0]:.2f} "
        f"Mpx/s, {rates[1]:.2f} by the processor, {memory():.0f} MB",
        flush=True,
    )


# Killed


def run_kills(arguments: argparse.Namespace) -> None:
    """Kill a run again and again, and compare what it comes to in the end."""
    import zarr

    rng = np.random.default_rng(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        slide = Path(folder) / "slide.zarr"
        write_zarr(slide, draw_nuclei(0, (arguments.side,) * 2, arguments.nuclei)[0])
        command = [*COMMAND, str(slide), "--model", arguments.model]
        command += ["--block-side", "256", "--workers", str(arguments.workers), "-o"]

        def read(output: Path) -> NDArray[Any]:
            return np.asarray(zarr.open_array(output / "labels/nuclei/0")[:])

        whole = Path(folder) / "whole.zarr"
        start = time.perf_counter()
        subprocess.run([*command, str(whole)], check=True, capture_output=True)
        seconds = time.perf_counter() - start
        print(f"never killed: {seconds:.1f} s, {read(whole).max()} nuclei", flush=True)
        n_kills = n_complete = n_faults = 0
        while n_kills < arguments.kills:
            output = Path(folder) / f"killed{n_complete}.zarr"
            while not end_early(
                [*command, str(output)], rng.uniform(0.15, 1.05) * seconds
            ):
                n_kills += 1
            n_complete += 1
            left = [each.name for each in Path(folder).glob(f"{output.name}.*")]
            is_same = np.array_equal(read(output), read(whole))
            n_faults += not is_same or bool(left)
            print(
                f"{n_kills} kills, {n_complete} complete, same: {is_same}", flush=True
            )
    print(f"{n_kills} kills, {n_complete} complete runs, {n_faults} faults")
    sys.exit(bool(n_faults))


def end_early(command: list[str], seconds: float) -> bool:
    """Run a command, kill it after a time, and say whether it was complete before."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return False
    if process.returncode:
        raise AssertionError(said.decode())
    return True


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["same", "rate", "slide", "kills"])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", default="classic")
    parser.add_argument("--side", type=int)
    parser.add_argument("--grids", type=int, default=4)
    parser.add_argument("--block-side", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--nuclei", type=int, default=1500)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    usual = {"same": 2048, "slide": 100_000, "kills": 1200}
    arguments.side = arguments.side or usual.get(arguments.what)
    runs = {
        "same": run_same,
        "rate": run_rate,
        "slide": run_slide,
        "kills": run_kills,
    }
    runs[arguments.what](arguments)


if __name__ == "__main__":
    main()
