"""Nuclei of the tissue sample that were marked by eye, against what is found.

Usage: python benchmarks/demo_counts.py [--models NAME ...] [--inputs NAME ...]
                                        [--picture FILE]

Five crops of scikit-image's immunohistochemistry, 128 px wide; nothing is set but
what the row says.  Prints for each crop how many nuclei are found, and how
many of those marked are alone in a label: pieces and clumps can add up to the right
number.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_unet_nuclei import SegmentationSettings, Stain, load_model
from napari_unet_nuclei.core.datasets.examples import COUNTED_CROPS, EXAMPLE_IMAGES
from napari_unet_nuclei.core.drawing.overlays import enlarge, find_outlines

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Centres in px as (column, row) from the corner of the crop, marked on crops enlarged
# eight times.  What was too pale to be sure of is left out; what an edge cuts counts
# where its centre is inside.
MARKED = {
    (230, 215): (
        "59,9 91,10 25,22 6,28 51,24 59,26 82,22 83,30 106,12 121,31 46,35 55,41 75,39 "
        "80,49 119,41 14,47 27,43 16,55 24,58 71,62 102,60 121,64 108,72 12,68 14,78 "
        "26,90 7,122 51,119 63,106 76,112 86,111 94,111 108,109 121,115 100,124 124,18"
    ),
    (350, 160): (
        "28,8 34,31 63,6 66,28 68,41 78,39 79,52 59,46 21,42 19,56 27,67 13,75 50,76 "
        "58,78 44,94 36,102 19,94 9,104 21,111 56,116 49,124 82,99 108,98 86,122 108,4 "
        "112,20 111,56 114,78 96,108 114,34 84,82"
    ),
    (384, 384): (
        "80,5 41,26 23,46 8,48 99,36 106,34 115,41 126,41 118,80 123,101 109,119 "
        "69,119 33,114 2,92 89,90 31,4"
    ),
    (128, 384): (
        "29,16 64,19 70,38 35,36 58,51 50,70 50,85 49,100 38,110 9,121 109,14 88,35 "
        "114,41 125,34 85,54 92,73 100,106 72,116 123,106 114,122 126,69 126,16"
    ),
    (320, 256): (
        "23,15 36,22 11,31 44,22 54,21 67,19 79,26 58,34 71,38 88,41 103,34 109,47 "
        "30,41 51,48 74,55 89,56 16,51 114,65 63,59 94,72 18,64 11,73 12,89 104,90 "
        "117,84 18,108 96,105 114,116 45,122 90,124 118,19"
    ),
}
EXAMPLE = EXAMPLE_IMAGES["immunohistochemistry"]()
INPUTS = {
    "nothing set": SegmentationSettings(),
    "RGB": SegmentationSettings(stain=Stain.NONE),
    "stain he": SegmentationSettings(stain=Stain.HE),
    "stain hdab": SegmentationSettings(stain=Stain.HDAB),
    "as in the demo": EXAMPLE.settings,
}


def marked_centres(corner: tuple[int, int]) -> NDArray[np.intp]:
    """Rows and columns in the image of what is marked in a crop: (N, 2)."""
    pairs = [pair.split(",") for pair in MARKED[corner].split()]
    return np.array(pairs, int)[:, ::-1] + corner


def n_alone(labels: NDArray[np.int32], centres: NDArray[np.intp]) -> int:
    """Count the centres that lie in a label with no other centre in it."""
    numbers = labels[tuple(centres.T)]
    _, counts = np.unique(numbers[numbers > 0], return_counts=True)
    return int(np.count_nonzero(counts == 1))


def draw(
    image: NDArray[np.uint8], labels: NDArray[np.int32], zoom: int = 5
) -> NDArray[np.uint8]:
    """Draw what was found, and what is marked, in the crops side by side."""
    crops = []
    for counted in COUNTED_CROPS:
        part = counted.window
        picture = enlarge(image[part], zoom)
        picture[find_outlines(enlarge(labels[part], zoom))] = (255, 235, 0)
        top, left = counted.corner
        for row, column in (marked_centres(counted.corner) - (top, left)) * zoom:
            picture[row : row + 6, column : column + 6] = (255, 0, 0)
        crops.append(picture)
    return np.concatenate(crops, axis=1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", default=["resnet", "classic"])
    parser.add_argument("--inputs", nargs="+", choices=INPUTS, default=[*INPUTS])
    parser.add_argument("--picture", help="PNG of the last row, with what is marked")
    arguments = parser.parse_args()
    print("| model | input | in each crop | within 20 % | marked, alone in a label |")
    print("| --- | --- | --- | --- | --- |")
    counts = [crop.n_nuclei for crop in COUNTED_CROPS]
    print(f"| by eye | | {counts} | | {sum(counts)} |")
    for name in arguments.models:
        model = load_model(name)
        for title in arguments.inputs:
            labels = model.segment(EXAMPLE.image, INPUTS[title])
            found = [crop.count(labels) for crop in COUNTED_CROPS]
            n_near = sum(
                abs(n / true - 1) <= 0.2 for n, true in zip(found, counts, strict=True)
            )
            alone = [
                n_alone(labels, marked_centres(crop.corner)) for crop in COUNTED_CROPS
            ]
            print(
                f"| `{name}` | {title} | {found} | {n_near} of {len(found)} "
                f"| {sum(alone)}: {alone} |",
                flush=True,
            )
    if arguments.picture:
        Image.fromarray(draw(EXAMPLE.image, labels)).save(arguments.picture)


if __name__ == "__main__":
    main()
