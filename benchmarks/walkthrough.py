"""What it takes to correct all mistakes of ten images: our tools, and napari's alone.

Usage: python benchmarks/walkthrough.py stage1_train.zip dsb2018_split.json:val
           [--model resnet] [--shape 0.5] [--log]

*Images.* Those with 5 to 15 mistakes after segmentation with default settings: merged,
split, missed and spurious nuclei as in core/evaluation/mistakes.py. Sorted by their
name, every second of them is taken, until there are ten.

*Aim.* Zero mistakes by the matching of the evaluation: each true nucleus has a found
one with an IoU above .5, and no other one is left. ``--shape`` asks for more of each
nucleus that is added.

*Hands.* A script that knows the truth corrects each image twice in a labels layer of
napari (walk_hands.py, walk_bare.py): merged nuclei are cut, parts of one are joined,
what matches nothing is deleted, what is missing is added; what is wrong after that, in
further rounds. Most that is wrong beside the mistakes has an IoU below .5.

- *Ours*: Delete by a click; Merge by a stroke (clicks where the stroke would touch
  others); Split by a stroke along the true border; Add by a click, or straight across
  what is round, or by an outline, over others if they hold more than a quarter. Nobody
  foresees what a click or a cut will give: what is not good is undone (Ctrl+Z), drawn
  instead, and all of that is counted. After two clicks in vain in a row, the missing
  nuclei of an image are drawn at once.
- *napari alone*: bucket with label 0 to delete; picker and bucket to join; an eraser of
  1 px along the true border and the bucket for one half to cut; for what is missing the
  cheapest of a dab with the brush, a stroke with it, and a polygon. The script foresees
  which of these is good enough. Gaps between joined parts, and the line that the eraser
  leaves, are accepted.

What is drawn or dabbed aims at an IoU .15 above what is asked for. Both ways take tools
by keys, and do corrections of a kind in a row.

*Actions* are clicks (label picks among them), strokes, and presses of keys.

*Seconds* follow the keystroke-level model [1]_: .2 s for a key, 1.1 s to point, .1 s to
press or release a button, 1.35 s to think before each correction, and for a line .9 s
for each straight part and .16 s for each cm, in an image whose longer side is 20 cm on
the screen. An outline is the polygon with the fewest corners that is good enough. What
the tools compute is measured and added, without drawing on the screen. Nobody was
watched: the model leaves out zooming, searching and slips, for both ways alike.

.. [1] Card, Moran & Newell, The keystroke-level model for user performance time with
       interactive systems.  https://doi.org/10.1145/358886.358895
"""

from __future__ import annotations

import argparse
import os
import platform
import weakref
from typing import TYPE_CHECKING

import numpy as np

os.environ["NAPARI_CONFIG"] = ""  # nobody's own settings

from doubt_cases import Case, iter_cases
from napari.components import ViewerModel
from walk_bare import BareTools
from walk_effort import Effort
from walk_hands import Hands, OurTools
from walk_mistakes import Cut, find_wrong, iou, plan_cuts

from napari_unet_nuclei import load_model
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.splits import read_split
from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate
from napari_unet_nuclei.core.evaluation.mistakes import find_mistakes
from napari_unet_nuclei.core.evaluation.scores import evaluate_image
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.shared.result_maps import ResultMaps, remember_maps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LEAST, MOST, N_IMAGES = 5, 15, 10
ROUNDS = 6
COLUMNS = (
    *("image", "staining", "nuclei", "mistakes", "way", "corrections", "clicks"),
    *("of these picks", "strokes", "px", "keys", "undone", "actions a nucleus"),
    *("actions a mistake", "seconds", "seconds a nucleus", "seconds a mistake"),
    *("of it computing", "mean IoU"),
)


def choose(cases: Iterable[Case]) -> Iterator[Case]:
    """Choose images by the number of mistakes in them."""
    chosen = sorted(
        (case for case in cases if LEAST <= count_mistakes(case) <= MOST),
        key=lambda case: case.name,
    )
    yield from chosen[::2][:N_IMAGES]


def count_mistakes(case: Case) -> int:
    """Count merged, split, missed and spurious nuclei."""
    return len(case.wrong) + len(case.missed)


