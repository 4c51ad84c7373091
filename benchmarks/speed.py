"""Speed and memory beside other tools, on the same images in the same run.

Usage: python benchmarks/speed.py [--data stage1_train.zip] [--stardist FOLDER]
                                  [--sides 256 1024 2048 4096] [--tools NAME ...]

Every tool gets a process of its own, loads its model, segments each image once to
warm up, and then again and again; medians are printed.  The images are mosaics of
the dark grey images of a DSB2018 data set, or drawn nuclei without one.  Other
tools are left out where they are not installed (`pip install stardist
"cellpose<4"`).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

MEGA = 1e6
TILE = 256


# Tools: each returns what turns an image (Y, X) of uint8 into labels or maps.


def _ours(name: str, precision: str | None = None) -> Callable[[np.ndarray], Any]:
    from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
    from napari_unet_nuclei.core.models.bundle import read_bundle
    from napari_unet_nuclei.core.models.store import find_model
    from napari_unet_nuclei.core.segmentation.model import Model

    bundle = read_bundle(find_model(name))
    return Model(bundle, OpenVinoEngine(bundle, precision)).segment


def _ours_on_keras(name: str) -> Callable[[np.ndarray], Any]:
    from napari_unet_nuclei import load_model

    return load_model(name, engine="keras").segment


def _network_only(name: str) -> Callable[[np.ndarray], Any]:
    from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
    from napari_unet_nuclei.core.models.bundle import read_bundle
    from napari_unet_nuclei.core.models.store import find_model

    engine = OpenVinoEngine(read_bundle(find_model(name)))
    return lambda image: engine.predict(_as_batch(image))


def _keras_predict(name: str) -> Callable[[np.ndarray], Any]:
    from napari_unet_nuclei.core.models.bundle import read_bundle
    from napari_unet_nuclei.core.models.store import find_model
    from napari_unet_nuclei.core.networks.bundling import restore_model

    model = restore_model(read_bundle(find_model(name)))
    return lambda image: model.predict(_as_batch(image), batch_size=4, verbose=0)


def _stardist(folder: Path) -> Callable[[np.ndarray], Any]:
    from stardist.models import StarDist2D

    model = StarDist2D(None, name=folder.name, basedir=str(folder.parent))

    def predict(image: np.ndarray) -> Any:
        low, high = np.percentile(image, (1, 99.8))
        scaled = (image.astype(np.float32) - low) / max(high - low, 1)
        channels = np.repeat(scaled[..., np.newaxis], 3, axis=-1)
        return model.predict_instances(channels)

    return predict


def _cellpose() -> Callable[[np.ndarray], Any]:
    import torch
    from cellpose.resnet_torch import CPnet

    # Its weights cannot be had everywhere; untrained ones cost the same.
    network = CPnet([2, 32, 64, 128, 256], 3, 3).eval()

    def predict(image: np.ndarray) -> Any:
        tiles = _as_batch(image)[..., :2].transpose(0, 3, 1, 2)
        with torch.no_grad():
            for start in range(0, len(tiles), 8):
                network(
                    torch.from_numpy(np.ascontiguousarray(tiles[start : start + 8]))
                )

    return predict


def _as_batch(image: np.ndarray) -> np.ndarray:
    """Cut an image into tiles without overlap, (n, 256, 256, 3) float32."""
    rows, columns = (side // TILE for side in image.shape)
    tiles = image.reshape(rows, TILE, columns, TILE).swapaxes(1, 2)
    grey = tiles.reshape(-1, TILE, TILE, 1).astype(np.float32) / 255
    return np.repeat(grey, 3, axis=-1)


def tools(stardist: Path | None) -> dict[str, Callable[[], Callable]]:
    """All tools that can be run here, by name."""
    found = {
        "classic": lambda: _ours("classic"),
        "resnet": lambda: _ours("resnet"),
        "classic, float32": lambda: _ours("classic", "f32"),
        "resnet, float32": lambda: _ours("resnet", "f32"),
        "classic, Keras engine": lambda: _ours_on_keras("classic"),
        "classic, network only": lambda: _network_only("classic"),
        "resnet, network only": lambda: _network_only("resnet"),
        "classic, Keras model.predict": lambda: _keras_predict("classic"),
    }
    if stardist is not None and find_spec("stardist"):
        found["StarDist 2D, predict_instances"] = lambda: _stardist(stardist)
    if find_spec("cellpose"):
        found["Cellpose 3, network only"] = _cellpose
    return found


# Images


def mosaic(side: int, data: Path | None) -> np.ndarray:
    """Square image of uint8 with the density of fluorescence images."""
    from napari_unet_nuclei.core.datasets.opening import open_samples
    from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
    from napari_unet_nuclei.core.images.channels import to_channels
    from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
    from napari_unet_nuclei.core.images.staining import Staining, staining

    if data is None:
        image, _ = draw_nuclei(0, shape=(1024, 1024), n_nuclei=500)
        repeats = -(-side // 1024)
        return np.tile(image, (repeats, repeats))[:side, :side].copy()
    source = open_samples(data)
    pieces: list[np.ndarray] = []
    for sample_id in np.random.default_rng(0).permutation(source.sample_ids):
        image = source.read_image(str(sample_id))
        if staining(image) is not Staining.GRAYSCALE_DARK:
            continue
        planes = to_channels(image)
        grey = normalise(planes, intensity_limits(planes))[..., 0]
        pieces += [
            (grey[y : y + TILE, x : x + TILE] * 255).astype(np.uint8)
            for y in range(0, grey.shape[0] - TILE + 1, TILE)
            for x in range(0, grey.shape[1] - TILE + 1, TILE)
        ]
        if len(pieces) >= 256:
            break
    n = max(1, side // TILE)
    rows = [
        np.hstack([pieces[(row * n + column) % len(pieces)] for column in range(n)])
        for row in range(n)
    ]
    return np.vstack(rows)[:side, :side]


# Measuring


def memory() -> float:
    """Memory this process holds, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / MEGA


