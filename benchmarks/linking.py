"""Nuclei linked through depth: AP50 beside the stitching of Cellpose, and time.

Usage: python benchmarks/linking.py scores [--model classic] [--volumes 2]
       python benchmarks/linking.py cost [--model classic] [--side 1024] [--planes 20]
       python benchmarks/linking.py million

``scores`` draws volumes whose nuclei are known, segments their planes, and links the
same planes by both rules.  "Damaged" planes lack 5 % of the outlines, 5 % are cut in
halves, and all others are up to 2 px too wide or too narrow.  "link maps" finds the
nuclei of the volume anew, in three views; the last column says how many times as long
that takes as the planes alone.  The seeds are others than those that the numbers of the
rules were chosen on.

The rule of Cellpose is written from its public description: an outline takes the number
of the one below it with the highest intersection over union, if that is .25 or more and
no other outline of the plane fits that one better.
"""

from __future__ import annotations

import argparse
import time
from itertools import product

import numpy as np
from scipy import ndimage

from napari_unet_nuclei import (
    Link,
    LinkRule,
    SegmentationSettings,
    link_planes,
    load_model,
)
from napari_unet_nuclei.core.datasets.drawn.volumes import VolumeLook, draw_volume
from napari_unet_nuclei.core.instances.labels import compact_labels
from napari_unet_nuclei.core.linking.overlaps import count_overlaps
from napari_unet_nuclei.core.linking.planes import PlaneLinker

DEPTH, SIDE = 72, 192  # px
LOOKS = {
    "sparse": {"density": 0.06, "photons": 300.0},
    "dense": {"density": 0.2, "photons": 300.0},
    "dense, noisy": {"density": 0.2, "photons": 40.0},
    "crowded": {"density": 0.35, "photons": 150.0},
}
SPACINGS = (1.0, 2.0, 4.0, 6.0)
FIRST_SEED = 9000
IN_VOLUMES = SegmentationSettings(link=Link.MAPS)


def stitch(planes: np.ndarray, threshold: float = 0.25) -> np.ndarray:
    """Link planes by the rule of Cellpose."""
    stitched = np.zeros_like(planes)
    n_nuclei = 0
    for index, plane in enumerate(planes):
        present, compact = np.unique(plane, return_inverse=True)
        compact = compact.reshape(plane.shape) + int(present[0] != 0)
        names = np.zeros(compact.max() + 1, planes.dtype)
        if index:
            _take_numbers(names, stitched[index - 1], compact, threshold)
        is_new = names == 0
        is_new[0] = False
        names[is_new] = n_nuclei + 1 + np.arange(is_new.sum())
        n_nuclei += int(is_new.sum())
        stitched[index] = names[compact]
    return stitched


def _take_numbers(
    names: np.ndarray, below: np.ndarray, above: np.ndarray, threshold: float
) -> None:
    pairs = count_overlaps(below, above)
    first, second = np.bincount(below.ravel()), np.bincount(above.ravel())
    iou = np.zeros((names.size, first.size))
    union = first[pairs.lower] + second[pairs.upper] - pairs.shared
    iou[pairs.upper, pairs.lower] = pairs.shared / union
    iou[iou < threshold] = 0
    iou[iou < iou.max(axis=0)] = 0
    best = iou.argmax(axis=1)
    is_taken = iou[np.arange(names.size), best] > 0
    names[is_taken] = best[is_taken]


def drop_single_planes(labels: np.ndarray) -> np.ndarray:
    """Drop nuclei that stand in one plane, as ours does."""
    n_planes = np.zeros(labels.max() + 1, int)
    for plane in labels:
        n_planes[np.unique(plane)] += 1
    return np.where(n_planes[labels] > 1, labels, 0)


def damage(planes: np.ndarray, seed: int) -> np.ndarray:
    """Draw outlines wrong: missing, halved, too wide or too narrow."""
    rng = np.random.default_rng(seed)
    damaged = np.zeros_like(planes)
    n_outlines = 0
    for plane, drawn in zip(planes, damaged, strict=True):
        for number in np.unique(plane[plane > 0]):
            if rng.random() < 0.05:
                continue
            box = ndimage.find_objects((plane == number).astype(np.int32))[0]
            box = tuple(slice(max(s.start - 3, 0), s.stop + 3) for s in box)
            own = plane[box] == number
            steps = int(rng.integers(-2, 3))
            if steps > 0:
                own = ndimage.binary_dilation(own, iterations=steps)
                own &= (plane[box] == 0) | (plane[box] == number)
            elif steps < 0:
                own = ndimage.binary_erosion(own, iterations=-steps)
            free = own & (drawn[box] == 0)
            n_outlines += 1
            drawn[box][free] = n_outlines
            if rng.random() < 0.05:
                n_outlines += 1
                half = np.arange(free.shape[0])[:, np.newaxis] < free.shape[0] // 2
                drawn[box][free & half] = n_outlines
    return damaged


def ap50(truth: np.ndarray, found: np.ndarray) -> float:
    """Return the average precision at an intersection over union of .5, of volumes."""
    pairs = count_overlaps(truth.reshape(1, -1), found.reshape(1, -1))
    first, second = np.bincount(truth.ravel()), np.bincount(found.ravel())
    union = first[pairs.lower] + second[pairs.upper] - pairs.shared
    n_hits = np.count_nonzero(pairs.shared / union > 0.5)
    n_true, n_found = (np.count_nonzero(areas[1:]) for areas in (first, second))
    return n_hits / (n_true + n_found - n_hits)


