"""What the segment widget runs: the network once, the splitting often.

Arrays and settings only: layers belong in ``layers`` and ``result_layers``,
threads in ``workers``.  The heavy modules are imported by the functions that use
them, so that opening the widget stays fast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.progress import (
    PlaneDone,
    PlaneMeasured,
    Preparing,
    TileDone,
)
from napari_unet_nuclei.plugin.segment.absence import iter_absence
from napari_unet_nuclei.plugin.segment.measuring import iter_measured
from napari_unet_nuclei.plugin.segment.region_run import join_nuclei

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.images.nuclear_signal import Window
    from napari_unet_nuclei.core.instances.depths import KeptDepths
    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.instances.measurements import Features
    from napari_unet_nuclei.core.segmentation.levels import Pyramid
    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.segmentation.plausibility import Doubt
    from napari_unet_nuclei.core.settings.choices import Stain
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
    from napari_unet_nuclei.plugin.segment.absence import Absence
    from napari_unet_nuclei.plugin.segment.request import SegmentationRequest
    from napari_unet_nuclei.plugin.segment.warm_model import WarmModel

SplittingStep = PlaneDone | PlaneMeasured | Preparing
SegmentationStep = TileDone | SplittingStep

_UNTIL_SPLIT, _UNTIL_MEASURED = 0.8, 0.9  # parts of the time of a run


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageMaps:
    """Output of the network for an image; kept while its labels are shown.

    Parameters
    ----------
    stack : PlaneStack
        Planes of the image, or the only one that was asked for; of a region its window.
    maps : list of Maps
        One for each plane.
    model : Model
        The network.
    request : SegmentationRequest
        What was asked for.
    seconds : float
        Time the network took.
    confidence : float in [0, 1]
        How confident it was.
    signal : Stain
        What of most planes it saw.
    """

    stack: PlaneStack
    maps: list[Maps]
    model: Model
    request: SegmentationRequest
    seconds: float
    confidence: float
    signal: Stain

    @cached_property
    def depths(self) -> KeptDepths:
        """Depths inside nuclei, which no slider changes."""
        from napari_unet_nuclei.core.instances.depths import KeptDepths

        return KeptDepths(self.maps)


@dataclass(frozen=True, kw_only=True, eq=False)
class Nuclei:
    """Labels and their measurements.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of int32
        Nuclei numbered from 1, 0 = background; with leading axes of length 1 where a
        single plane of a stack was asked for.
    features : dict of str to (N,) ndarray
        One row for each nucleus, by ascending label.
    copy : (…, Y, X) ndarray of int32
        A copy of the labels, made in the worker, for the layer that the user paints in.
    settings : SegmentationSettings
        What they were found with; the threshold is never ``None``.
    absence : Absence, optional
        Why there are none.
    doubts : tuple of Doubt
        What should be checked where there are any.
    n_in_region : int, optional
        How many were found in the region, where only that was segmented.
    """

    labels: NDArray[np.int32]
    features: Features
    copy: NDArray[np.int32]
    settings: SegmentationSettings
    absence: Absence | None = None
    doubts: tuple[Doubt, ...] = ()
    n_in_region: int | None = None

    @property
    def n_nuclei(self) -> int:
        """Nuclei in all planes."""
        return len(self.features["label"])


def fraction_done(step: SegmentationStep) -> float | None:
    """Return which part of a run is done after a step of it.

    Parameters
    ----------
    step : TileDone, PlaneDone, PlaneMeasured or Preparing
        What `iter_segmentation` yields.

    Returns
    -------
    float in [0, 1], or None
        It never falls from one step to a later one; ``None`` for no change.
    """
    match step:
        case TileDone():
            return _UNTIL_SPLIT * step.fraction
        case PlaneDone():
            return _UNTIL_SPLIT + (_UNTIL_MEASURED - _UNTIL_SPLIT) * step.fraction
        case PlaneMeasured():
            return _UNTIL_MEASURED + (1 - _UNTIL_MEASURED) * step.fraction
        case Preparing():
            return None


def iter_segmentation(
    request: SegmentationRequest, models: WarmModel
) -> Generator[SegmentationStep, None, tuple[ImageMaps, Nuclei]]:
    """Find the nuclei of an image, tile by tile, then plane by plane.

    Parameters
    ----------
    request : SegmentationRequest
        Image, model and settings.
    models : WarmModel
        Where the model comes from and stays.

    Yields
    ------
    Preparing
        Before the model is loaded or the image is read, and after.
    TileDone, PlaneDone, PlaneMeasured
        After each tile that is seen, and each plane that is split and measured.

    Returns
    -------
    ImageMaps and Nuclei
        Output of the network, to split again, and what the settings make of it.

    Raises
    ------
    UNetNucleiError
        If image, model or settings cannot be used.
    """
    from napari_unet_nuclei.core.segmentation import stacks

    stack = _planes_of(request)
    if not models.is_warm(request.model):
        yield Preparing("Loading the model")
    model = models.load(request.model)
    if request.pyramid is not None and request.level is None:
        request = yield from _iter_level(model, request, request.pyramid)
        stack = _planes_of(request)
    if not isinstance(request.image, np.ndarray):
        yield Preparing("Reading the image")
    if request.plane is not None or not stack.leading_shape:
        stack = stack.only(request.plane or ())  # others are read plane by plane
    if not stack.leading_shape:
        yield Preparing("Finding nuclei")
    found = yield from stacks.iter_segmentation(
        *(model, stack, request.own_settings(request.settings)),
        keeps_maps=True,
        spacing=request.own_spacing,
        frame=_frame_of(request),
    )
    image_maps = ImageMaps(
        stack=stack,
        maps=found.maps,
        model=model,
        request=request,
        seconds=found.seconds,
        confidence=found.confidence,
        signal=found.signal,
    )
    nuclei = yield from _iter_nuclei(image_maps, found.labels, request.settings)
    return image_maps, nuclei


def _iter_level(
    model: Model, request: SegmentationRequest, pyramid: Pyramid
) -> Generator[Preparing, None, SegmentationRequest]:
    """Choose at which resolution the image is segmented."""
    from napari_unet_nuclei.core.segmentation.levels import iter_level

    level = yield from iter_level(
        *(model, pyramid, request.settings),
        channel=request.channel,
        plane=request.plane,
    )
    return request.at_level(level)


def _planes_of(request: SegmentationRequest) -> PlaneStack:
    """Return the planes of the image, or of the window of a region."""
    from napari_unet_nuclei.core.images.axes import PlaneStack

    image = request.image
    if request.region is not None:
        image = request.region.cut(image, request.axes)
    return PlaneStack(image, request.axes, request.channel)


def _frame_of(request: SegmentationRequest) -> tuple[PlaneStack, Window] | None:
    """Return the whole image of a region, unless all of it would have to be read."""
    from napari_unet_nuclei.core.images.axes import PlaneStack

    if request.region is None or not isinstance(request.image, np.ndarray):
        return None
    whole = PlaneStack(request.image, request.axes, request.channel)
    if request.plane is not None or not whole.leading_shape:
        whole = whole.only(request.plane or ())
    return whole, request.region.region.window


def iter_split(
    image_maps: ImageMaps, settings: SegmentationSettings
) -> Generator[SplittingStep, None, Nuclei]:
    """Turn maps into labels and measure them.

    Parameters
    ----------
    image_maps : ImageMaps
        Output of the network.
    settings : SegmentationSettings
        Threshold, the model's own if it is ``None``, and smallest area.

    Yields
    ------
    PlaneDone, PlaneMeasured
        After each plane, so that a newer request can replace this one.
    Preparing
        If there are no nuclei, while looking for the reason.

    Returns
    -------
    Nuclei
        Labels, measurements and the settings with the threshold filled in.
    """
    from napari_unet_nuclei.core.segmentation import stacks

    model, stack = image_maps.model, image_maps.stack
    own = image_maps.request.own_settings(settings)
    labels = yield from stacks.iter_split(
        *(model, stack, image_maps.maps, own, image_maps.depths),
        spacing=image_maps.request.own_spacing,
    )
    return (yield from _iter_nuclei(image_maps, labels, settings))


def _iter_nuclei(
    image_maps: ImageMaps, labels: NDArray[np.int32], settings: SegmentationSettings
) -> Generator[PlaneMeasured | Preparing, None, Nuclei]:
    """Measure and doubt nuclei; where there are none, look for the reason."""
    from napari_unet_nuclei.core.segmentation.plausibility import find_doubts

    if settings.threshold is None:
        own = image_maps.model.config.splitting.threshold
        settings = replace(settings, threshold=own)
    features = yield from iter_measured(image_maps, labels)
    absence = None
    if not features["label"].size:
        wanted = image_maps.request.own_settings(settings)
        absence = yield from iter_absence(image_maps, wanted)
    scales = [maps.scale for maps in image_maps.maps]
    areas = [features["area"]] if len(scales) == 1 else None  # saves counting anew
    doubts = find_doubts(labels, scales, image_maps.confidence, areas=areas)
    if image_maps.request.plane is not None:
        labels = labels.reshape(*(1 for _ in image_maps.request.plane), *labels.shape)
    n_in_region = None
    if (run := image_maps.request.region) is not None:
        labels, features, n_in_region = join_nuclei(run, image_maps, labels, features)
    return Nuclei(
        labels=labels,
        features=features,
        copy=labels.copy(),
        settings=settings,
        absence=absence,
        doubts=doubts,
        n_in_region=n_in_region,
    )
