"""Options of ``segment``: what the table of nuclei says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

from napari_unet_nuclei.cli.option_groups import setting_option
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import OutputFormat
from napari_unet_nuclei.core.settings.measurements import (
    PIXELS,
    MeasurementSettings,
    parse_measurements,
    parse_ring,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_setting = partial(setting_option, MeasurementSettings)


@dataclass(frozen=True, kw_only=True)
class MeasurementOptions:
    """What is measured of nuclei beside the usual columns."""

    measure: Annotated[
        str | None,
        _setting("what", "area, diameter, centroid, mean intensity", metavar="LIST"),
    ] = None
    ring: Annotated[
        str | None, _setting("ring", "none", metavar="WIDTH, such as 2um or 5px")
    ] = None

    def make_settings(self, formats: Sequence[OutputFormat]) -> MeasurementSettings:
        """Return the settings that were chosen.

        Raises
        ------
        SettingsError
            If one of them cannot be understood, or there is no table for the columns.
        """
        what = () if self.measure is None else parse_measurements(self.measure)
        ring, unit = (None, PIXELS) if self.ring is None else parse_ring(self.ring)
        settings = MeasurementSettings(what=what, ring=ring, ring_unit=unit)
        if settings and OutputFormat.FEATURES not in formats:
            raise SettingsError(
                "Expected --format with features, the table that --measure and --ring "
                f"add columns to. Received: {','.join(formats)}; add features to it."
            )
        return settings
