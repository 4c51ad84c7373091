"""The images with the worst scores: named, and drawn with their mistakes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.cli.reporting import output

if TYPE_CHECKING:
    from napari_unet_nuclei.core.datasets.label_collections import LabelCollection
    from napari_unet_nuclei.core.evaluation.comparison import ImageCompared


def show_worst(
    images: Sequence[ImageCompared],
    collections: tuple[LabelCollection, LabelCollection],
    folder: Path,
) -> None:
    """Say what is wrong with some images and draw them, the worst first."""
    if not images:
        return
    from napari_unet_nuclei.core.drawing.figures import write_figure
    from napari_unet_nuclei.core.evaluation.comparison import read_pair
    from napari_unet_nuclei.core.evaluation.figures import draw_comparison

    for rank, image in enumerate(images, start=1):
        scores, mistakes = image.scores, image.mistakes.counts
        output.print(
            f"{image.name}: DSB2018 {scores.dsb2018:.3f}, {scores.n_true} nuclei, "
            f"{scores.n_predicted} found, {scores.tp[0]} of them right; "
            f"{mistakes.merges} merged, {mistakes.splits} split, {mistakes.misses} "
            f"missed, {mistakes.spurious} spurious",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        figure = draw_comparison(read_pair(*collections, image.name), image)
        write_figure(folder / _picture_name(rank, image.name), figure)
    output.print(f"Pictures are in {folder}", highlight=False, soft_wrap=True)


def _picture_name(rank: int, name: str) -> str:
    """Name of a picture: a csv may hold ids that are no file names."""
    from napari_unet_nuclei.core.drawing.overlays import OVERLAY_ENDING

    safe = re.sub(r"[^-.\w]", "_", name)[:60]
    return f"{rank:03d}_{safe}{OVERLAY_ENDING}.png"


def is_picture(name: str) -> bool:
    """Whether a picture may have this name, on disks that ignore case too."""
    from napari_unet_nuclei.core.drawing.overlays import OVERLAY_ENDING

    pattern = rf"\d{{3,}}_.*{OVERLAY_ENDING}\.png"
    return re.fullmatch(pattern, name, re.IGNORECASE | re.DOTALL) is not None
