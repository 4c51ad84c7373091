"""How scores hold up when the same images come in another form.

Usage: python benchmarks/robustness.py stage1_train.zip split.json:val
                                       [--models NAME ...] [--variants NAME ...]

Prints a row per model and variant: enlarged, shrunk, inverted, dimmed, blue only,
12 bits in 16.  Truth is enlarged and shrunk with the image; nothing tells the model
what was done.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from napari_unet_nuclei import load_model
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.splits import read_split
from napari_unet_nuclei.core.evaluation.scores import evaluate_image, summarise
from napari_unet_nuclei.core.images.staining import Staining

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class Variant(NamedTuple):
    """Another form of an image, and how much larger its nuclei are."""

    change: Callable[[NDArray[np.uint8]], NDArray[np.generic]]
    scale: float = 1.0
    only_grey: bool = False


def _resized(scale: float) -> Variant:
    return Variant(
        lambda image: resize(image, scale, Image.Resampling.BICUBIC), scale=scale
    )


def resize(pixels: NDArray, scale: float, how: Image.Resampling) -> NDArray:
    """Bring a picture or labels to another size."""
    picture = Image.fromarray(pixels)
    size = (max(1, round(side * scale)) for side in picture.size)
    return np.asarray(picture.resize(tuple(size), how))


def _blue_only(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    blue = np.zeros((*image.shape[:2], 3), np.uint8)
    blue[..., 2] = image if image.ndim == 2 else image[..., :3].max(axis=-1)
    return blue


VARIANTS = {
    "as it is": Variant(lambda image: image),
    "x3": _resized(3),
    "x2": _resized(2),
    "x1.5": _resized(1.5),
    "x0.75": _resized(0.75),
    "x0.5": _resized(0.5),
    "inverted": Variant(lambda image: 255 - image[..., :3]),
    "dimmed to a tenth, float": Variant(lambda image: image.astype(np.float32) / 10),
    "dimmed to a tenth, 8 bits": Variant(lambda image: image // 10),
    "12 bits in 16": Variant(lambda image: image.astype(np.uint16) << 4),
    "blue only": Variant(_blue_only, only_grey=True),
    "as it is, grey dark": Variant(lambda image: image, only_grey=True),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data")
    parser.add_argument("split", help="FILE:PART")
    parser.add_argument("--models", nargs="+", default=["classic", "resnet"])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=[*VARIANTS])
    arguments = parser.parse_args()
    source = open_samples(arguments.data)
    samples = [source.read_sample(i) for i in read_split(arguments.split)]
    grey_dark = [s.staining is Staining.GRAYSCALE_DARK for s in samples]
    print("| model | images | DSB2018 | AP50 | Dice |")
    print("| --- | --- | --- | --- | --- |")
    for name in arguments.models:
        model = load_model(name)
        for variant_name in arguments.variants:
            variant = VARIANTS[variant_name]
            scores = []
            for sample, is_grey in zip(samples, grey_dark, strict=True):
                if variant.only_grey and not is_grey:
                    continue
                labels = model.segment(variant.change(sample.image))
                truth = resize(sample.labels, variant.scale, Image.Resampling.NEAREST)
                scores.append(evaluate_image(truth, labels))
            total = summarise(scores)
            print(
                f"| `{name}` | {variant_name} | {total.dsb2018:.3f} "
                f"| {total.ap[0.5]:.3f} | {total.dice:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
