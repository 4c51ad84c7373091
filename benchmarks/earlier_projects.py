"""Dice of models as earlier projects measured it, beside the Dice of this one.

Usage: python benchmarks/earlier_projects.py stage1_train.zip split.json:val
       [--model resnet --model mine.unetnuclei] [--side 256] [--batch-size 16] [--tta]

They resize all images to one square and watch ``(2 sum(t p) + 1) / (sum(t) + sum(p)
+ 1)`` with sums over a batch, where t is the true mask and p the probability; the
mean over the batches is their figure.  Printed are that figure, the same with sums
over every pixel of all images at their own size, then with the nuclei that are found
in the place of p, and the mean of that over images, which is what ``evaluate`` prints.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei import evaluate, load_model
from napari_unet_nuclei.core.datasets.opening import (
    open_samples,
    read_good_samples,
    read_split,
)
from napari_unet_nuclei.core.images.rescaling import rescale
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.segmentation.model import Model


class Dice(NamedTuple):
    """One model's figures, each in [0, 1]."""

    batches: float
    pixels: float
    found: float
    images: float


def soft_dice(
    truth: Sequence[NDArray[np.bool_]], foreground: Sequence[NDArray[np.float32]]
) -> float:
    """Dice of the earlier projects, with sums over the pixels of all images.

    Parameters
    ----------
    truth : sequence of (Y, X) ndarray of bool
        Pixels that belong to nuclei.
    foreground : sequence of (Y, X) ndarray of float32, values in [0, 1]
        Probability of that, image by image.

    Returns
    -------
    float in [0, 1]
        1 where every probability is 0 or 1 and right.
    """
    both = sum(float(p[t].sum()) for t, p in zip(truth, foreground, strict=True))
    total = sum(int(t.sum()) for t in truth) + sum(float(p.sum()) for p in foreground)
    return (2 * both + 1) / (total + 1)


def measure(
    model: Model,
    samples: Sequence[Sample],
    *,
    side: int,
    batch_size: int,
    settings: SegmentationSettings,
) -> Dice:
    """Figures of a model, which sees each image as it does in ``segment``.

    Parameters
    ----------
    model : Model
        Any model of this package.
    samples : sequence of Sample
        Images it was not trained on.
    side : int, in px
        Square that true masks and probabilities are resized to for the batches.
    batch_size : int
        Images of a batch; the last may have fewer.
    settings : SegmentationSettings
        Whether to average over flips.

    Returns
    -------
    Dice
        The four figures.
    """
    labels = []
    foreground = []
    for sample in samples:
        maps = model.maps(sample.image, settings)
        foreground.append(maps.foreground)
        min_area = settings.smallest_area(maps.scale)
        labels.append(split_instances(maps, model.config.splitting, min_area=min_area))
    truth = [sample.labels > 0 for sample in samples]
    squares = [_resize(mask.astype(np.float32), side) > 0.5 for mask in truth]
    small = [_resize(probability, side) for probability in foreground]
    batches = [
        soft_dice(squares[i : i + batch_size], small[i : i + batch_size])
        for i in range(0, len(samples), batch_size)
    ]
    return Dice(
        batches=float(np.mean(batches)),
        pixels=soft_dice(truth, foreground),
        found=soft_dice(truth, [(each > 0).astype(np.float32) for each in labels]),
        images=evaluate([sample.labels for sample in samples], labels).dice,
    )


def _resize(plane: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    return rescale(plane[..., np.newaxis], (side, side))[..., 0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", help="data set with labels")
    parser.add_argument("split", metavar="FILE:PART", help="images to measure on")
    parser.add_argument("--model", action="append", help="name or file, repeatable")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--tta", action="store_true")
    arguments = parser.parse_args()
    source = open_samples(arguments.data)
    samples, problems = read_good_samples(source, read_split(arguments.split))
    for problem in problems:
        print(f"Left out: {problem.reason}")
    n_images, side = len(samples), arguments.side
    print(
        f"| model, {n_images} images | batches of {arguments.batch_size} at {side} px "
        "| all pixels | all pixels, found | mean of images, found |"
    )
    print("| --- | --- | --- | --- | --- |")
    for name in arguments.model or ("classic", "resnet"):
        dice = measure(
            load_model(name),
            samples,
            side=side,
            batch_size=arguments.batch_size,
            settings=SegmentationSettings(tta=arguments.tta),
        )
        print(
            f"| `{name}`{', 8 flips' if arguments.tta else ''} | "
            + " | ".join(f"{figure:.4f}" for figure in dice)
            + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
