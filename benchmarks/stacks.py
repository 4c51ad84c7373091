"""Memory and time of a stack in the Segment widget: what is kept of it, and where.

Usage: python benchmarks/stacks.py [--planes 100] [--side 2048] [--model classic]

Each way gets a process of its own, finds the nuclei of a stack that is drawn plane
by plane as it is read, and splits them again at another threshold.  The peak is of
memory that only the process itself can free, without pages of files, which the system
drops when memory gets scarce.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

# Whether planes are read when they are needed, and the memory said to be free.
WAYS = {
    "stack and maps in memory": (False, sys.maxsize),
    "read plane by plane, maps in memory": (True, sys.maxsize),
    "read plane by plane, maps in a file": (True, 0),
}


class DrawnStack:
    """Planes of drawn nuclei, made when they are read."""

    def __init__(self, n_planes: int, side: int) -> None:
        from napari_unet_nuclei.core.synthetic import draw_nuclei

        self.shape = n_planes, side, side
        self._tile, _ = draw_nuclei(0, (512, 512))

    def __getitem__(self, index: tuple[Any, ...]) -> np.ndarray:
        number, *_ = index
        repeats = -(-self.shape[1] // len(self._tile))
        plane = np.tile(np.roll(self._tile, 10 * number), (repeats, repeats))
        return plane[: self.shape[1], : self.shape[2]]


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


def measure(way: str, n_planes: int, side: int, model: str) -> str:
    """Segment a stack in one way, and split it again; return a row of the table."""
    from napari_unet_nuclei.core import stack_maps
    from napari_unet_nuclei.core.settings import SegmentationSettings
    from napari_unet_nuclei.core.steps import exhaust
    from napari_unet_nuclei.plugin.segmentation import (
        SegmentationRequest,
        WarmModel,
        iter_segmentation,
        iter_split,
    )

    is_lazy, free = WAYS[way]
    stack_maps.devices = SimpleNamespace(free_memory=lambda: free)
    image: Any = DrawnStack(n_planes, side)
    models = WarmModel()
    models.load(model)
    with PeakMemory() as peak:
        start = time.perf_counter()
        if not is_lazy:
            image = np.stack([image[number,] for number in range(n_planes)])
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
    arguments = parser.parse_args()
    if arguments.way:
        sizes = arguments.planes, arguments.side
        print(measure(arguments.way, *sizes, arguments.model))
        return
    print("| way | nuclei | seconds | to split again | memory, GB |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    for way in WAYS:
        program = [sys.executable, *sys.argv, "--way", way]
        subprocess.run(program, check=True)


if __name__ == "__main__":
    main()
