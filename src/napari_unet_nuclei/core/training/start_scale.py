"""Annotated images at the scale at which the start model knows their nuclei.

A model that knows nuclei of 20 px segments those of 40 px at half scale.  Trained at
full scale, it would spend its time on learning their size anew.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.images.rescaling import rescale
from napari_unet_nuclei.core.images.single_colour import single_colour_as_grey
from napari_unet_nuclei.core.training.crops.batches import typical_diameter
from napari_unet_nuclei.core.training.mixture import DataMixture

if TYPE_CHECKING:
    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.models.bundle import ModelBundle
    from napari_unet_nuclei.core.settings.training import TrainingSettings

_SAME_SIZE = 1.5
"""Factor within which nuclei of two images are of one size."""
_LEAST_OF_ONE_SIZE = 0.75
"""Part of the images whose nuclei have to be of one size."""
_LEAST_CHANGE = 2 ** (1 / 8)
"""Less is not worth that all pixels are interpolated."""
_SCALES = (1 / 8, 2.0)
"""Limits; enlarged more than that, images show nothing new and need much memory."""


def find_start_scale(
    data: DataMixture, settings: TrainingSettings, start: ModelBundle | None
) -> float:
    """Say at which scale nuclei are as large as those that a start model knows.

    Parameters
    ----------
    data : DataMixture
        The annotated images.
    settings : TrainingSettings
        Says whether images are rescaled at all.
    start : ModelBundle, optional
        Model that training starts from.

    Returns
    -------
    float
        One scale for all images; 1 where there is no start, where nuclei have about
        its size, where those of different images have not one size, and for several
        data sets, which may come from different microscopes.

    Raises
    ------
    TrainingError
        If there is no nucleus.
    """
    if start is None or not settings.rescale or not data.is_single:
        return 1.0
    diameter = typical_diameter(data.samples)
    own = [
        abs(math.log(typical_diameter([sample]) / diameter))
        for sample in data.samples
        if (sample.labels > 0).any()
    ]
    if np.mean(np.array(own) <= math.log(_SAME_SIZE)) < _LEAST_OF_ONE_SIZE:
        return 1.0
    scale = start.config.diameter / diameter
    if 1 / _LEAST_CHANGE < scale < _LEAST_CHANGE:
        return 1.0
    return min(max(scale, _SCALES[0]), _SCALES[1])


def rescale_data(data: DataMixture, scale: float) -> DataMixture:
    """Bring the images that are trained on to a scale; held-out ones stay as they are.

    Parameters
    ----------
    data : DataMixture
        Data sets to train on.
    scale : float
        Factor of height and width.

    Returns
    -------
    DataMixture
        The same sets with rescaled samples; the same object where the scale is 1.
    """
    if scale == 1:
        return data
    sets = [
        replace(each, samples=[rescale_sample(s, scale) for s in each.samples])
        for each in data.sets
    ]
    return DataMixture(sets, data.shares)


def rescale_sample(sample: Sample, scale: float) -> Sample:
    """Bring one annotated image to a scale, as segmentation does.

    Parameters
    ----------
    sample : Sample
        Image and labels.
    scale : float
        Factor of height and width.

    Returns
    -------
    Sample
        Its image in three channels, normalised, float32; numbers of nuclei and what
        is not annotated are taken from the nearest pixel.
    """
    channels = single_colour_as_grey(to_channels(sample.image))
    channels = normalise(channels, intensity_limits(channels))
    height, width = (max(1, round(side * scale)) for side in sample.labels.shape)
    labels = Image.fromarray(np.ascontiguousarray(sample.labels, np.int32))
    return replace(
        sample,
        image=rescale(channels, (height, width)),
        labels=np.array(labels.resize((width, height), Image.Resampling.NEAREST)),
    )
