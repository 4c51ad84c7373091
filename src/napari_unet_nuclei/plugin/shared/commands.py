"""What a widget does, as a line for the command line.

The options themselves are defined in ``cli``; here they are only written out.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.settings.choices import Link, Stain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings


def segment_command(
    image_path: str,
    model: str,
    settings: SegmentationSettings,
    axes: str,
    channel: int | None = None,
) -> str:
    """Write the command that finds the same nuclei again.

    Parameters
    ----------
    image_path : str
        File of the image.
    model : str
        Name or path of the model.
    settings : SegmentationSettings
        What the nuclei were found with.
    axes : str
        Axes of the image; left out where they are clear from the file.
    channel : int, optional
        Channel that was segmented.

    Returns
    -------
    str
        A line to paste into a terminal.
    """
    words = ["napari-unet-nuclei", "segment", image_path, "-o", "nuclei"]
    words += ["--model", model]
    words += _splitting_words(settings)
    if settings.diameter is not None:
        words += ["--diameter", f"{settings.diameter:g}"]
    if settings.tta:
        words.append("--tta")
    if settings.stain is not Stain.AUTO:
        words += ["--stain", settings.stain.value]
    if settings.link is not Link.NONE:
        words += ["--link", settings.link.value]
    if settings.min_planes is not None:
        words += ["--min-planes", str(settings.min_planes)]
    if axes not in ("YX", "YXC") or channel is not None:
        words += ["--axes", axes]
    if channel is not None:
        words += ["--channel", str(channel)]
    return _join(words)


def _splitting_words(settings: SegmentationSettings) -> list[str]:
    """Write the options of what splits maps."""
    words = []
    if settings.min_area is not None:
        words += ["--min-area", str(settings.min_area)]
    if settings.max_area is not None:
        words += ["--max-area", str(settings.max_area)]
    if settings.threshold is not None:
        words += ["--threshold", f"{settings.threshold:g}"]
    if settings.separation is not None:
        words += ["--separation", f"{settings.separation:g}"]
    if settings.drop_border:
        words.append("--drop-border")
    if not settings.smooth:
        words.append("--no-smooth")
    return words


def fine_tune_arguments(
    data: Sequence[Path], output: Path, start: Path, minutes: float
) -> list[str]:
    """Write the command that fine-tunes a model in a child process.

    Parameters
    ----------
    data : sequence of Path
        Data sets, such as folders with ``images`` and ``labels``.
    output : Path
        Model to write.
    start : Path
        Model to start from.
    minutes : float
        Time to train.

    Returns
    -------
    list of str
        Program and arguments; progress comes as JSON lines, and the process ends
        when its standard input is closed.
    """
    return [
        *(sys.executable, "-m", "napari_unet_nuclei", "train", *map(str, data)),
        *("-o", str(output), "--from", str(start), "--minutes", f"{minutes:g}"),
        # Short epochs: the first score, and the first better weights, come soon.
        *("--steps-per-epoch", "25", "--only-better"),
        *("--events", "jsonl", "--stop-with-stdin"),
    ]


def _join(words: Sequence[str]) -> str:
    if sys.platform == "win32":
        return subprocess.list2cmdline(words)
    return shlex.join(words)
