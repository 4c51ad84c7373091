"""Why no nuclei were found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.progress import Preparing, map_steps

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
    from napari_unet_nuclei.plugin.segment.segmentation import ImageMaps

    _Count = Generator[Preparing, None, int]


@dataclass(frozen=True, kw_only=True)
class Absence:
    """What an image without nuclei holds.

    Parameters
    ----------
    is_even : bool
        Whether the pixels of each plane have the same value, except for a few.
    n_small : int
        Nuclei that are left out only because they are small, where none is too large
        or at the border.
    n_unwanted : int
        Nuclei that are left out as too large or at the border.
    n_pale : int
        Those of stained tissue that are left out as none is darker than its
        surroundings, where no other explains it.
    highest : float in [0, 1]
        Highest foreground probability of a pixel.
    """

    is_even: bool
    n_small: int
    n_unwanted: int
    n_pale: int
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
    seeking = Preparing("No nuclei: looking for the reason")

    def iter_count(maps: Sequence[Maps], **changes: Any) -> _Count:
        steps = stacks.iter_split(
            image_maps.model, stack, maps, replace(settings, **changes)
        )
        labels = yield from map_steps(lambda _: seeking, steps)
        return int(labels.max(initial=0))

    n_small = n_unwanted = n_pale = 0
    if settings.max_area is not None or settings.drop_border:
        n_unwanted = yield from iter_count(maps, max_area=None, drop_border=False)
    if n_unwanted == 0:
        n_small = yield from iter_count(maps, min_area=0)
    if n_small == n_unwanted == 0 and any(each.darkness for each in maps):
        n_pale = yield from iter_count([each._replace(darkness=()) for each in maps])
    is_even = True
    for plane in stack:
        low, high = intensity_limits(to_channels(plane))
        if high > low:
            is_even = False
            break
        yield seeking
    return Absence(
        is_even=is_even,
        n_small=n_small,
        n_unwanted=n_unwanted,
        n_pale=n_pale,
        highest=max((float(each.foreground.max()) for each in maps), default=0.0),
    )
