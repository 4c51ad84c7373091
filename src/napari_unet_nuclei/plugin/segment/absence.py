"""Why no nuclei were found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.progress import Preparing, map_steps

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
    from napari_unet_nuclei.plugin.segment.segmentation import ImageMaps


@dataclass(frozen=True, kw_only=True)
class Absence:
    """What an image without nuclei holds.

    Parameters
    ----------
    is_even : bool
        Whether the pixels of each plane have the same value, except for a few.
    n_small : int
        Nuclei that are left out only because they are small.
    highest : float in [0, 1]
        Highest foreground probability of a pixel.
    """

    is_even: bool
    n_small: int
    highest: float


def iter_absence(
    image_maps: ImageMaps, settings: SegmentationSettings
) -> Generator[Preparing, None, Absence]:
    """Look for what explains that there are no nuclei.

    Parameters
    ----------
    image_maps : ImageMaps
        What the network said.
    settings : SegmentationSettings
        What no nuclei were found with.

    Yields
    ------
    Preparing
        While the reason is sought, so that a newer request can replace this one.

    Returns
    -------
    Absence
        The reason.
    """
    from napari_unet_nuclei.core.images.channels import to_channels
    from napari_unet_nuclei.core.images.intensity import intensity_limits
    from napari_unet_nuclei.core.segmentation import stacks

    stack, maps = image_maps.stack, image_maps.maps
    everything = replace(settings, min_area=0)
    seeking = Preparing("No nuclei: looking for the reason")
    labels = yield from map_steps(
        lambda _: seeking, stacks.iter_split(image_maps.model, stack, maps, everything)
    )
    is_even = True
    for plane in stack:
        low, high = intensity_limits(to_channels(plane))
        if high > low:
            is_even = False
            break
        yield seeking
    return Absence(
        is_even=is_even,
        n_small=int(labels.max(initial=0)),
        highest=max((float(each.foreground.max()) for each in maps), default=0.0),
    )
