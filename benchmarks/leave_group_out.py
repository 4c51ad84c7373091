"""What a change of the recipe brings on images of a look nobody trained on.

Usage: python benchmarks/leave_group_out.py DATA... --out FOLDER
           [--groups NAME ...] [--recipes NAME ...] [--start MODEL] [--steps N]

Groups all images by look (``napari_unet_nuclei.core.insights.look_groups``), and for
each group and recipe trains on the other groups and scores on the one left out.  Each
score is a file in FOLDER; what is there already is not computed again, so a run can be
stopped and goes on where it was, one job after the other.  The table compares every
recipe with the first one.

Recipes: ``all``, ``flips``, ``none`` and ``strong`` are choices of ``--augmentation``;
``haze`` and the other kinds of strong augmentation make that kind alone; ``no-haze``
makes all kinds but that one; ``plain`` makes none, of the very same crops: the control
for all of these, as ``all`` draws other crops.  ``+grey`` adds two grey copies of every
stained image (hematoxylin; density of red), a fifth of the crops; ``+drawn`` takes a
fifth of the crops from the drawn samples of ``--drawn``; ``start`` trains nothing and
scores the start.

What the score can say, and what it cannot:

- A start that has seen the group cannot be judged on it: its score falls by what it
  forgets, and the recipe that changes least wins.  The shipped models have seen all
  groups of DSB2018, but no image of other labs.  So either hold out other labs
  (``--by origin``) with ``--start resnet``; or give a start for each group that was
  trained without it, as ``--start 'starts/{group}.unetnuclei'``; or leave ``--start``
  out and train from scratch, which takes thousands of steps before nuclei are split.
  Starts without a group come from this tool itself: ``--recipes all --steps 5000
  --save-models starts`` without ``--start``.  Groups whose images are among those that
  the start says it learned or chose from are marked ``(seen)``; a start knows its own
  last run only, not those of the starts before.
- Images of one lab may look different and stand in two groups.  ``--by origin`` makes
  each data set a group, named after its folder: gains on whole labs count more.
- Budgets are small, so a recipe that needs longer to pay is judged too low.  Strong
  augmentation is one of these; a loss of less than its error says nothing.
- The error is that of the mean of paired differences over the images, by bootstrap.
  It knows nothing of the seed: run a second ``--seed`` before a small gain is believed.
- Images are scored as they are, without rescaling, with the thresholds of the start:
  the estimate of the size and the tuning of thresholds would add noise of their own.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from recipes import Crops, Recipe, parse_recipe

from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.splits import read_split
from napari_unet_nuclei.core.evaluation.scores import evaluate_image
from napari_unet_nuclei.core.insights.look_groups import LookGroup, measure_appearance
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.models.bundle import ModelBundle, read_bundle, write_bundle
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.averaging import WeightAverage
from napari_unet_nuclei.core.training.crops.batches import prefetch
from napari_unet_nuclei.core.training.grey_copies import copy_stained
from napari_unet_nuclei.core.training.identity import identify_run
from napari_unet_nuclei.core.training.learner import Learner
from napari_unet_nuclei.core.training.mixture import DataMixture, TrainingSet
from napari_unet_nuclei.core.training.provenance import describe_model
from napari_unet_nuclei.core.training.validation import predict_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.models.weights import Weights

_WARM_UP = 20  # steps
_MOMENTUM = 0.98  # of the averaged weights: shorter runs than usual
_N_BOOTSTRAP = 2000
_COLUMNS = ("dsb2018", "ap50", "dice")
_DEFAULT_GROUPS = (
    LookGroup.PURPLE_TISSUE,
    LookGroup.STAINED_CELLS,
    LookGroup.HAZY_SECTIONS,
    LookGroup.LARGE_BLURRED,
    LookGroup.CROWDED_CULTURES,
)


def read_groups(arguments: argparse.Namespace) -> dict[str, list[Sample]]:
    """Read every data set, ``FOLDER`` or ``FOLDER@SPLIT.json:PART``, into groups."""
    groups: dict[str, list[Sample]] = defaultdict(list)
    for text in arguments.data:
        path, _, split = text.partition("@")
        source = open_samples(path)
        for sample_id in read_split(split) if split else source.sample_ids:
            sample = source.read_sample(sample_id)
            group = Path(path).stem
            if arguments.by == "look":
                group = measure_appearance(sample).group
            groups[group].append(sample)
    return {
        name: _choose(samples, arguments.images) for name, samples in groups.items()
    }


def _choose(samples: list[Sample], n_most: int | None) -> list[Sample]:
    """Choose so many samples at most, the same in every run."""
    order = np.random.default_rng(0).permutation(len(samples))[:n_most]
    return [samples[i] for i in sorted(order)]


def train(
    learner: Learner, crops: Crops, recipe: Recipe, arguments: argparse.Namespace
) -> Weights:
    """Train for so many steps and return the averaged weights."""
    average = WeightAverage(learner.weights, _MOMENTUM)
    rate = arguments.rate or learner.peak_learning_rate
    batches = prefetch(crops.batches(recipe), n_ahead=2)
    for step in range(arguments.steps):
        falling = 0.5 * (1 + math.cos(math.pi * step / arguments.steps))
        rising = min(1, (step + 1) / _WARM_UP)
        learner.train_on(*next(batches), rate * rising * falling)
        if step % 4 == 3:
            average.fold(learner.weights, step + 1)
    batches.close()
    return average.weights


def score(
    learner: Learner, bundle: ModelBundle, held_out: Sequence[Sample]
) -> dict[str, list[float]]:
    """Score each image of the group that was left out."""
    engine = learner.engine_with(bundle.weights)
    maps = predict_samples(engine, bundle.config, held_out)
    scores = {}
    for sample, each in zip(held_out, maps, strict=True):
        found = evaluate_image(
            sample.labels, split_instances(each, bundle.config.splitting)
        )
        scores[sample.sample_id] = [found.dsb2018, found.ap[0.5], found.dice]
    return scores


def bootstrap_error(differences: Sequence[float]) -> float:
    """Draw the differences anew many times; return how much their mean varies."""
    rng = np.random.default_rng(0)
    values = np.asarray(differences)
    drawn = rng.integers(values.size, size=(_N_BOOTSTRAP, values.size))
    return float(values[drawn].mean(axis=1).std())


def print_row(group: str, recipe: str, results: dict, baseline: dict | None) -> None:
    """Print one line of the table."""
    ids = sorted(results)
    scores = np.array([results[i] for i in ids])
    cells = [f"{value:.3f}" for value in scores.mean(axis=0)]
    if baseline is not None:
        gains = scores - np.array([baseline[i] for i in ids])
        cells = [
            f"{cell} ({gain:+.3f} ± {bootstrap_error(each):.3f})"
            for cell, gain, each in zip(cells, gains.mean(axis=0), gains.T, strict=True)
        ]
    print(f"| {group} | {len(ids)} | {recipe} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Train what is missing and print the table."""
    arguments = _parse()
    for folder in (arguments.out, arguments.save_models):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    recipes = [parse_recipe(name) for name in arguments.recipes]
    groups = read_groups(arguments)
    drawn = open_samples(arguments.drawn) if arguments.drawn else None
    drawn_samples = [drawn.read_sample(i) for i in drawn.sample_ids] if drawn else []
    print(", ".join(f"{name} {len(ids)}" for name, ids in sorted(groups.items())))
    print(f"\n| left out | n | recipe | {' | '.join(_COLUMNS)} |")
    print("| --- | --- | --- |" + " --- |" * len(_COLUMNS))
    asked_for = arguments.groups or (
        _DEFAULT_GROUPS if arguments.by == "look" else sorted(groups)
    )
    for group in asked_for:
        if group not in groups:
            raise SystemExit(f"No group is called {group}: {', '.join(groups)}.")
        _judge_group(group, groups, drawn_samples, recipes, arguments)


