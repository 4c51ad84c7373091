"""Draw the pictures of the model card that show where the models fail.

Images that come with the package or scikit-image, or are drawn; what is found has a
yellow outline, what is true, where that is known, a blue one.  The second picture has
kinds of images for which the models are not made, and some they should know.

    python docs/make_failures.py
"""

from __future__ import annotations

import sys
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

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from look_kinds import iter_looks

IMAGES = Path(__file__).parent / "images"
KINDS = {
    "purple tissue": "Purple tissue: fibres outlined",
    "unequal brightness": "Unequal: dim nuclei missed",
    "saturated": "Saturated: missed, cut",
    "elongated": "Elongated: cut across, merged",
    "much noise": "Noise: missed, too small",
    "like a blood smear": "Blood smear: red cells outlined",
    "text": "Text: letters outlined",
    "gravel": "Photograph: gravel outlined",
}
CORNERS = {"elongated": (200, 40)}  # px, where the middle shows little
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


def find_strange() -> list[Failure]:
    """Segment images of kinds that the models do not know well, or not at all."""
    model = load_model("resnet")
    looks = {look.name: look for look in iter_looks() if look.name in KINDS}
    failures = []
    for name, title in KINDS.items():
        image, truth = looks[name].image, looks[name].truth
        found = model.segment(image)
        corner = CORNERS.get(name, [max(0, (n - SIDE) // 2) for n in image.shape[:2]])
        window = tuple(slice(start, start + SIDE) for start in corner)
        if truth is not None:
            truth = truth[window] if truth.any() else None
        failures.append(Failure(title, image[window], found[window], truth))
    return failures


def draw(failure: Failure, zoom: int = 3) -> NDArray[np.uint8]:
    """Draw outlines on an enlarged image."""
    picture = enlarge(stretch(failure.image), zoom)
    if failure.truth is not None:
        picture[find_outlines(enlarge(failure.truth, zoom), width=2)] = TRUE
    picture[find_outlines(enlarge(failure.found, zoom))] = FOUND
    return picture


def write(name: str, failures: list[Failure], n_columns: int) -> None:
    """Write the pictures of some failures, row by row."""
    n_rows = -(-len(failures) // n_columns)
    side = 12 / n_columns  # inches
    size = (12, 1.1 * side * n_rows)
    figure = Figure(figsize=size, dpi=90, layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False).flat
    for axes, failure in zip(grid, failures, strict=True):
        axes.imshow(draw(failure))
        axes.set_title(failure.title, fontsize=11)
        axes.set_axis_off()
    figure.savefig(IMAGES / name)


def main() -> None:
    """Draw the pictures."""
    write("failures.png", find_failures(), 3)
    write("other-kinds.png", find_strange(), 4)


if __name__ == "__main__":
    main()