def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """Time one tool on one image, in this process."""
    predict = tools(arguments.stardist)[arguments.tool]()
    image = mosaic(arguments.side, arguments.data)
    predict(image[:TILE, :TILE])
    before = memory()
    predict(image)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGA
    seconds = []
    start = time.perf_counter()
    while len(seconds) < 3 or time.perf_counter() - start < arguments.seconds:
        tick = time.perf_counter()
        predict(image)
        seconds.append(time.perf_counter() - tick)
    return {"seconds": float(np.median(seconds)), "memory": peak - before}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="DSB2018 folder or zip")
    parser.add_argument("--stardist", type=Path, help="folder of a StarDist model")
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 1024, 2048, 4096])
    parser.add_argument("--seconds", type=float, default=3.0, help="time each for")
    parser.add_argument("--tools", nargs="+", help="only these")
    parser.add_argument("--tool", help=argparse.SUPPRESS)
    parser.add_argument("--side", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.tool:
        print(json.dumps(measure(arguments)))
        return
    print("| tool | image | seconds | Mpx/s | peak memory, MB |")
    print("| --- | --- | --- | --- | --- |")
    slopes = {}
    for tool in arguments.tools or tools(arguments.stardist):
        points = []
        for side in arguments.sides:
            child = [sys.executable, __file__, "--tool", tool, "--side", str(side)]
            child += ["--seconds", str(arguments.seconds)]
            for option in ("data", "stardist"):
                if (value := getattr(arguments, option)) is not None:
                    child += [f"--{option}", str(value)]
            finished = subprocess.run(
                child, capture_output=True, text=True, check=False
            )
            if finished.returncode:
                print(f"| {tool} | {side}² | failed: {finished.stderr[-200:]!r} | | |")
                continue
            figures = json.loads(finished.stdout.splitlines()[-1])
            speed = side * side / figures["seconds"] / MEGA
            if side >= 1024:
                points.append((2 * np.log(side), np.log(figures["seconds"])))
            print(
                f"| {tool} | {side}² | {figures['seconds']:.3f} | {speed:.2f} | "
                f"{figures['memory']:.0f} |",
                flush=True,
            )
        if len(points) > 2:
            slopes[tool] = np.polyfit(*zip(*points, strict=True), 1)[0]
    for tool, slope in slopes.items():
        print(f"{tool}: seconds grow with the area to the power of {slope:.2f}")


if __name__ == "__main__":
    main()
