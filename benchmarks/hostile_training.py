"""Fine-tuning on everything that should not be trained on: what comes of it.

Usage: python benchmarks/hostile_training.py [--start classic] [--only WORD]

Each case is checked as `train` checks it, and trained on where nothing is refused, for
a few steps.  A table says what came of it, with the DSB2018 score of the start and of
the model, where one is written, on other images that are annotated well.  The exit
code is 1 if a run crashed, wrote weights that are no numbers, or wrote a model that is
no better on its own held-out part.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from napari_unet_nuclei import evaluate, load_model
from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.checks.checking import check_training_input
from napari_unet_nuclei.core.training.checks.problems import TrainingPair
from napari_unet_nuclei.core.training.guard import are_finite
from napari_unet_nuclei.core.training.loop import iter_training

Pairs = list[tuple[np.ndarray, np.ndarray]]
Damage = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

SHAPE = (128, 128)
SETTINGS = TrainingSettings(
    crop_size=64, batch_size=4, steps_per_epoch=8, epochs=2, only_better=True
)
RNG = np.random.default_rng(0)


def draw(first: int, n_images: int) -> Pairs:
    """Draw images with exact labels."""
    return [draw_nuclei(seed, SHAPE, 12) for seed in range(first, first + n_images)]


# Cases ------------------------------------------------------------------------------


def of_labels(change: Callable[[np.ndarray], np.ndarray]) -> Damage:
    """Change labels only."""
    return lambda image, labels: (image, change(labels))


def of_image(change: Callable[[np.ndarray], np.ndarray]) -> Damage:
    """Change the image only."""
    return lambda image, labels: (change(image), labels)


def random_blobs(labels: np.ndarray) -> np.ndarray:
    """Draw nuclei that have nothing to do with the image."""
    return draw_nuclei(int(RNG.integers(1000, 9999)), SHAPE, 12)[1]


def every_pixel(labels: np.ndarray) -> np.ndarray:
    """Give each pixel a number of its own."""
    return np.arange(1, labels.size + 1).reshape(labels.shape)


def specks(labels: np.ndarray) -> np.ndarray:
    """Give a grid of single pixels a number each."""
    found = np.zeros_like(labels)
    found[::3, ::3] = 1 + np.arange(found[::3, ::3].size).reshape(found[::3, ::3].shape)
    return found


def only_first(labels: np.ndarray) -> np.ndarray:
    """Keep one nucleus."""
    return np.where(labels == labels[labels > 0].min(), 1, 0)


def half_missing(labels: np.ndarray) -> np.ndarray:
    """Leave out every second nucleus."""
    return np.where(labels % 2, labels, 0)


def grown(labels: np.ndarray) -> np.ndarray:
    """Make nuclei much larger than they are."""
    return ndimage.grey_dilation(labels, (13, 13))


def shrunk(labels: np.ndarray) -> np.ndarray:
    """Leave dots in the middle of nuclei."""
    return np.where(ndimage.binary_erosion(labels > 0, iterations=4), labels, 0)


def some(value: float) -> Damage:
    """Put a value into some pixels."""

    def put(image: np.ndarray) -> np.ndarray:
        found = image.astype(np.float32)
        found[RNG.random(image.shape) < 0.02] = value
        return found

    return of_image(put)


PAIR_CASES: dict[str, Damage] = {
    "labels of other images": of_labels(random_blobs),
    "labels shifted by 20 px": of_labels(lambda each: np.roll(each, 20, axis=1)),
    "labels grown": of_labels(grown),
    "labels shrunk to dots": of_labels(shrunk),
    "labels as a mask": of_labels(lambda each: (each > 0).astype(np.int32)),
    "labels inverted": of_labels(lambda each: (each == 0).astype(np.int32)),
    "half of the nuclei missing": of_labels(half_missing),
    "labels cover everything": of_labels(lambda each: np.ones_like(each)),
    "a thousand specks": of_labels(specks),
    "each pixel a nucleus": of_labels(every_pixel),
    "labels flipped": of_labels(lambda each: each[::-1].copy()),
    "one nucleus an image": of_labels(only_first),
    "no nuclei": of_labels(lambda each: 0 * each),
    "background not annotated": of_labels(lambda each: np.where(each > 0, each, -1)),
    "hardly anything annotated": of_labels(
        lambda each: np.where(ndimage.binary_dilation(only_first(each)), each, -1)
    ),
    "constant image": of_image(lambda each: np.full_like(each, 7)),
    "NaN pixels": some(np.nan),
    "infinite pixels": some(np.inf),
    "only NaN": of_image(lambda each: np.full(each.shape, np.nan, np.float32)),
    "values up to 1e30": some(1e30),
    "negative values": of_image(lambda each: each.astype(np.float32) - 500),
    "pure noise": of_image(
        lambda each: RNG.integers(0, 255, each.shape).astype(np.uint8)
    ),
    "two grey levels": of_image(lambda each: (each > 60).astype(np.uint8)),
    "image and labels swapped": lambda image, labels: (
        labels.astype(np.uint8),
        image.astype(np.int32),
    ),
}
SETTINGS_CASES: dict[str, dict[str, Any]] = {
    "rate 0.1": {"learning_rate": 0.1},
    "rate 10": {"learning_rate": 10.0},
    "rate 10, no average": {"learning_rate": 10.0, "ema_momentum": 0.0},
    "rate 1e-12": {"learning_rate": 1e-12},
    "one crop of 32 px a step": {"batch_size": 1, "crop_size": 32},
    "one step": {"epochs": 1, "steps_per_epoch": 1},
    "weight decay 10": {"weight_decay": 10.0, "learning_rate": 0.01},
}


def make_cases() -> dict[str, tuple[Pairs, TrainingSettings]]:
    """Return all cases: images with labels, and the recipe."""
    good = draw(0, 4)
    cases = {
        name: ([damage(*pair) for pair in good], SETTINGS)
        for name, damage in PAIR_CASES.items()
    }
    cases["a single image"] = (good[:1], SETTINGS)
    cases["one image four times"] = (good[:1] * 4, SETTINGS)
    cases["one nucleus in all"] = ([(good[0][0], only_first(good[0][1]))], SETTINGS)
    tiny = [(image[:24, :24], labels[:24, :24]) for image, labels in good]
    cases["images of 24 px"] = (tiny, SETTINGS)
    for name, changes in SETTINGS_CASES.items():
        cases[name] = (good, replace(SETTINGS, **changes))
    return cases


# Runs -------------------------------------------------------------------------------


def score(model: Path, pairs: Pairs) -> float:
    """Return the DSB2018 score of a model on images that are annotated well."""
    loaded = load_model(model)
    found = [loaded.segment(image) for image, _ in pairs]
    return evaluate([labels for _, labels in pairs], found).dsb2018


def train(pairs: Pairs, settings: TrainingSettings, start: str, output: Path) -> str:
    """Check and train as the command line does; say what came of it."""
    named = [
        TrainingPair(name=f"image{number}", image=image, labels=labels)
        for number, (image, labels) in enumerate(pairs)
    ]
    problems = check_training_input(named, settings)
    errors = [problem for problem in problems if not problem.is_warning]
    if errors:
        return f"refused: {errors[0].kind}"
    samples = [
        Sample(each.name, each.image, each.labels.astype(np.int32)) for each in named
    ]
    warned = "warned, " * bool(problems)
    try:
        report = exhaust(iter_training(samples, output, settings, start=start))
    except UNetNucleiError as error:
        return f"{warned}ended: {str(error)[:60]}"
    if not report.is_written:
        failure = None if report.comparison is None else report.comparison.failure
        return f"{warned}nothing better" + (f" ({failure[:50]}…)" if failure else "")
    if not report.is_better_than_start:
        return f"{warned}FAULT: written, but no better"
    return f"{warned}better on its held-out part"


def main() -> int:
    """Run all cases, and print what came of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--start", default="classic")
    parser.add_argument("--only", default="", metavar="WORD", help="cases that hold it")
    arguments = parser.parse_args()
    others = draw(100, 6)
    before = score(find_model(arguments.start), others)
    n_faults = 0
    print(f"{arguments.start} on images annotated well: {before:.3f}\n")
    print("| case | what came of it | on images annotated well | s |")
    print("| --- | --- | --- | --- |")
    for name, (pairs, settings) in make_cases().items():
        if arguments.only not in name:
            continue
        began, after = time.monotonic(), "–"
        with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
            output = Path(folder) / "tuned.unetnuclei"
            try:
                end = train(pairs, settings, arguments.start, output)
                if output.exists():
                    if not are_finite(read_bundle(output).weights):
                        end = f"FAULT: weights are no numbers, {end}"
                    after = f"{score(output, others):.3f}"
            except Exception:  # noqa: BLE001 - what crashes is what this looks for
                end = f"FAULT: {traceback.format_exc().splitlines()[-1]}"
        n_faults += "FAULT" in end
        seconds = time.monotonic() - began
        print(f"| {name} | {end} | {after} | {seconds:.0f} |", flush=True)
    print(f"\n{n_faults} faults")
    return int(n_faults > 0)


if __name__ == "__main__":
    sys.exit(main())
