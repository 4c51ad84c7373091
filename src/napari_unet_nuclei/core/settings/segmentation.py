"""How nuclei are found in maps: what a user can choose, checked on creation.

Every default lives here once; the widgets and the command line read it from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet_nuclei.core.errors import SettingsError

_MIN_AREA_SEEN = 30  # px²; see docs/experiments.md


@dataclass(frozen=True, kw_only=True)
class SegmentationSettings:
    """How maps become labels.

    Parameters
    ----------
    threshold : float in (0, 1), optional
        Foreground probability above which a pixel belongs to a nucleus;
        ``None`` takes the model's own.
    min_area : int, in px², optional
        Nuclei smaller than this are dropped.  ``None`` takes 30 px² of what the
        network saw: less where the image was enlarged for it, more where shrunk.
    diameter : float, in px, optional
        Typical diameter of the nuclei in this image; the image is rescaled so
        that it meets the diameter the model was trained for.  ``None`` rescales
        where the nuclei turn out much larger or smaller than that.
    tta : bool
        Average the maps over the eight flips and quarter turns of the image, or
        those of them that the network was trained with: better, and as many times
        slower.
    """

    threshold: float | None = None
    min_area: int | None = None
    diameter: float | None = None
    tta: bool = False

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise SettingsError(
                "The threshold must lie between 0 and 1, both excluded. "
                "Received: {threshold}",
                threshold=self.threshold,
            )
        if self.min_area is not None and self.min_area < 0:
            raise SettingsError(
                "The minimum area must be 0 px² or more. Received: {min_area}",
                min_area=self.min_area,
            )
        if self.diameter is not None and not 2 <= self.diameter <= 2000:
            raise SettingsError(
                "The nucleus diameter must lie between 2 and 2000 px. "
                "Received: {diameter}",
                diameter=self.diameter,
            )

    def smallest_area(self, scale: float = 1.0) -> int:
        """Area under which nuclei are dropped.

        Parameters
        ----------
        scale : float
            How much larger the network saw the image than it is.

        Returns
        -------
        int, in px² of the image
            What was asked for, else the default at that scale.
        """
        if self.min_area is not None:
            return self.min_area
        return round(_MIN_AREA_SEEN / scale**2)