def _judge_group(
    group: str,
    groups: dict[str, list[Sample]],
    drawn: list[Sample],
    recipes: list[Recipe],
    arguments: argparse.Namespace,
) -> None:
    held_out = _choose(groups[group], arguments.held_out)
    others = [s for name in groups if name != group for s in groups[name]]
    pools = {
        "groups": others,
        "grey": copy_stained(others),
        "drawn": drawn,
    }
    start = None
    if arguments.start:
        start = read_bundle(find_model(arguments.start.format(group=group)))
    seen = set()
    if start is not None:
        provenance = start.config.provenance
        seen = {i for key in ("train", "validation") for i in provenance.get(key, ())}
    title = f"{group} (seen)" if seen & {s.sample_id for s in held_out} else group
    crops, baseline = None, None
    for recipe in recipes:
        path = _result_path(group, recipe, arguments)
        if not path.exists():
            if recipe.is_trained and crops is None:
                crops = Crops(pools, arguments.seed)
            _make_result(path, crops, recipe, start, (others, held_out), arguments)
        results = json.loads(path.read_text())
        print_row(title, recipe.name, results, baseline)
        baseline = baseline or results


def _make_result(
    path: Path,
    crops: Crops | None,
    recipe: Recipe,
    start: ModelBundle | None,
    samples: tuple[list[Sample], list[Sample]],
    arguments: argparse.Namespace,
) -> None:
    settings = TrainingSettings(
        epochs=1, augmentation=recipe.augmentation, seed=arguments.seed
    )
    learner = Learner(settings, start)
    weights = learner.weights
    if crops is not None and recipe.is_trained:
        weights = train(learner, crops, recipe, arguments)
    others, held_out = samples
    one = TrainingSet(name="groups", samples=others, validation=held_out)
    data = DataMixture([one], [1.0])
    identity = identify_run(settings, start, data)
    config = describe_model(learner, data, settings, start, identity)
    bundle = ModelBundle(name=path.stem, config=config, weights=weights)
    if arguments.save_models:
        write_bundle(arguments.save_models / f"{path.stem}.unetnuclei", bundle)
    results = score(learner, bundle, held_out)
    path.with_suffix(".part").write_text(json.dumps(results))
    path.with_suffix(".part").rename(path)


def _result_path(group: str, recipe: Recipe, arguments: argparse.Namespace) -> Path:
    start = Path(arguments.start or "scratch").stem.replace("{group}", "own")
    name = f"{group}-{start}-{arguments.steps}-{arguments.seed}-{recipe.name}.json"
    return Path(arguments.out) / name


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="+", help="FOLDER or FOLDER@SPLIT.json:PART")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--groups", nargs="+", help="to leave out; five looks, or all data sets"
    )
    parser.add_argument(
        "--by", choices=["look", "origin"], default="look", help="what makes a group"
    )
    parser.add_argument("--recipes", nargs="+", default=["all", "strong"])
    parser.add_argument("--start", help="model to start from; {group} is replaced")
    parser.add_argument("--steps", type=int, default=150, help="of 8 crops each")
    parser.add_argument("--rate", type=float, help="peak of the learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, help="at most so many of each group")
    parser.add_argument("--held-out", type=int, help="score at most so many")
    parser.add_argument("--drawn", help="data set of drawn samples, for +drawn")
    parser.add_argument("--save-models", type=Path, help="folder for the models")
    parser.add_argument("--jobs", type=int, choices=[1], default=1, help="at a time")
    return parser.parse_args()


if __name__ == "__main__":
    main()
