"""What a few painted nuclei teach, compared with a fully painted image.

Usage: python benchmarks/sparse_annotation.py [--looks NAME ...] [--ways NAME ...]
           [--nuclei N ...] [--side PX] [--steps N] [--batch-size N] [--start MODEL]
           [--seed N]

For each drawn look, one image of 1024² px (``--side``) is painted in several ways, a
model is fine-tuned on it, and both models are scored on fresh images of the same look,
drawn at once with the first so that nuclei and light are alike:

- ``all``: every nucleus, the whole image counts;
- ``rings``: only the nuclei nearest to one corner; they and a ring around each count;
- ``area``: the same number in a square at that corner, which counts as a whole;
- ``background``: the same as ``rings``, but all else counts as background, as it did
  before anything could be ignored.

Several ``--nuclei`` make a learning curve: each way is painted with as many of them.
The table gives AP50 and the DSB2018 score, and how much of the gain of ``all`` in the
latter is reached.  Steps are counted, not minutes, so that other work on the machine
changes nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei import (
    Sample,
    Scores,
    TrainingSettings,
    annotated_area,
    evaluate,
    load_model,
)
from napari_unet_nuclei.core.datasets.drawn.looks import Look, draw_look
from napari_unet_nuclei.core.instances.annotation_counts import count_annotation
from napari_unet_nuclei.core.instances.labels import compact_labels, find_nuclei
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.training.loop import iter_training

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.int32]

_SIDE = 1024  # px, of what is painted, and of what images to score are cut from
_FRESH = 512  # px, a side of the images to score
_LOOKS = (Look.RINGS, Look.DARK_TEXTURED, Look.ELONGATED_NOISY)
_STEPS_PER_EPOCH = 25


def keep_nearest(labels: Labels, n: int) -> Labels:
    """Return the n nuclei that are nearest to the first corner, and background."""
    corners = {
        number: max(side.stop for side in box) for number, box in find_nuclei(labels)
    }
    nearest = sorted(corners, key=lambda number: corners[number])[:n]
    return np.where(np.isin(labels, nearest), labels, np.int32(0))


def paint(labels: Labels, how: str, n: int) -> Labels:
    """Return what was painted of an image in one of the ways."""
    painted = keep_nearest(labels, n)
    match how:
        case "all":
            return labels
        case "rings":
            return annotated_area(painted, "painted")
        case "area":
            rows, columns = np.nonzero(painted)
            area = np.zeros(labels.shape, bool)
            area[: rows.max() + 1, : columns.max() + 1] = True
            return annotated_area(labels, "area", area)
        case _:
            return painted


def cut_fresh(image: NDArray[np.uint8], labels: Labels) -> list[Sample]:
    """Cut the images to score from what lies beside the painted one, at its right."""
    return [
        Sample(
            f"{y}-{x}",
            image[y : y + _FRESH, x : x + _FRESH],
            compact_labels(labels[y : y + _FRESH, x : x + _FRESH])[0],
        )
        for y in range(0, _SIDE, _FRESH)
        for x in range(labels.shape[1] - _SIDE, labels.shape[1], _FRESH)
    ]


def score(model: str | Path, samples: list[Sample]) -> Scores:
    """Score a model on images."""
    loaded = load_model(model)
    found = [loaded.segment(sample.image) for sample in samples]
    return evaluate([sample.labels for sample in samples], found)


def fine_tune(sample: Sample, folder: Path, options: argparse.Namespace) -> Path:
    """Fine-tune a model on one image; return its file."""
    output = folder / f"{sample.sample_id}.unetnuclei"
    settings = TrainingSettings(
        epochs=max(1, options.steps // _STEPS_PER_EPOCH),
        steps_per_epoch=_STEPS_PER_EPOCH,
        batch_size=options.batch_size,
        seed=options.seed,
    )
    exhaust(iter_training([sample], output, settings, start=options.start))
    return output


def compare(look: Look, ways: list[str], options: argparse.Namespace) -> None:
    """Print the rows of one look."""
    side = options.side
    image, labels = draw_look(look, options.seed, (side, side + _SIDE))
    fresh = cut_fresh(image, labels)
    first = score(options.start, fresh)
    print(
        f"| {look}, {options.start} | | {first.ap[0.5]:.3f} | {first.dsb2018:.3f} | |"
    )
    whole = compact_labels(labels[:, :side])[0]
    gain = None
    for how, n in [("all", whole.max()), *product(ways, options.nuclei)]:
        painted = paint(whole, how, n)
        counts = count_annotation(painted)
        sample = Sample(f"{look}-{how}-{n}", image[:, :side], painted)
        with tempfile.TemporaryDirectory() as folder:
            scores = score(fine_tune(sample, Path(folder), options), fresh)
        gained = scores.dsb2018 - first.dsb2018
        gain = gained if gain is None else gain
        part = f"{gained / gain:.0%}" if gain > 0 else "–"
        print(
            f"| … {how} | {counts.n_nuclei} nuclei, {counts.part:.0%} of the pixels | "
            f"{scores.ap[0.5]:.3f} | {scores.dsb2018:.3f} | {part} |",
            flush=True,
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--looks", nargs="+", type=Look, default=_LOOKS)
    parser.add_argument("--ways", nargs="+", default=["rings", "area", "background"])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--nuclei", nargs="+", type=int, default=[15])
    parser.add_argument("--side", type=int, default=_SIDE, help="in px, 1024 or more")
    parser.add_argument("--start", default="resnet")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("| look, painted | counts | AP50 | DSB2018 | of the gain |")
    print("| --- | --- | --- | --- | --- |")
    for look in options.looks:
        compare(look, options.ways, options)


if __name__ == "__main__":
    main()
