"""How large nuclei are that a model learns, and at which scale it is shown them.

A model that knows nuclei of 20 px sees those of 80 px at a quarter of their size.
Trained at full scale, it would spend its time on learning their size anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.images.rescaling import rescale
from napari_unet_nuclei.core.images.single_colour import single_colour_as_grey
from napari_unet_nuclei.core.instances.diameter import annotated_diameter
from napari_unet_nuclei.core.segmentation.scale_policy import DEFAULT_SCALE_POLICY
from napari_unet_nuclei.core.training.crops.batches import typical_diameter
from napari_unet_nuclei.core.training.mixture import DataMixture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.models.bundle import ModelBundle
    from napari_unet_nuclei.core.settings.training import TrainingSettings

_SAME_SIZE = 1.5
"""Factor within which nuclei of two images are of one size."""
_LEAST_OF_ONE_SIZE = 0.75
"""Part of the images whose nuclei have to be of one size."""
_SCALES = (1 / 8, 2.0)
"""Limits; enlarged more than that, images show nothing new and need much memory."""


@dataclass(frozen=True, kw_only=True)
class NucleusSizes:
    """How large nuclei are for a model, as :class:`ModelConfig` has it.

    Parameters
    ----------
    diameter, estimated_diameter : float and float, in px, optional
        What it knows in general.
    image_diameter, image_scale : float, in px, and float, optional
        Nuclei in the images that it is tuned on, as they are, and the scale at which
        it sees them; ``None`` where these are what it knows in general.
    """

    diameter: float
    estimated_diameter: float | None
    image_diameter: float | None = None
    image_scale: float | None = None


def measure_sizes(
    data: DataMixture, settings: TrainingSettings, start: ModelBundle | None
) -> NucleusSizes:
    """Measure annotated nuclei, and choose the scale at which they are learned.

    Parameters
    ----------
    data : DataMixture
        The annotated images.
    settings : TrainingSettings
        Says whether images are rescaled, and whether the start is replayed.
    start : ModelBundle, optional
        Model that training starts from.

    Returns
    -------
    NucleusSizes
        Sizes as annotated where there is no start, where nuclei of different images
        have not one size, and for several data sets, which may come from different
        microscopes.  Otherwise images have a scale of their own, and where the start
        is replayed, the model goes on to know what that knew.

    Raises
    ------
    TrainingError
        If there is no nucleus.
    """
    diameter = typical_diameter(data.samples)
    estimated = annotated_diameter(sample.labels for sample in data.samples)
    is_one_lab = data.is_single and _are_of_one_size(data.samples, diameter)
    if start is None or not is_one_lab:
        return NucleusSizes(diameter=diameter, estimated_diameter=estimated)
    scale = 1.0
    if settings.rescale:
        scale = _choose_scale(diameter, start.config.diameter)
    known = start.config.diameter, start.config.estimated_diameter
    if not settings.replay:
        known = (
            round(diameter * scale, 1),
            None if estimated is None else round(estimated * scale, 1),
        )
    return NucleusSizes(
        diameter=known[0],
        estimated_diameter=known[1],
        image_diameter=estimated or diameter,
        image_scale=scale,
    )


def _are_of_one_size(samples: Sequence[Sample], diameter: float) -> bool:
    """Whether nuclei of most images are about as large as those of all together."""
    factors = [
        abs(math.log(typical_diameter([sample]) / diameter))
        for sample in samples
        if (sample.labels > 0).any()
    ]
    is_same = np.array(factors) <= math.log(_SAME_SIZE)
    return bool(is_same.mean() >= _LEAST_OF_ONE_SIZE)


def _choose_scale(diameter: float, known: float) -> float:
    """Return 1 where a network sees nuclei well as they are."""
    policy = DEFAULT_SCALE_POLICY
    if policy.small <= diameter / known <= policy.large:
        return 1.0
    return min(max(known / diameter, _SCALES[0]), _SCALES[1])


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