def prepare(case: Case, model: str, way: type[Hands], shape: float) -> Hands:
    """Open an image and its nuclei in napari."""
    viewer = ViewerModel()
    image = viewer.add_image(case.image, rgb=case.image.ndim == 3)
    layer = viewer.add_labels(case.labels.copy())
    maps = ResultMaps(
        maps=[case.maps],
        splitting=load_model(model).config.splitting,
        settings=SegmentationSettings(),
        axes="YX",
        leading_shape=(),
        image_ref=weakref.ref(image),
    )
    remember_maps(layer, maps)
    return way(viewer, layer, case.truth, shape)


def correct_all(hands: Hands) -> None:
    """Correct until nothing is wrong.

    Raises
    ------
    RuntimeError
        If something still is, after many rounds.
    """
    truth = hands.truth
    for _ in range(ROUNDS):
        wrong = find_wrong(truth, hands.labels)
        if wrong.is_perfect:
            break
        cuts: list[Cut] = []
        for number, true in wrong.merged.items():
            cuts += plan_cuts(truth, hands.labels, number, true)
        hands.split(cuts)
        for number, parts in find_wrong(truth, hands.labels).split.items():
            hands.merge(number, parts)
        hands.delete(find_wrong(truth, hands.labels).unmatched_found)
        for number in find_wrong(truth, hands.labels).unmatched_true:
            hands.add(number)
    mistakes = find_mistakes(cross_tabulate(truth, hands.labels))
    scores = evaluate_image(truth, hands.labels)
    if scores.fp[0] or scores.fn[0] or any(vars(mistakes.counts).values()):
        raise RuntimeError(f"Mistakes are left: {mistakes}, {hands.log}")


def mean_iou(hands: Hands) -> float:
    """Return the mean IoU of the true nuclei with those found in the end."""
    ious = []
    for number in np.unique(hands.truth[hands.truth > 0]):
        mask = hands.truth == number
        found = np.bincount(hands.labels[mask])[1:].argmax() + 1
        ious.append(iou(mask, hands.labels == found))
    return float(np.mean(ious))


def row(
    name: str, kind: str, n_nuclei: int, n_mistakes: int, way: str, effort: Effort
) -> list[str]:
    """Return the cells of a row, but for the last."""
    seconds = effort.seconds + effort.computing
    return [
        *(name, kind, str(n_nuclei), str(n_mistakes), way, str(effort.mistakes)),
        *(str(effort.clicks), str(effort.picks), str(effort.strokes)),
        *(f"{effort.stroke_px:.0f}", str(effort.keys), str(effort.undone)),
        *(f"{effort.actions / n_nuclei:.2f}", f"{effort.actions / n_mistakes:.1f}"),
        *(f"{seconds:.0f}", f"{seconds / n_nuclei:.2f}"),
        *(f"{seconds / n_mistakes:.1f}", f"{effort.computing:.2f}"),
    ]


def show(cells: Iterable[str]) -> None:
    """Print a row."""
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("split", help="FILE:PART")
    parser.add_argument("--model", default="resnet")
    parser.add_argument("--shape", type=float, default=0.5, help="least IoU when added")
    parser.add_argument("--log", action="store_true", help="tell what failed")
    arguments = parser.parse_args()
    source = open_samples(arguments.data)
    samples = (source.read_sample(each) for each in read_split(arguments.split))
    done: dict[str, list[tuple[Effort, float]]] = {}
    chosen = list(choose(iter_cases(samples, arguments.model)))
    print(f"{platform.machine()}, {os.cpu_count()} processors.\n")
    show(COLUMNS)
    show(["---"] * len(COLUMNS))
    for case in chosen:
        for way in (OurTools, BareTools):
            hands = prepare(case, arguments.model, way, arguments.shape)
            correct_all(hands)
            done.setdefault(way.name, []).append((hands.effort, mean_iou(hands)))
            about = (case.name[:8], case.kind, *counts_of([case]), way.name)
            show([*row(*about, hands.effort), f"{mean_iou(hands):.3f}"])
            if arguments.log:
                print(*(f"  {line}" for line in hands.log), sep="\n")
    for name, results in done.items():
        efforts, ious = zip(*results, strict=True)
        cells = row("all", "", *counts_of(chosen), name, sum(efforts, Effort()))
        show([*cells, f"{np.mean(ious):.3f}"])


def counts_of(cases: list[Case]) -> tuple[int, int]:
    """Count the true nuclei and the mistakes of some images."""
    n_nuclei = sum(np.unique(case.truth).size - 1 for case in cases)
    return n_nuclei, sum(map(count_mistakes, cases))


if __name__ == "__main__":
    main()
