"""Memory and time of a stack in the Segment widget: what is kept of it, and where.

Usage: python benchmarks/stacks.py [--planes 100] [--side 2048] [--model classic]

Each way gets a process of its own, finds the nuclei of a drawn stack and splits them
again at another threshold.  The peak is of memory that only the process itself can
free, without pages of files, which the system drops when memory gets scarce.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np

# Whether the stack is a file in chunks of 8 planes, and the memory said to be free.
WAYS = {
    "in memory": (False, sys.maxsize),
    "HDF5, read at once, maps in memory": (True, sys.maxsize),
    "HDF5, read in chunks, maps in a file": (True, 2**30),
}


def draw_stack(n_planes: int, side: int) -> np.ndarray:
    """Repeat drawn nuclei, a little further in each plane."""
    from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei

    tile, _ = draw_nuclei(0, (512, 512))
    repeats = -(-side // len(tile))
    planes = (np.roll(tile, 10 * number) for number in range(n_planes))
    return np.stack([np.tile(plane, (repeats, repeats)) for plane in planes])[
        :, :side, :side
    ]


class PeakMemory:
    """Highest anonymous memory while it is watched, looked at every 20 ms."""

    def __enter__(self) -> PeakMemory:
        self.gigabytes = 0.0
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_done.wait(0.02):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    now = int(line.split()[1]) * 1024 / 1e9
                    self.gigabytes = max(self.gigabytes, now)


def measure(way: str, path: Path, model: str) -> str:
    """Segment a stack in one way, and split it again; return a row of the table."""
    from napari_unet_nuclei.core.images import lazy as lazy_arrays
    from napari_unet_nuclei.core.progress import exhaust
    from napari_unet_nuclei.core.segmentation import stack_maps
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
    from napari_unet_nuclei.plugin.segment.request import SegmentationRequest
    from napari_unet_nuclei.plugin.segment.segmentation import (
        iter_segmentation,
        iter_split,
    )
    from napari_unet_nuclei.plugin.segment.warm_model import WarmModel

    is_on_disk, free = WAYS[way]
    for module in lazy_arrays, stack_maps:
        module.hardware = SimpleNamespace(free_memory=lambda: free)
    models = WarmModel()
    models.load(model)
    with h5py.File(path) as file, PeakMemory() as peak:
        image = file["stack"] if is_on_disk else file["stack"][()]
        start = time.perf_counter()
        request = SegmentationRequest(
            image=image, axes="TYX", model=model, settings=SegmentationSettings()
        )
        image_maps, nuclei = exhaust(iter_segmentation(request, models))
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        exhaust(iter_split(image_maps, SegmentationSettings(threshold=0.7)))
        again = time.perf_counter() - start
    cells = f"{nuclei.n_nuclei:,} | {seconds:.0f} | {again:.0f} | {peak.gigabytes:.1f}"
    return f"| {way} | {cells} |"


def main() -> None:
    """Print the table, or the row of one way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--planes", type=int, default=100)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--model", default="classic")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(measure(arguments.way, arguments.path, arguments.model))
        return
    print("| stack | nuclei | seconds | to split again | memory, GB |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stack.h5")
        with h5py.File(path, "w") as file:
            stack = draw_stack(arguments.planes, arguments.side)
            chunks = (8, 256, 256)
            file.create_dataset("stack", data=stack, chunks=chunks, compression="gzip")
        for way in WAYS:
            program = [sys.executable, *sys.argv, "--way", way, "--path", path]
            subprocess.run(program, check=True)


if __name__ == "__main__":
    main()
