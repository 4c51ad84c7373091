"""What becomes of large images where memory is limited: limit by limit.

Usage: python benchmarks/containers.py [--gigabytes 0.7 1.5 3] [--sides 4096 8192]
           [--models classic resnet] [--data stage1_train.zip] [--means cgroup]

Each cell is a process of its own, `napari-unet-nuclei segment`, in a control group of
Linux (version 1 or 2, as root), or under RLIMIT_AS where no group can be made.  The
limit of addresses counts what is reserved, not what is used, so it is the harder one.
The images are mosaics of dark grey images of the Data Science Bowl 2018 or, without
`--data`, of drawn nuclei.  Exit code 0 is a result, 1 a sentence, and -9 a kill, which
must not occur.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei

_COMMAND = (sys.executable, "-m", "napari_unet_nuclei", "segment")
_TILE = 256  # px
_N_TILES = 256
_DARK = 60  # of 255
_GROUP = "napari-unet-nuclei-benchmark"


class Cgroup:
    """A control group with a limit of memory, of version 1 or 2."""

    def __init__(self, n_bytes: int) -> None:
        root = Path("/sys/fs/cgroup")
        self._is_v1 = (root / "memory").is_dir()
        self.folder = (root / "memory" if self._is_v1 else root) / _GROUP
        self.folder.mkdir(exist_ok=True)
        limit = "memory.limit_in_bytes" if self._is_v1 else "memory.max"
        (self.folder / limit).write_text(str(n_bytes))
        if not self._is_v1:
            (self.folder / "memory.swap.max").write_text("0")
        self._reset_peak()

    def _reset_peak(self) -> None:
        with suppress(OSError):  # memory.peak is read-only in older kernels
            (self.folder / self._peak).write_text("0")

    @property
    def _peak(self) -> str:
        return "memory.max_usage_in_bytes" if self._is_v1 else "memory.peak"

    def enter(self) -> None:
        """Put this process into the group."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def close(self) -> int:
        """Remove the group; return the most memory that was used in it, in bytes."""
        peak = int((self.folder / self._peak).read_text())
        self.folder.rmdir()
        return peak


class AddressLimit:
    """RLIMIT_AS, for where no control group can be made."""

    def __init__(self, n_bytes: int) -> None:
        self._n_bytes = n_bytes

    def enter(self) -> None:
        """Limit this process."""
        resource.setrlimit(resource.RLIMIT_AS, (self._n_bytes, self._n_bytes))

    def close(self) -> int:
        """Return the most memory that any child has used so far, in bytes."""
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


@dataclass(frozen=True)
class Outcome:
    """What became of one image under a limit."""

    code: int
    peak: int
    seconds: float
    words: str


def run(image: Path, model: str, limit: Cgroup | AddressLimit) -> Outcome:
    """Segment an image under a limit."""
    with tempfile.TemporaryDirectory() as output:
        start = time.perf_counter()
        finished = subprocess.run(
            [*_COMMAND, str(image), "-o", output, "--model", model],
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limit.enter,
        )
        seconds = time.perf_counter() - start
    words = " ".join(f"{finished.stdout} {finished.stderr}".split())
    return Outcome(finished.returncode, limit.close(), seconds, words)


def draw_mosaic(side: int, data: Path | None) -> np.ndarray:
    """Draw an image of (side, side) px from small ones."""
    tiles = _drawn() if data is None else _real(data)
    n = side // _TILE
    rows = [
        np.hstack([tiles[(row * n + column) % len(tiles)] for column in range(n)])
        for row in range(n)
    ]
    return np.vstack(rows)


def _drawn() -> list[np.ndarray]:
    return [draw_nuclei(seed, (_TILE, _TILE), 20)[0] for seed in range(16)]


def _real(data: Path) -> list[np.ndarray]:
    """Read dark grey images of 256 x 256 px."""
    tiles: list[np.ndarray] = []
    with zipfile.ZipFile(data) as archive:
        for name in sorted(archive.namelist()):
            if "/images/" not in name or len(tiles) == _N_TILES:
                continue
            pixels = np.asarray(Image.open(io.BytesIO(archive.read(name))))[..., :3]
            is_grey = not np.ptp(pixels, axis=-1).any()
            if pixels.shape[:2] == (_TILE, _TILE) and is_grey and pixels.mean() < _DARK:
                tiles.append(pixels[..., 0])
    return tiles


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[0.7, 1.5, 3])
    parser.add_argument("--sides", type=int, nargs="+", default=[4096, 8192])
    parser.add_argument("--models", nargs="+", default=["classic", "resnet"])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--means", choices=("cgroup", "rlimit"), default="cgroup")
    chosen = parser.parse_args()
    make = Cgroup if chosen.means == "cgroup" else AddressLimit
    print("| limit | image | model | exit code | peak | s | says |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for side in chosen.sides:
            image = Path(folder) / f"{side}.tif"
            tifffile.imwrite(image, draw_mosaic(side, chosen.data))
            for gigabytes in chosen.gigabytes:
                for model in chosen.models:
                    outcome = run(image, model, make(int(gigabytes * 1e9)))
                    print(
                        f"| {gigabytes} GB | {side}² | {model} | {outcome.code} "
                        f"| {outcome.peak / 1e9:.2f} GB | {outcome.seconds:.0f} "
                        f"| {outcome.words} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