RULES = {
    "Cellpose": lambda planes, _: stitch(planes),
    "Cellpose, single planes dropped": lambda planes, _: drop_single_planes(
        stitch(planes)
    ),
    "link z": lambda planes, _: link_planes(planes),
    "link z, spacing known": lambda planes, spacing: link_planes(
        planes, LinkRule(spacing=spacing)
    ),
}


def compare(model_name: str, n_volumes: int) -> None:
    """Print a row for each kind of volume."""
    model = load_model(model_name)
    heads = [*RULES, *(f"{name} (damaged)" for name in RULES), "link maps", "times"]
    print(f"| volume | nuclei | outlines | {' | '.join(heads)} |")
    print("| --- |" + " --- |" * (2 + len(heads)))
    rows = []
    for spacing, (look, settings) in product(SPACINGS, LOOKS.items()):
        scores, n_nuclei, n_outlines = [], 0, 0
        for number in range(n_volumes):
            seed = FIRST_SEED + number
            shape = (round(DEPTH / spacing), SIDE, SIDE)
            image, truth = draw_volume(
                seed, shape, VolumeLook(spacing=spacing, **settings)
            )
            start = time.perf_counter()
            planes = model.segment(image, axes="ZYX")
            alone = time.perf_counter() - start
            volumes = model.segment(image, IN_VOLUMES, axes="ZYX", spacing=spacing)
            times = (time.perf_counter() - start) / alone - 1
            n_nuclei += int(truth.max())
            n_outlines += int(planes.max())
            scores.append(
                [
                    ap50(truth, rule(version, spacing))
                    for version in (planes, damage(planes, seed))
                    for rule in RULES.values()
                ]
                + [ap50(truth, volumes), times]
            )
        rows.append(np.mean(scores, axis=0))
        print(
            f"| {look}, spacing {spacing:g} | {n_nuclei} | {n_outlines:,} | "
            + " | ".join(f"{score:.3f}" for score in rows[-1])
            + " |",
            flush=True,
        )
    mean = " | ".join(f"{score:.3f}" for score in np.mean(rows, axis=0))
    print(f"| mean | | | {mean} |")


def time_linking(model_name: str, side: int, n_planes: int) -> None:
    """Print what linking adds to the segmentation of a plane."""
    model = load_model(model_name)
    image, _ = draw_volume(0, (n_planes, 256, 256), VolumeLook(spacing=3.0))
    repeats = -(-side // 256)
    image = np.tile(image, (1, repeats, repeats))[:, :side, :side]
    model.segment(image[0])
    start = time.perf_counter()
    planes = model.segment(image, axes="ZYX")
    segmented = (time.perf_counter() - start) / n_planes
    compact = [compact_labels(plane)[0] for plane in planes]  # as planes are split
    start = time.perf_counter()
    linker = PlaneLinker()
    for plane in compact:
        linker.append(plane)
    numbers = linker.finish()
    for plane in planes:
        np.take(numbers, plane, out=plane)
    seconds = (time.perf_counter() - start) / n_planes
    print("| model | plane | outlines | nuclei | segmented | linked | added |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(
        f"| `{model_name}` | {side}² | {numbers.size - 1:,} | {numbers.max():,} | "
        f"{1000 * segmented:.0f} ms | {1000 * seconds:.1f} ms | "
        f"{seconds / segmented:.1%} |"
    )


def link_a_million() -> None:
    """Print how long a million nuclei take, 5 planes each."""
    cell = 12
    y, x = np.mgrid[:2048, :2048]
    number = (y // cell) * (2048 // cell + 1) + x // cell + 1
    radius = np.hypot(y % cell - 5.5, x % cell - 5.5)
    planes = [
        np.where(radius < limit, number, 0).astype(np.int32)
        for limit in (2.5, 4.0, 5.5, 4.0, 2.5)
    ]
    linker, n_planes = PlaneLinker(), 0
    start = time.perf_counter()
    while n_planes * len(np.unique(planes[2])) < 5_000_000:
        for plane in planes:
            linker.append(plane)
        n_planes += len(planes)
    taken = time.perf_counter()
    numbers = linker.finish()
    end = time.perf_counter()
    print("| planes of 2048² | outlines | nuclei | planes taken | nuclei made |")
    print("| --- | --- | --- | --- | --- |")
    print(
        f"| {n_planes} | {np.count_nonzero(numbers):,} | {numbers.max():,} | "
        f"{taken - start:.1f} s | {end - taken:.1f} s |"
    )


def main() -> None:
    """Print the table that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("scores", "cost", "million"))
    parser.add_argument("--model", default="classic")
    parser.add_argument("--volumes", type=int, default=2)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--planes", type=int, default=20)
    arguments = parser.parse_args()
    if arguments.what == "scores":
        compare(arguments.model, arguments.volumes)
    elif arguments.what == "cost":
        time_linking(arguments.model, arguments.side, arguments.planes)
    else:
        link_a_million()


if __name__ == "__main__":
    main()
