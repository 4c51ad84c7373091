"""What a run of the segment widget is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet_nuclei.core.images.lazy import ArrayLike
    from napari_unet_nuclei.core.segmentation.levels import Pyramid
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
    from napari_unet_nuclei.plugin.segment.region_run import RegionRun


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentationRequest:
    """Everything a run needs to know.

    Parameters
    ----------
    image : array_like
        Pixels; an array of Dask, Zarr or HDF5 is read when the run begins.
    axes : str
        Its axes, such as ``"YX"``, ``"YXC"`` or ``"ZYX"``.
    model : str
        Name or path of a model.
    settings : SegmentationSettings
        Threshold, smallest area, diameter, flips and stain.
    channel : int, optional
        Channel that shows the nuclei, where there is a choice.
    plane : tuple of int, optional
        Place of the only plane to segment, along each axis before Y and X.
    region : RegionRun, optional
        The only part of each plane to segment, and the nuclei that are there.
    pyramid : Pyramid, optional
        The image at several resolutions, where there are several.
    level : int, optional
        The one of them that ``image`` is; ``None`` lets the run choose.
    spacing : float, optional
        Distance between depths, in px of the finest resolution.
    """

    image: ArrayLike
    axes: str
    model: str
    settings: SegmentationSettings
    channel: int | None = None
    plane: tuple[int, ...] | None = None
    region: RegionRun | None = None
    pyramid: Pyramid | None = None
    level: int | None = None
    spacing: float | None = None

    @property
    def source(self) -> ArrayLike:
        """The image at its finest resolution."""
        return self.image if self.pyramid is None else self.pyramid.levels[0]

    @property
    def factors(self) -> tuple[float, float]:
        """Height and width of a pixel, in px of the finest resolution."""
        if self.pyramid is None:
            return 1.0, 1.0
        return self.pyramid.factors(self.level or 0)

    @property
    def pixel_side(self) -> float:
        """Side of a square as large as a pixel, in px of the finest resolution."""
        return math.sqrt(math.prod(self.factors))

    @property
    def own_spacing(self) -> float | None:
        """Distance between depths, in px of ``image``."""
        return self.spacing and self.spacing / self.pixel_side

    def at_level(self, level: int) -> SegmentationRequest:
        """Return the same for one of the resolutions, from 0, the finest."""
        if self.pyramid is None:
            return self
        return replace(self, image=self.pyramid.levels[level], level=level)

    def own_settings(self, settings: SegmentationSettings) -> SegmentationSettings:
        """Return settings in pixels of the finest resolution in those of ``image``."""
        if self.pyramid is None:
            return settings
        return self.pyramid.settings_at(self.level or 0, settings)
