"""Draw the picture of the model card that shows where the models fail.

Three images that come with the package or are drawn here; what is found has a
yellow outline, what is true, where that is known, a blue one.

    python docs/make_failures.py
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from scipy import ndimage

from napari_unet_nuclei import load_model
from napari_unet_nuclei.core.datasets.examples import EXAMPLE_IMAGES
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.drawing.overlays import enlarge, find_outlines, stretch

if TYPE_CHECKING:
    from numpy.typing import NDArray

TARGET = Path(__file__).parent / "images" / "failures.png"
SIDE = 160  # px
FOUND, TRUE = (255, 210, 40), (60, 150, 255)


class Failure(NamedTuple):
    """An image, what is known and found in it, and what to look at."""

    title: str
    image: NDArray[np.uint8]
    found: NDArray[np.int32]
    truth: NDArray[np.int32] | None = None


def find_failures() -> list[Failure]:
    """Segment three images that are hard."""
    model = load_model("resnet")
    dense, true_dense = draw_nuclei(11, (SIDE, SIDE), 90, diameter=17, touching=1)
    focus, true_focus = draw_nuclei(3, (SIDE, SIDE), 14, diameter=26, touching=0.8)
    noise = np.random.default_rng(0).normal(0, 4, focus.shape)
    blurred = ndimage.gaussian_filter(focus.astype(float), 5) + noise
    blurred = np.clip(blurred, 0, 255).astype(np.uint8)
    tissue = EXAMPLE_IMAGES["immunohistochemistry"]()
    in_tissue = model.segment(tissue.image, tissue.settings)
    gland = np.s_[330 : 330 + SIDE, 60 : 60 + SIDE]
    return [
        Failure("Dense clusters: some merged", dense, model.segment(dense), true_dense),
        Failure("Out of focus: merged", blurred, model.segment(blurred), true_focus),
        Failure(
            "Brown cytoplasm: missed, cut",
            tissue.image[gland],
            in_tissue[gland],
        ),
    ]


def draw(failure: Failure, zoom: int = 3) -> NDArray[np.uint8]:
    """Draw outlines on an enlarged image."""
    picture = enlarge(stretch(failure.image), zoom)
    if failure.truth is not None:
        picture[find_outlines(enlarge(failure.truth, zoom), width=2)] = TRUE
    picture[find_outlines(enlarge(failure.found, zoom))] = FOUND
    return picture


def main() -> None:
    """Draw the picture."""
    failures = find_failures()
    figure = Figure(figsize=(4 * len(failures), 4.4), dpi=90, layout="constrained")
    for axes, failure in zip(figure.subplots(1, len(failures)), failures, strict=True):
        axes.imshow(draw(failure))
        axes.set_title(failure.title, fontsize=11)
        axes.set_axis_off()
    figure.savefig(TARGET)


if __name__ == "__main__":
    main()
