"""Contact sheets of many kinds of images: what is found before a change, and after.

Usage: python benchmarks/looks.py -o FOLDER [BEFORE [AFTER]] [--kinds WORD ...]
           [--data stage1_train.zip split.json:val] [--labs FOLDER] [--n-each 2]

BEFORE and AFTER are names or files of models, or the .npz of an earlier run, which
each run leaves in FOLDER.  Nothing is set: every image is segmented as it is.  Writes
a sheet for each kind (image, before, after), an overview and a table of scores where
the truth is known.  ``--data`` and ``--labs`` add images of data sets.
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from look_kinds import Look, iter_looks
from look_samples import iter_dsb2018, iter_labs
from matplotlib.figure import Figure

from napari_unet_nuclei import SegmentationSettings, load_model
from napari_unet_nuclei.core.drawing.overlays import enlarge, find_outlines, stretch
from napari_unet_nuclei.core.evaluation.scores import evaluate_image
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.instances.diameter import confidence
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.stacks import iter_segmentation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_unet_nuclei import Model

FOUND = (255, 210, 40)
SIDE = 700  # px, what images are enlarged to at most
COLUMNS = 8


class Found(NamedTuple):
    """What came of an image."""

    labels: NDArray[np.int32]
    confidence: float
    seconds: float


class Run:
    """The results of a model, or those of an earlier run."""

    def __init__(self, source: str) -> None:
        self.name = Path(source).stem
        self._model: Model | None = None
        self._found: dict[str, Found] = {}
        if source.endswith(".npz"):
            with np.load(source) as stored:
                for key in stored.files:
                    if not key.endswith("|"):
                        self._found[key] = Found(stored[key], *stored[f"{key}|"])
        else:
            self._model = load_model(source)

    def segment(self, look: Look) -> Found | None:
        """Return what is found, or None where an earlier run had no such image."""
        if self._model is not None:
            self._found[look.name] = segment(self._model, look)
        return self._found.get(look.name)

    def save(self, folder: Path, number: int) -> None:
        """Write labels, confidence and seconds, unless they come from a file."""
        if self._model is None:
            return
        arrays: dict[str, NDArray] = {}
        for name, found in self._found.items():
            arrays[name] = found.labels
            arrays[f"{name}|"] = np.array([found.confidence, found.seconds])
        np.savez_compressed(folder / f"{number}-{self.name}.npz", **arrays)


def segment(model: Model, look: Look) -> Found:
    """Segment an image as it is."""
    start = time.perf_counter()
    stack = PlaneStack(look.image, None, None)
    steps = iter_segmentation(model, stack, SegmentationSettings(), keeps_maps=True)
    result = exhaust(steps)
    seconds = time.perf_counter() - start
    return Found(result.labels, confidence(result.maps[0]), seconds)


def row(look: Look, found: Found | None) -> str:
    """Spell count, confidence and scores, for a table or a title."""
    if found is None:
        return "– | – | – | – | –"
    n_found = int(found.labels.max())
    ap50 = dice = "–"
    if look.truth is not None and look.truth.any():
        scores = evaluate_image(look.truth, found.labels)
        ap50, dice = f"{scores.ap[0.5]:.2f}", f"{scores.dice:.2f}"
    return f"{n_found} | {found.confidence:.2f} | {ap50} | {dice} | {found.seconds:.2f}"


def n_true(look: Look) -> str:
    """Spell how many nuclei there are."""
    return "?" if look.truth is None else str(np.count_nonzero(np.unique(look.truth)))


def outlined(look: Look, found: Found | None) -> NDArray[np.uint8]:
    """Draw what was found on an enlarged image."""
    zoom = max(1, SIDE // max(look.image.shape[:2]))
    picture = enlarge(as_seen(look), zoom)
    if found is not None:
        picture[find_outlines(enlarge(found.labels, zoom), width=min(zoom, 2))] = FOUND
    return picture


def as_seen(look: Look) -> NDArray[np.uint8]:
    """Picture of an image; in full contrast where it is grey."""
    if look.image.ndim == 3 and look.image.dtype == np.uint8:
        return look.image[..., :3].copy()
    return stretch(look.image)


def draw_sheet(path: Path, look: Look, runs: dict[str, Found | None]) -> None:
    """Write an image beside what each run found in it."""
    pictures = {f"{look.name}: {n_true(look)} nuclei": outlined(look, None)}
    for name, found in runs.items():
        n_found, sure, ap50, dice, _ = row(look, found).split(" | ")
        title = f"{name}: {n_found}, confidence {sure}, AP50 {ap50}, Dice {dice}"
        pictures[title] = outlined(look, found)
    figure = Figure(figsize=(6 * len(pictures), 6.3), dpi=100, layout="constrained")
    axes = figure.subplots(1, len(pictures))
    for each, (title, picture) in zip(axes, pictures.items(), strict=True):
        each.imshow(picture)
        each.set_title(title, fontsize=11)
        each.set_axis_off()
    figure.savefig(path)


def draw_overview(path: Path, tiles: list[tuple[str, list[NDArray[np.uint8]]]]) -> None:
    """Write small pictures of all images, what each run found one below the other."""
    n_runs = len(tiles[0][1])
    n_rows = -(-len(tiles) // COLUMNS)
    figure = Figure(figsize=(2.2 * COLUMNS, 2.4 * n_rows * n_runs), dpi=110)
    grid = figure.subplots(n_rows * n_runs, COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for index, (title, pictures) in enumerate(tiles):
        for number, picture in enumerate(pictures):
            axes = grid[index // COLUMNS * n_runs + number, index % COLUMNS]
            axes.imshow(picture)
            axes.set_title(title if number == 0 else "", fontsize=8)
    figure.subplots_adjust(0, 0, 1, 0.98, 0.02, 0.1)
    figure.savefig(path)


def looks_of(arguments: argparse.Namespace) -> Iterator[Look]:
    """Make and read the images that were asked for."""
    n_each = arguments.n_each
    sources = [iter_looks()]
    if arguments.data:
        sources.append(iter_dsb2018(*arguments.data, n_each))
    if arguments.labs:
        sources.append(iter_labs(arguments.labs, "val", n_each))
    for look in itertools.chain(*sources):
        if not arguments.kinds or any(word in look.name for word in arguments.kinds):
            yield look


def main() -> None:
    """Write the sheets and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="*", default=["resnet"], metavar="BEFORE AFTER")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--kinds", nargs="+", help="words of the kinds to take")
    parser.add_argument("--data", nargs=2, metavar=("DSB2018", "FILE:PART"))
    parser.add_argument("--labs", type=Path, help="folder of sets with split.json")
    parser.add_argument("--n-each", type=int, default=2, help="samples of a look")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    runs = [Run(source) for source in arguments.runs]
    print("| kind | nuclei |" + " found | confidence | AP50 | Dice | s |" * len(runs))
    print("| --- | --- |" + " --- |" * 5 * len(runs))
    tiles = []
    for number, look in enumerate(looks_of(arguments), 1):
        found = {f"{i}. {run.name}": run.segment(look) for i, run in enumerate(runs, 1)}
        rows = " | ".join(row(look, each) for each in found.values())
        print(f"| {look.name} | {n_true(look)} | {rows} |", flush=True)
        name = look.name.replace(" ", "_").replace("&", "").replace(",", "")
        draw_sheet(arguments.output / f"{number:02}_{name}.png", look, found)
        pictures = [outlined(look, each)[::2, ::2] for each in found.values()]
        tiles.append((f"{number} {look.name}", pictures))
    draw_overview(arguments.output / "overview.png", tiles)
    for number, run in enumerate(runs, 1):
        run.save(arguments.output, number)


if __name__ == "__main__":
    main()
