"""Options of ``segment``: how nuclei are found, and how images are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import typer

from napari_unet_nuclei.cli.option_groups import setting_option
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import Link, OutputFormat, Stain
from napari_unet_nuclei.core.settings.segmentation import (
    MIN_AREA_SEEN,
    SegmentationSettings,
)

_setting = partial(setting_option, SegmentationSettings)


@dataclass(frozen=True, kw_only=True)
class NucleiOptions:
    """How nuclei are found in the maps of a network."""

    threshold: Annotated[float | None, _setting("threshold", "the model's own")] = (
        SegmentationSettings.threshold
    )
    separation: Annotated[float | None, _setting("separation", "the model's own")] = (
        SegmentationSettings.separation
    )
    min_area: Annotated[
        int | None,
        _setting(
            "min_area",
            f"{MIN_AREA_SEEN}, less where an image was enlarged, more where it was "
            "shrunk",
            metavar="PX²",
        ),
    ] = SegmentationSettings.min_area
    max_area: Annotated[int | None, _setting("max_area", "no limit", metavar="PX²")] = (
        SegmentationSettings.max_area
    )
    drop_border: Annotated[bool, _setting("drop_border", flag="--drop-border")] = (
        SegmentationSettings.drop_border
    )
    smooth: Annotated[bool, _setting("smooth")] = SegmentationSettings.smooth
    diameter: Annotated[
        float | None,
        _setting(
            "diameter",
            "estimated in each image, and rescaled where it is far from what the model "
            "knows",
            metavar="PX",
        ),
    ] = SegmentationSettings.diameter
    tta: Annotated[bool, _setting("tta", flag="--tta")] = SegmentationSettings.tta
    stain: Annotated[
        Stain, _setting("stain", "auto, what the network is most confident of")
    ] = SegmentationSettings.stain
    link: Annotated[Link, _setting("link")] = SegmentationSettings.link
    min_planes: Annotated[
        int | None,
        _setting(
            "min_planes",
            "a quarter of those that nuclei typically stand in, and two at least; with "
            "--link t, 1",
            metavar="N",
        ),
    ] = SegmentationSettings.min_planes

    def make_settings(self) -> SegmentationSettings:
        """Return the settings that were chosen."""
        return SegmentationSettings(**vars(self))


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """What of a file is segmented."""

    axes: Annotated[
        str | None,
        typer.Option(
            help="Axes of each image, such as CYX.  [default: what its file says]"
        ),
    ] = None
    channel: Annotated[
        int | None, typer.Option(help="Channel that shows the nuclei, from 0.")
    ] = None
    spacing: Annotated[
        float | None,
        typer.Option(
            metavar="PX",
            help="Distance between depths in pixels, for --link z and maps.  [default: "
            "what the file says]",
            show_default=False,
        ),
    ] = None
    series: Annotated[
        str | None,
        typer.Option(
            metavar="N|all",
            help="Which image of files that hold several, from 0, or all of them.  "
            "[default: the largest]",
            show_default=False,
        ),
    ] = None

    def parse_series(self) -> int | Literal["all"] | None:
        """Turn the choice of an image in a file into its number."""
        if self.series is None:
            return None
        if self.series == "all":
            return "all"
        if not self.series.isdecimal():
            raise SettingsError(
                "Expected --series as a number from 0, or all. Received: "
                f"{self.series!r}; leave it out to take the largest image of each file."
            )
        return int(self.series)


def parse_formats(text: str) -> list[OutputFormat]:
    """Turn a list with commas into formats."""
    try:
        return list(
            dict.fromkeys(OutputFormat(word.strip()) for word in text.split(","))
        )
    except ValueError as error:
        raise SettingsError(
            f"The formats must be among {', '.join(OutputFormat)}. Received: {text!r}"
        ) from error
