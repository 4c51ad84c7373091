"""What fine-tuning gains on a look that a model does not know, and what it forgets.

Usage: python benchmarks/fine_tuning.py [--start MODEL] [--looks LOOK ...]
           [--images DATA@SPLIT.json:PART] [--fresh DATA@SPLIT.json:PART]
           [--old DATA@SPLIT.json:PART] [--annotated N ...] [--crops N ...]
           [--replay PART] [--start-weight PART] [--no-rescale] [--rate RATE]

Draws N annotated images of 256 px square for each look, fine-tunes as ``train --from``
does, and segments other images of that look as ``segment`` does.  ``--images`` and
``--fresh`` take a data set instead, of another lab for instance.  ``--old`` is one that
the start model knows: what it scores there is what it has kept.

Runs are counted in crops, so that they say the same on any machine: on two quiet cores
``resnet`` sees about 1,500 crops in two minutes.  Each row of the table is one run of
one seed; a difference of two rows that is smaller than .01 says nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei import load_model
from napari_unet_nuclei.core.datasets.drawn.looks import Look, draw_look
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.splits import read_split
from napari_unet_nuclei.core.evaluation.scores import evaluate_image, summarise
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.loop import iter_training

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.segmentation.model import Model

    Task = tuple[Callable[[int], list[Sample]], list[Sample]]

_NEW_LOOKS = (Look.RINGS, Look.DARK_TEXTURED, Look.ELONGATED_NOISY)
_N_FRESH = 12
_FIRST_FRESH = 1000  # seed, far from those of the annotated images


def draw_samples(look: Look, n_samples: int, first_seed: int) -> list[Sample]:
    """Draw annotated images of a look."""
    return [
        Sample(f"{look}{seed}", *draw_look(look, seed))
        for seed in range(first_seed, first_seed + n_samples)
    ]


def read_samples(text: str, n_most: int | None = None) -> list[Sample]:
    """Read samples of ``DATA`` or ``DATA@SPLIT.json:PART``, spread over its ids."""
    path, _, split = text.partition("@")
    source = open_samples(path)
    ids = read_split(split) if split else source.sample_ids
    n_read = len(ids) if n_most is None else min(n_most, len(ids))
    chosen = np.linspace(0, len(ids) - 1, n_read).round().astype(int)
    return [source.read_sample(ids[i]) for i in chosen]


def score(model: Model, samples: Sequence[Sample]) -> Scores:
    """Segment images as they come, and compare."""
    return summarise(
        [
            evaluate_image(sample.labels, model.segment(sample.image))
            for sample in samples
        ]
    )


def tune(
    annotated: Sequence[Sample], n_crops: int, arguments: argparse.Namespace
) -> Model:
    """Fine-tune the start, in as many crops."""
    n_steps = n_crops / TrainingSettings.batch_size
    epochs = max(1, round(n_steps / arguments.steps_per_epoch))
    settings = TrainingSettings(
        epochs=epochs,
        steps_per_epoch=max(1, round(n_steps / epochs)),
        replay=arguments.replay,
        start_weight=arguments.start_weight,
        rescale=arguments.rescale,
        learning_rate=arguments.rate,
        seed=arguments.seed,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tuned.unetnuclei"
        exhaust(iter_training(annotated, path, settings, start=arguments.start))
        return load_model(path)


def format_change(before: float, after: float) -> str:
    """Return ``.791 → .805 (+.014)``."""
    cells = f"{before:.3f} → {after:.3f} ({after - before:+.3f})"
    return cells.replace("0.", ".")


def print_row(
    name: str,
    before: tuple[Scores, Scores | None],
    after: tuple[Scores, Scores | None],
) -> None:
    """Print what a run has gained, and lost."""
    cells = [
        format_change(first.ap[0.5], second.ap[0.5])
        + " | "
        + format_change(first.dsb2018, second.dsb2018)
        if first is not None and second is not None
        else " | "
        for first, second in zip(before, after, strict=True)
    ]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def list_tasks(arguments: argparse.Namespace) -> dict[str, Task]:
    """List what there is to learn: a function that annotates, and fresh images."""
    if arguments.images:
        fresh = read_samples(arguments.fresh, arguments.most)
        return {"images": (partial(read_samples, arguments.images), fresh)}
    return {
        str(look): (
            partial(draw_samples, look, first_seed=50 * arguments.seed),
            draw_samples(look, _N_FRESH, _FIRST_FRESH),
        )
        for look in map(Look, arguments.looks)
    }


def main() -> None:
    """Print the table."""
    arguments = _parse()
    start = load_model(arguments.start)
    old = read_samples(arguments.old, arguments.most) if arguments.old else []
    old_before = score(start, old) if old else None
    print("| images, annotated, crops | new: AP50 | DSB2018 | old: AP50 | DSB2018 |")
    print("| --- | --- | --- | --- | --- |")
    for name, (annotate, fresh) in list_tasks(arguments).items():
        before = score(start, fresh), old_before
        for n_annotated, n_crops in product(arguments.annotated, arguments.crops):
            model = tune(annotate(n_annotated), n_crops, arguments)
            after = score(model, fresh), score(model, old) if old else None
            print_row(f"{name}, {n_annotated}, {n_crops}", before, after)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--start", default="resnet", help="model to fine-tune")
    parser.add_argument("--looks", nargs="+", default=_NEW_LOOKS, help="to draw")
    parser.add_argument("--images", help="data set to train on instead of a look")
    parser.add_argument("--fresh", help="data set to score then")
    parser.add_argument("--old", help="data set that the start knows")
    parser.add_argument("--most", type=int, help="score so many images of a data set")
    parser.add_argument("--annotated", nargs="+", type=int, default=[3])
    parser.add_argument("--crops", nargs="+", type=int, default=[800])
    parser.add_argument("--steps-per-epoch", type=int, default=50, help="about")
    parser.add_argument("--replay", type=float, default=TrainingSettings.replay)
    parser.add_argument(
        "--start-weight", type=float, default=TrainingSettings.start_weight
    )
    parser.add_argument("--no-rescale", dest="rescale", action="store_false")
    parser.add_argument("--rate", type=float, help="peak of the learning rate")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if bool(arguments.images) != bool(arguments.fresh):
        parser.error("--images and --fresh go together")
    return arguments


if __name__ == "__main__":
    main()
