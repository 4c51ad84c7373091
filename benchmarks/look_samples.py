"""Annotated images of data sets, a few of each look, for ``benchmarks/looks.py``.

DSB2018 by staining, colour and the size of nuclei; folders of other labs by the
beginning of the names.  What is drawn or bundled belongs in ``look_kinds``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from look_kinds import Look

from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.splits import read_split
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import fine_detail, intensity_limits
from napari_unet_nuclei.core.images.staining import Staining

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample

_SMALL, _LARGE = 14, 34  # px, median diameter
_BLURRED = 0.04  # fine detail


def iter_dsb2018(data: str, split: str, n_each: int) -> Iterator[Look]:
    """Read the first images of each look.

    Parameters
    ----------
    data, split : str
        DSB2018 zip or folder, and ``FILE:PART`` with the samples to take.
    n_each : int
        Images of a look at most.

    Yields
    ------
    Look
        Named after the look and a number.
    """
    source = open_samples(data)
    n_found: dict[str, int] = {}
    for sample_id in read_split(split):
        sample = source.read_sample(sample_id)
        name = _name_look(sample)
        n_found[name] = n_found.get(name, 0) + 1
        if n_found[name] <= n_each:
            yield Look(f"DSB2018 {name} {n_found[name]}", sample.image, sample.labels)


def iter_labs(folder: Path, part: str, n_each: int) -> Iterator[Look]:
    """Read the first images of each set, and of each kind of image in it.

    Parameters
    ----------
    folder : Path
        Folder with a data set in each subfolder and ``split.json``, which lists the
        ids of each part of each set.
    part : str
        Part to take, such as ``"val"``.
    n_each : int
        Images of a kind at most; the last piece of a name counts them.

    Yields
    ------
    Look
        Named after the set and the id.
    """
    split = json.loads((folder / "split.json").read_text(encoding="utf-8"))
    for name, parts in split.items():
        source = open_samples(folder / name)
        n_found: dict[str, int] = {}
        for sample_id in parts[part]:
            kind = sample_id.rpartition("_")[0]
            n_found[kind] = n_found.get(kind, 0) + 1
            if n_found[kind] <= n_each:
                sample = source.read_sample(sample_id)
                yield Look(f"{name} {sample_id}", sample.image, sample.labels)


def _name_look(sample: Sample) -> str:
    kind = sample.staining
    if kind is Staining.STAINED_BRIGHT:
        red, green, blue = sample.image[..., :3].reshape(-1, 3).mean(axis=0)
        return "purple" if blue > red + 8 else "pink" if red > green + 8 else "pale"
    if kind is Staining.GRAYSCALE_BRIGHT:
        return "bright"
    areas = np.bincount(sample.labels.ravel())[1:]
    diameter = 2 * np.sqrt(np.median(areas[areas > 0]) / np.pi)
    channels = to_channels(sample.image)
    if fine_detail(channels, intensity_limits(channels)) < _BLURRED:
        return "dark, blurred"
    if diameter < _SMALL:
        return "dark, small"
    return "dark, large" if diameter > _LARGE else "dark, medium"
