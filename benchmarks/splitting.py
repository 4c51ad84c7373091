"""Speed of splitting on one core, beside the same done the plain way.

Usage: python benchmarks/splitting.py [IMAGE] [--model classic]

The plain way floods all of the foreground; the labels must be the same.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from napari_unet_nuclei import load_model
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.files.images import read_image
from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.instances.splitting import split_instances

if TYPE_CHECKING:
    from collections.abc import Callable

MIN_AREA = 30


def split_plainly(maps: Maps, parameters: SplittingParameters) -> np.ndarray:
    """Flood the whole foreground from all seeds."""
    cross = ndimage.generate_binary_structure(2, 1)
    mask = maps.foreground > parameters.threshold
    mask = ndimage.median_filter(mask, footprint=cross, mode="nearest")
    depth = maps.distance * (1 - 0.5 * maps.boundary)
    for axis in (0, 1):
        weights = np.array([1, 4, 6, 4, 1]) / 16
        depth = ndimage.correlate1d(depth, weights, axis, mode="nearest")
    seeds = mask & (depth > parameters.seed_threshold)
    markers, n_markers = ndimage.label(seeds)
    components, n_components = ndimage.label(mask)
    has_seed = np.zeros(n_components + 1, bool)
    has_seed[components[seeds]] = True
    seedless = mask & ~has_seed[components]
    markers[seedless] = n_markers + components[seedless]
    labels = watershed(-depth, markers, mask=mask)
    areas = np.bincount(labels.ravel())
    sums = np.bincount(labels.ravel(), maps.foreground.ravel())
    least = parameters.threshold + parameters.min_confidence * (
        1 - parameters.threshold
    )
    keep = (areas >= MIN_AREA) & (sums >= least * areas)
    keep[0] = False
    labels = np.where(keep, np.cumsum(keep), 0)[labels]
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        inside = ndimage.binary_fill_holes(labels[box] == number)
        labels[box][inside & (labels[box] == 0)] = number
    return labels


def seconds(function: Callable[[], object]) -> float:
    """Least processor time of several calls."""
    function()
    times = []
    for _ in range(7):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("image", nargs="?", help="drawn nuclei without one")
    parser.add_argument("--model", default="classic")
    arguments = parser.parse_args()
    if arguments.image is None:
        image, _ = draw_nuclei(0, shape=(2048, 2048), n_nuclei=2000)
    else:
        image = read_image(arguments.image)
    model = load_model(arguments.model)
    maps = Maps(*(np.ascontiguousarray(plane) for plane in model.maps(image).arrays))
    parameters = model.config.splitting
    fast = split_instances(maps, parameters, min_area=MIN_AREA)
    plain = split_plainly(maps, parameters)
    print(f"{fast.max()} nuclei, {np.mean(fast != plain):.4%} of the pixels differ")
    print("| splitting | processor seconds | Mpx/s a core |")
    print("| --- | --- | --- |")
    for name, function in (
        ("plain", lambda: split_plainly(maps, parameters)),
        ("this project", lambda: split_instances(maps, parameters, min_area=MIN_AREA)),
    ):
        taken = seconds(function)
        print(f"| {name} | {taken:.3f} | {fast.size / taken / 1e6:.1f} |")


if __name__ == "__main__":
    main()
