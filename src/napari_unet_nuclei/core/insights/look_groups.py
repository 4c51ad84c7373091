"""Groups of annotated images by what they look like, to hold whole groups out.

The rules are few and fixed, so that a group means the same in every run and a new
image finds its group without the others.  They were drawn from DSB2018 and three sets
of other labs; where an image comes from is not looked at, as few files say it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.images.single_colour import single_colour_as_grey
from napari_unet_nuclei.core.images.staining import Staining
from napari_unet_nuclei.core.instances.labels import label_areas

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample

_HAZY = 0.07  # background of the range; of cultures it is .05 as a rule
_TINTED = 0.87  # background of stained images; empty slides are brighter
_LARGE = 35.0  # px
_BLURRED = 6.0  # px; sharp rims take 4 to 5
_CROWDED = 0.12  # of the pixels
_SMALL = 18.0  # px


class LookGroup(StrEnum):
    """Kinds of images."""

    PURPLE_TISSUE = "purple-tissue"
    STAINED_CELLS = "stained-cells"
    GREY_BRIGHT = "grey-bright"
    HAZY_SECTIONS = "hazy-sections"
    LARGE_BLURRED = "large-blurred"
    CROWDED_CULTURES = "crowded-cultures"
    SMALL_SPARSE = "small-sparse"
    OTHER_CULTURES = "other-cultures"


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """What an annotated image looks like.

    Parameters
    ----------
    staining : Staining
        Stained or greyscale, dark or bright.
    diameter : float, in px
        Median diameter of the nuclei, of discs with the same areas; 0 without any.
    coverage : float in [0, 1]
        Part of the pixels that lie in nuclei.
    background : float in [0, 1]
        Median intensity between the nuclei, of the normalised image.
    edge_width : float, in px
        Contrast of nuclei divided by the typical slope at their rims.
    """

    staining: Staining
    diameter: float
    coverage: float
    background: float
    edge_width: float

    @property
    def group(self) -> LookGroup:
        """The first group whose rule fits."""
        match self.staining:
            case Staining.STAINED_BRIGHT | Staining.STAINED_DARK:
                is_tinted = self.background < _TINTED
                return LookGroup.PURPLE_TISSUE if is_tinted else LookGroup.STAINED_CELLS
            case Staining.GRAYSCALE_BRIGHT:
                return LookGroup.GREY_BRIGHT
        if self.background >= _HAZY:
            return LookGroup.HAZY_SECTIONS
        if self.diameter >= _LARGE and self.edge_width >= _BLURRED:
            return LookGroup.LARGE_BLURRED
        if self.coverage >= _CROWDED:
            return LookGroup.CROWDED_CULTURES
        is_small = self.diameter < _SMALL
        return LookGroup.SMALL_SPARSE if is_small else LookGroup.OTHER_CULTURES


def measure_appearance(sample: Sample) -> Appearance:
    """Measure what an annotated image looks like.

    Parameters
    ----------
    sample : Sample
        Image and labels.

    Returns
    -------
    Appearance
        Its features, and the group that follows from them.
    """
    channels = single_colour_as_grey(to_channels(sample.image))
    grey = normalise(channels, intensity_limits(channels)).mean(axis=-1)
    inside = sample.labels > 0
    areas = label_areas(sample.labels)[1]
    background = float(np.median(grey[~inside])) if not inside.all() else 0.0
    return Appearance(
        staining=sample.staining,
        diameter=float(2 * np.sqrt(np.median(areas) / np.pi)) if areas.size else 0.0,
        coverage=float(inside.mean()),
        background=background,
        edge_width=_edge_width(grey, inside, background),
    )


def _edge_width(
    grey: NDArray[np.float32], inside: NDArray[np.bool_], background: float
) -> float:
    """Divide the contrast of nuclei by the slope at their rims."""
    rim = ndimage.binary_dilation(inside) & ~ndimage.binary_erosion(inside)
    if not rim.any():
        return 0.0
    slope = float(np.median(ndimage.gaussian_gradient_magnitude(grey, 1)[rim]))
    contrast = abs(float(np.median(grey[inside])) - background)
    return contrast / slope if slope > 0 else 0.0
