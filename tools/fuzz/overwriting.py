"""Batches whose results lie among their images: no input may change.

A family of ``fuzz.py``.  Images, folders and data sets are drawn with a folder to
write to that is one of theirs, a link to it, or beside them; the network is left
out, everything else is what ``segment`` does.
"""

from __future__ import annotations

import json
import os
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from byte_mutations import Rng, pick
from folder_mutations import Tree, write_folder

from napari_unet_nuclei.core.batch.inputs import find_inputs
from napari_unet_nuclei.core.batch.planning import plan_outputs
from napari_unet_nuclei.core.batch.run import segment_images
from napari_unet_nuclei.core.models.bundle import ModelBundle
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.segmentation.model import Model
from napari_unet_nuclei.core.settings.choices import (
    Architecture,
    EngineName,
    OutputFormat,
)
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_MOST_IMAGES = 5  # in a folder, so that none takes long
_OPTIONS, _INPUT = "options.json", "in"
_RESULTS = ("_masks", "_overlay", "_nuclei")
_KEPT = (".png", ".tif", ".tiff", ".bmp", ".jpg")


class CornerEngine:
    """Stands for a runtime: sees a nucleus in the corner of every tile."""

    name = EngineName.AUTO
    description = "no engine"

    def predict(self, tiles: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return maps that show it."""
        maps = np.zeros(tiles.shape, np.float32)
        height, width = tiles.shape[1:3]
        maps[:, : height // 4, : width // 4, ::2] = 1  # foreground and distance
        return maps


NO_NETWORK = Model(
    ModelBundle(
        name="no network",
        config=ModelConfig(
            architecture=Architecture.CLASSIC, stride=16, margin=0, diameter=20
        ),
        weights={},
    ),
    CornerEngine(),
)
SETTINGS = SegmentationSettings(diameter=20, min_area=0)  # at its scale, each pixel


def make_run(trees: Sequence[Tree], folder: Path, rng: Rng) -> Path:
    """Write images or a data set, and the options of a batch over them."""
    case = folder / "case.run"
    source = write_folder(_arrange(pick(rng, trees), rng), case / _INPUT, rng)
    folders = [source, *(each for each in source.rglob("*") if each.is_dir())]
    files = [
        each
        for each in source.rglob("*")
        if each.suffix in _KEPT and each.is_file() and not each.is_symlink()
    ]
    inputs = [source] if rng.integers(3) else [pick(rng, [*folders, *files])]
    output = pick(rng, [*folders, source.parent, source / "new", source.parent / "out"])
    if not rng.integers(3) and output.is_dir():
        link = case / "link"
        link.symlink_to(output, target_is_directory=True)
        output = link
    if not rng.integers(4) and files:
        with suppress(PermissionError):  # some systems guard what may not be written
            os.link(pick(rng, files), case / "hard.tif")
            inputs.append(case / "hard.tif")
    formats = [kind for kind in OutputFormat if rng.integers(2)] or [OutputFormat.TIFF]
    options: dict[str, Any] = {
        "inputs": [os.path.relpath(path, case) for path in inputs],
        "output": os.path.relpath(output, case),
        "formats": formats,
        "way": pick(rng, ("", "overwrite", "skip_existing")),
    }
    (case / _OPTIONS).write_text(json.dumps(options), encoding="utf-8")
    return case


def _arrange(tree: Tree, rng: Rng) -> Tree:
    """Keep the layout of a data set, or put all images into one folder."""
    if rng.integers(2):
        return tree
    flat = {
        name.rsplit("/", 1)[-1]: content
        for name, content in tree.items()
        if name.lower().endswith(_KEPT)
    }
    names = sorted(flat)[:_MOST_IMAGES]
    flat = {name: flat[name] for name in names}
    if names and not rng.integers(3):  # names that results have
        ending = pick(rng, _RESULTS)
        stem, suffix = os.path.splitext(names[0])
        flat[f"{stem}{ending}{suffix}"] = flat[names[-1]]
    return flat


def run(case: Path) -> None:
    """Do a batch twice as it is said, and look whether any input has changed.

    Raises
    ------
    ArithmeticError
        If a file that was there before has changed or gone.
    UNetNucleiError
        If the batch is refused.
    """
    options = json.loads((case / _OPTIONS).read_text(encoding="utf-8"))
    inputs = [case / path for path in options["inputs"]]
    before = _contents(case)
    try:
        _segment(inputs, case / options["output"], options)
    finally:
        after = _contents(case)
        changed = [
            path
            for path, content in before.items()
            if after.get(path) != content
            and not (options["way"] == "overwrite" and _may_change(path, inputs))
        ]
        if changed:
            raise ArithmeticError(f"{changed[0]} is not what it was: {options}")


def _may_change(path: Path, inputs: Sequence[Path]) -> bool:
    """Whether a file is called like a result, or is none of what is segmented."""
    is_input = any(path == each or each in path.parents for each in inputs)
    return path.stem.endswith(_RESULTS) or not is_input


def _segment(inputs: list[Path], output: Path, options: dict[str, Any]) -> None:
    flags = {options["way"]: True} if options["way"] else {}
    formats = [OutputFormat(kind) for kind in options["formats"]]
    for _ in range(2):
        images = find_inputs(inputs)
        outputs = plan_outputs(images, output, formats, inputs, **flags)
        steps = segment_images(
            NO_NETWORK,
            outputs.missing(images),
            outputs,
            SETTINGS,
        )
        with closing(steps):
            for _done in steps:
                pass


def _contents(case: Path) -> dict[Path, bytes]:
    files = (path for path in sorted(case.rglob("*")) if path.is_file())
    return {path: path.read_bytes() for path in files}
