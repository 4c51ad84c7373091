"""Two models on one image: both run in a worker, and what differs becomes a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.layers import Labels

from napari_unet_nuclei.core.evaluation.difference import (
    Agreement,
    Difference,
    find_difference,
)
from napari_unet_nuclei.core.progress import Preparing
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.shared.layers import labels_layer_metadata
from napari_unet_nuclei.plugin.shared.placement import place_labels

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.layers import Image

    from napari_unet_nuclei.core.images.lazy import ArrayLike

_COLOURS = {
    None: "transparent",
    0: "transparent",
    int(Agreement.BOTH): "#7f8c8d",
    int(Agreement.ONLY_FIRST): "#e69f00",
    int(Agreement.ONLY_SECOND): "#56b4e9",
    int(Agreement.CUT_DIFFERENTLY): "#cc79a7",
}
"""Colours that people who see no red or green can distinguish
(doi:10.1038/nmeth.1618)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ComparisonRequest:
    """What to compare.

    Parameters
    ----------
    image : array_like
        Pixels of the image.
    axes : str
        Its axes.
    channel : int, optional
        Channel that shows the nuclei.
    first, second : str
        Names or paths of the models.
    """

    image: ArrayLike
    axes: str
    channel: int | None
    first: str
    second: str


def iter_comparison(
    request: ComparisonRequest,
) -> Generator[Preparing, None, Difference]:
    """Segment an image with two models, each with its own threshold.

    Parameters
    ----------
    request : ComparisonRequest
        What to compare.

    Yields
    ------
    Preparing
        Before each of them.

    Returns
    -------
    Difference
        Where they differ.

    Raises
    ------
    ImageError, ModelError, EngineError, SettingsError
        If the image or a model cannot be used.
    """
    from napari_unet_nuclei.core.segmentation.model import load_model

    found = []
    for name in (request.first, request.second):
        model = load_model(name)
        yield Preparing(f"Finding nuclei with {model.name}")
        found.append(
            model.segment(
                request.image,
                SegmentationSettings(),
                axes=request.axes,
                channel=request.channel,
            )
        )
    yield Preparing("Comparing")
    return find_difference(*found)


def make_layer(
    difference: Difference, image: Image, request: ComparisonRequest
) -> Labels:
    """Make a layer that shows where two models differ.

    Parameters
    ----------
    difference : Difference
        Where they differ.
    image : napari.layers.Image
        The image.
    request : ComparisonRequest
        What was compared.

    Returns
    -------
    napari.layers.Labels
        Named after the models; its table says what each value means.
    """
    from napari.utils.colormaps import DirectLabelColormap

    drawn, placement = place_labels(
        image, difference.map, request.axes, request.channel, None
    )
    meanings = meanings_of(request)
    metadata: dict[str, Any] = labels_layer_metadata(
        image, derived_from=[request.first, request.second]
    )
    return Labels(
        drawn,
        name=f"{image.name}: {short(request.first)} and {short(request.second)}",
        colormap=DirectLabelColormap(color_dict=_COLOURS),
        features={"index": list(meanings), "nuclei": list(meanings.values())},
        metadata=metadata,
        opacity=0.6,
        **placement,
    )


def meanings_of(request: ComparisonRequest) -> dict[int, str]:
    """Say what each value of a difference means."""
    first, second = short(request.first), short(request.second)
    return {
        int(Agreement.BOTH): "both agree",
        int(Agreement.ONLY_FIRST): f"only {first}",
        int(Agreement.ONLY_SECOND): f"only {second}",
        int(Agreement.CUT_DIFFERENTLY): "both, cut differently",
    }


def describe_difference(difference: Difference, request: ComparisonRequest) -> str:
    """Say in a sentence how far two models agree."""
    first, second = short(request.first), short(request.second)
    return (
        f"Nuclei of both: {difference.n_both:,} (grey); only of {first}: "
        f"{difference.n_first:,} (orange); only of {second}: {difference.n_second:,} "
        "(blue). Where both see a nucleus but cut it differently, it is pink."
    )


def short(model: str) -> str:
    """Return the name of a model that may be given by its path."""
    from pathlib import PurePath

    path = PurePath(model)
    return path.stem if path.name != model else model
