"""Grey copies of stained images: the nuclei in them as two grey images more.

A network that has seen them reads an image whose stains were separated, and depends
less on the colours of one lab.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.cancellation import unless_cancelled
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.staining import Staining
from napari_unet_nuclei.core.images.stains import NuclearStain, red_density
from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.core.training.mixture import DataMixture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample


def add_grey_copies(data: DataMixture) -> DataMixture:
    """Add two grey copies of each stained image that is trained on, to its data set.

    Held-out images stay as they are, and the shares of the data sets too.

    Parameters
    ----------
    data : DataMixture
        Data sets to train on.

    Returns
    -------
    DataMixture
        The same sets with the copies behind their samples.
    """
    sets = [
        replace(each, samples=[*each.samples, *copy_stained(each.samples)])
        for each in data.sets
    ]
    return DataMixture(sets, data.shares)


def copy_stained(samples: Sequence[Sample]) -> list[Sample]:
    """Make grey copies of the samples that show stained tissue.

    Parameters
    ----------
    samples : sequence of Sample
        Images of any kind.

    Returns
    -------
    list of Sample
        Two for each bright image with colours: the amount of hematoxylin, and the
        optical density of red.  Both are bright where the nuclei are, as float32, with
        the labels of their image.
    """
    return [
        replace(sample, sample_id=f"{sample.sample_id} ({name})", image=copy)
        for sample in unless_cancelled(samples)
        if sample.staining is Staining.STAINED_BRIGHT
        for name, copy in _make_copies(sample.image).items()
    ]


def _make_copies(image: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    """Separate the dyes of an image, as for segmentation with ``stain="he"``."""
    channels = to_channels(image)
    hematoxylin = NuclearStain(channels, Stain.HE).show(channels)[..., 0]
    return {
        "hematoxylin": hematoxylin.astype(np.float32),
        "red": red_density(channels),
    }
