"""Grey copies of stained images: the nuclei in them as two grey images more.

A network that has seen them reads an image whose stains were separated, and depends
less on the colours of one lab.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from skimage.color import rgb2hed

from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.staining import Staining, staining
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
        for sample in samples
        if staining(sample.image) is Staining.STAINED_BRIGHT
        for name, copy in _make_copies(sample.image).items()
    ]


def _make_copies(image: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    """Separate the stains of an image.

    References
    ----------
    Ruifrok, Johnston: Quantification of histochemical staining by color deconvolution,
    Analytical and Quantitative Cytology and Histology 23, 2001
    """
    rgb = to_channels(image).astype(np.float32)
    brightest = 255.0 if image.dtype == np.uint8 else float(rgb.max())
    rgb /= brightest
    darkest = np.float32(1 / brightest) if image.dtype.kind in "ui" else 1 / 255
    density = -np.log10(np.maximum(rgb[..., 0], darkest))
    hematoxylin = np.maximum(rgb2hed(rgb)[..., 0], 0)
    return {
        "hematoxylin": hematoxylin.astype(np.float32),
        "red": density.astype(np.float32),
    }
