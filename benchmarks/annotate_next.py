"""Whether the tiles that are proposed teach a model more than tiles at random.

Usage: python benchmarks/annotate_next.py --out FOLDER [--seeds 1 2 3 4 5]
           [--strategies NAME ...] [--tiles 3] [--steps 40]

Draws one large image for each seed: areas of 256² px of which most look like cultures,
which the model knows, some like dense sections, and a few like rings and like elongated
nuclei in heavy noise, which it does not.  Tiles of 256² px are chosen, their true
labels are the annotation, and the model is fine-tuned on them for so many steps of 8
crops; steps are counted and not minutes, so that other work on the machine changes
nothing.
It is scored on other areas of the same four looks, all counted alike.

Strategies: ``proposed`` is `propose_tiles`; ``balanced`` pays more regard to the model
than that; ``unsure`` takes the least sure tiles without regard to their looks, and
``novel`` the most unlike ones without regard to the model; ``flips`` measures how far
the model disagrees with itself on the mirrored image, in place of entropy; ``busy``
takes the tiles with most foreground; ``random-1``, ``random-2``, … are tiles at random
that do not overlap; ``start`` trains nothing.

Each result is a file in FOLDER and is not computed again.  The table gives AP50 and
DSB2018 score, and for each strategy on how many seeds it beats the mean of the random
ones.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.datasets.drawn.looks import Look, draw_look
from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.evaluation.scores import evaluate_image
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.proposals.candidates import (
    Candidates,
    find_candidates,
    window_means,
)
from napari_unet_nuclei.core.proposals.choice import choose_tiles
from napari_unet_nuclei.core.proposals.uncertainty import (
    measure_looks,
    measure_uncertainty,
)
from napari_unet_nuclei.core.segmentation.model import Model, load_model
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.averaging import WeightAverage
from napari_unet_nuclei.core.training.crops.batches import CropDataset, prefetch
from napari_unet_nuclei.core.training.learner import Learner
from napari_unet_nuclei.core.training.validation import predict_samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.models.weights import Weights

AREA = 256  # px
SIDE = 4  # areas
LOOKS = {
    Look.CULTURE: (9, 2),  # areas to choose tiles from, and to be scored on
    Look.DENSE_SECTION: (3, 2),
    Look.RINGS: (2, 2),
    Look.ELONGATED_NOISY: (2, 2),
}
_CROP_SIZE = 128  # px
_WARM_UP = 10  # steps
_PEAK_RATE = 1e-3
_MOMENTUM = 0.95  # of the averaged weights: runs are short
_POSSIBLE = 0.1


class Scene(NamedTuple):
    """A large image of several looks, and areas of the same looks to be scored on."""

    image: NDArray[np.uint8]
    labels: NDArray[np.int32]
    held_out: list[tuple[Look, Sample]]


def draw_scene(seed: int) -> Scene:
    """Draw an image; each look is drawn once, so that all its areas are alike."""
    kinds = np.repeat(list(LOOKS), [n for n, _ in LOOKS.values()])
    kinds = np.random.default_rng(seed).permutation(kinds).reshape(SIDE, SIDE)
    image = np.zeros((SIDE * AREA, SIDE * AREA), np.uint8)
    labels = np.zeros(image.shape, np.int32)
    held_out = []
    for look, (n_shown, n_held_out) in LOOKS.items():
        n_areas = n_shown + n_held_out
        drawn, numbers = draw_look(look, seed, (n_areas * AREA, AREA))
        numbers = np.where(numbers > 0, numbers + labels.max(), 0)
        areas = [np.s_[n * AREA : (n + 1) * AREA] for n in range(n_areas)]
        for (row, column), area in zip(np.argwhere(kinds == look), areas, strict=False):
            place = np.s_[row * AREA :, column * AREA :]
            image[place][:AREA, :AREA] = drawn[area]
            labels[place][:AREA, :AREA] = numbers[area]
        held_out += [
            (look, Sample(f"{look}-{n}", drawn[area], numbers[area].astype(np.int32)))
            for n, area in enumerate(areas[n_shown:])
        ]
    return Scene(image, labels, held_out)


def choose(strategy: str, scene: Scene, model: Model, n_tiles: int) -> NDArray[np.intp]:
    """Return top and left of the tiles that a strategy chooses."""
    tiles = find_candidates(scene.image, AREA)
    n = len(tiles.places)
    apart = 1e3 * np.arange(n, dtype=float)[:, np.newaxis]  # nothing is like another
    kind, _, number = strategy.partition("-")
    if kind == "random":
        rng = np.random.default_rng([int(number), scene.labels.max()])
        unsure, looks = rng.random(n), apart
    else:
        maps = model.maps(scene.image)
        unsure = measure_uncertainty(maps.foreground, tiles)
        looks = measure_looks(maps, tiles, unsure)
        match kind:
            case "proposed":
                pass
            case "balanced":
                unsure = unsure**2
            case "unsure":
                looks = apart
            case "novel":
                unsure = np.ones(n)
            case "flips":
                unsure = disagreement(scene, model, tiles)
            case "busy":
                unsure, looks = window_means(maps.foreground, tiles), apart
            case _:
                raise SystemExit(f"No strategy is called {strategy}: see --help.")
    chosen = choose_tiles(tiles, unsure, looks, np.zeros(n), n_tiles)
    return tiles.places[[number for number, _ in chosen]]


def disagreement(scene: Scene, model: Model, tiles: Candidates) -> NDArray[np.float64]:
    """Measure how the foreground changes where the image is mirrored and turned."""
    maps = model.maps(scene.image)
    same_scale = SegmentationSettings(diameter=model.config.diameter / maps.scale)
    change = np.zeros(scene.image.shape)
    for turned in (np.s_[:, ::-1], np.s_[::-1], np.s_[::-1, ::-1]):
        other = model.maps(np.ascontiguousarray(scene.image[turned]), same_scale)
        change += np.abs(other.foreground[turned] - maps.foreground) / 3
    possible = window_means(maps.foreground > _POSSIBLE, tiles)
    return window_means(change, tiles) / (possible + 0.01)


def fine_tune(
    learner: Learner, scene: Scene, places: NDArray[np.intp], n_steps: int
) -> Weights:
    """Train on tiles alone; return the averaged weights."""
    samples = []
    for top, left in places:
        box = np.s_[top : top + AREA, left : left + AREA]
        samples.append(Sample(f"{top}-{left}", scene.image[box], scene.labels[box]))
    average = WeightAverage(learner.weights, _MOMENTUM)
    crops = CropDataset(
        samples, crop_size=_CROP_SIZE, batch_size=8, n_batches=n_steps, seed=0
    )
    batches = prefetch(crops, n_ahead=2)
    for step in range(n_steps):
        falling = 0.5 * (1 + math.cos(math.pi * step / n_steps))
        rate = _PEAK_RATE * min(1, (step + 1) / _WARM_UP) * falling
        learner.train_on(*next(batches), rate)
        average.fold(learner.weights, step + 1)
    batches.close()
    return average.weights


def score(
    learner: Learner, weights: Weights, config: ModelConfig, scene: Scene
) -> dict[str, list[float]]:
    """Score the held-out areas: AP50 and DSB2018 score of each look."""
    samples = [sample for _, sample in scene.held_out]
    engine = learner.engine_with(weights)
    scores: dict[str, list[list[float]]] = {}
    for (look, sample), maps in zip(
        scene.held_out, predict_samples(engine, config, samples), strict=True
    ):
        nuclei = split_instances(maps, config.splitting, min_area=30)
        if sample.labels.any():
            found = evaluate_image(sample.labels, nuclei)
            scores.setdefault(look, []).append([found.ap[0.5], found.dsb2018])
    return {look: np.mean(each, axis=0).tolist() for look, each in scores.items()}


def print_table(results: dict[str, list[dict]], seeds: list[int]) -> None:
    """Print the means over the seeds, and how often each beats the random tiles."""
    overall = {
        name: np.array([np.mean(list(each.values()), axis=0) for each in runs])
        for name, runs in results.items()
    }
    at_random = [runs for name, runs in overall.items() if name.startswith("random")]
    baseline = np.mean(at_random, axis=0) if at_random else np.zeros((len(seeds), 2))
    print(f"\n| tiles | {' | '.join(LOOKS)} | AP50 | DSB2018 | better than random |")
    print("| --- " * (len(LOOKS) + 4) + "|")
    for name, scores in overall.items():
        looks = [np.mean([run[look][0] for run in results[name]]) for look in LOOKS]
        gain = scores[:, 0] - baseline[:, 0]
        cells = [f"{value:.3f}" for value in (*looks, *scores.mean(axis=0))]
        wins = f"{(gain > 0).sum()} of {len(seeds)} ({gain.mean():+.3f})"
        print(f"| {name} | {' | '.join(cells)} | {wins} |")
    if at_random:
        spread = np.std(at_random, axis=0)[:, 0].mean()
        print(f"\nStandard deviation of AP50 among random tiles: {spread:.3f}")


def main() -> None:
    """Compute what is missing and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="classic")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--tiles", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40)
    randoms = [f"random-{number}" for number in (1, 2, 3)]
    parser.add_argument(
        "--strategies", nargs="+", default=["start", *randoms, "proposed"]
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    start = read_bundle(find_model(options.model))
    model = load_model(options.model)
    learner = Learner(TrainingSettings(epochs=1, mixed_precision=False), start)
    initial = learner.weights
    results: dict[str, list[dict]] = {name: [] for name in options.strategies}
    for seed in options.seeds:
        scene = None
        for name in options.strategies:
            path = options.out / f"{seed}-{name}-{options.tiles}-{options.steps}.json"
            if not path.exists():
                scene = scene or draw_scene(seed)
                weights = initial
                if name != "start":
                    places = choose(name, scene, model, options.tiles)
                    learner.roll_back(initial)
                    weights = fine_tune(learner, scene, places, options.steps)
                scores = score(learner, weights, start.config, scene)
                path.write_text(json.dumps(scores))
            results[name].append(json.loads(path.read_text()))
            print(path.stem, results[name][-1], flush=True)
    print_table(results, options.seeds)


if __name__ == "__main__":
    main()
