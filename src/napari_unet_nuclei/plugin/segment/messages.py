"""What the segment widget says.

Every sentence about a run or a result is made here; the sentences of errors belong to
the errors.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.linked_measurements import N_PLANES
from napari_unet_nuclei.core.progress import (
    PlaneDone,
    PlaneMeasured,
    Preparing,
    TileDone,
)
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_unet_nuclei.core.instances.corrections import Corrections
    from napari_unet_nuclei.plugin.segment.absence import Absence
    from napari_unet_nuclei.plugin.segment.request import SegmentationRequest
    from napari_unet_nuclei.plugin.segment.segmentation import (
        ImageMaps,
        Nuclei,
        SegmentationStep,
    )


def describe_progress(step: SegmentationStep) -> str:
    """Say how far a segmentation is.

    Parameters
    ----------
    step : TileDone, PlaneDone, PlaneMeasured or Preparing
        What is done, or about to be.

    Returns
    -------
    str
        Such as ``"Tile 3 of 16 …"``; empty where there is only one plane.
    """
    match step:
        case Preparing():
            return f"{step.what} …"
        case TileDone(n_done=0):
            return "Trying which colour shows the nuclei …"
        case TileDone():
            return f"Tile {step.n_done} of {step.n_total} …"
        case PlaneDone() if step.n_total > 1:
            return f"Plane {step.n_done} of {step.n_total} …"
        case PlaneMeasured() if step.n_total > 1:
            return f"Plane {step.n_done} of {step.n_total} measured …"
    return ""


def describe_nuclei(
    image_maps: ImageMaps, nuclei: Nuclei, pixel_area: float | None = None
) -> str:
    """Say how many nuclei there are, or why there are none.

    Parameters
    ----------
    image_maps : ImageMaps
        Output of the network.
    nuclei : Nuclei
        What the settings make of it.
    pixel_area : float, in µm², optional
        Area of a pixel.

    Returns
    -------
    str
        Such as ``"57 nuclei in 0.4 s · median diameter 21 px · OpenVINO bf16"``, and
        what is doubtful.
    """
    if nuclei.absence is not None:
        return _explain(nuclei.absence, image_maps, nuclei)
    engine = short_engine(image_maps.model.engine.description)
    where = "" if image_maps.request.plane is None else " in this plane"
    if nuclei.n_in_region is not None:
        where += f", {nuclei.n_in_region:,} of them in the region,"
    parts = [
        f"{_count(nuclei.n_nuclei)}{where} in {image_maps.seconds:.1f} s",
        *_name_doubts(nuclei),
        *_describe_diameter(nuclei, image_maps.request.pixel_side, pixel_area),
        engine,
        *_describe_level(image_maps.request),
    ]
    if image_maps.request.settings.diameter is None:
        parts += _describe_scales({maps.scale for maps in image_maps.maps})
    if image_maps.request.settings.stain is Stain.AUTO:
        parts += _describe_signals({maps.signal for maps in image_maps.maps})
    return " · ".join(parts)


def describe_details(image_maps: ImageMaps, nuclei: Nuclei) -> str:
    """Say what should be checked and why, and what evaluated the network.

    Parameters
    ----------
    image_maps : ImageMaps
        Output of the network.
    nuclei : Nuclei
        What the settings make of it.

    Returns
    -------
    str
        A line for each doubt, and one for the engine.
    """
    sentences = [doubt.sentence for doubt in nuclei.doubts]
    return "\n".join([*sentences, image_maps.model.engine.description])


def describe_result(
    image_maps: ImageMaps,
    nuclei: Nuclei,
    corrected: Labels | None,
    pixel_area: float | None = None,
) -> str:
    """Say what is shown, and where corrections are if they are in another layer.

    Parameters
    ----------
    image_maps : ImageMaps
        Output of the network.
    nuclei : Nuclei
        What the settings make of it.
    corrected : napari.layers.Labels, optional
        The layer with corrections that the result has not replaced.
    pixel_area : float, in µm², optional
        Area of a pixel.
    """
    said = describe_nuclei(image_maps, nuclei, pixel_area)
    if corrected is None:
        return said
    hidden = "" if corrected.visible else ", which is hidden"
    return (
        f"{said}. Your corrections stay in “{corrected.name}”{hidden}; this is a new "
        "layer."
    )


def describe_missing_maps(run_text: str) -> str:
    """Say why sliders leave nuclei alone that were found earlier."""
    return f"Sliders act on the maps of a run, which are gone: press {run_text} first."


def describe_removed(name: str) -> str:
    """Say why there is no result of an image."""
    return f"{name} was removed, so nothing is shown."


def describe_corrections(corrections: Corrections) -> str:
    """Say what was corrected by hand.

    Parameters
    ----------
    corrections : Corrections
        How many nuclei differ from those that were found.

    Returns
    -------
    str
        Such as ``"1 added, 3 removed"``.
    """
    counts = {
        "added": corrections.n_added,
        "removed": corrections.n_removed,
        "changed": corrections.n_changed,
    }
    parts = [f"{number:,} {what}" for what, number in counts.items() if number]
    return ", ".join(parts) or "pixels changed"


def describe_corrected(name: str, n_nuclei: int, corrections: Corrections) -> str:
    """Say how many nuclei there are after corrections.

    Parameters
    ----------
    name : str
        Name of the labels layer.
    n_nuclei : int
        Number of nuclei now.
    corrections : Corrections
        How many of them differ from those that were found.

    Returns
    -------
    str
        Such as ``"55 nuclei in cells nuclei · corrected: 1 added, 3 removed"``.
    """
    corrected = f"corrected: {describe_corrections(corrections)}" if corrections else ""
    return " · ".join(filter(None, [f"{_count(n_nuclei)} in {name}", corrected]))


def short_engine(description: str) -> str:
    """Shorten what an engine says about itself to its name and precision.

    Parameters
    ----------
    description : str
        Such as ``"OpenVINO, bf16, on Intel(R) Xeon(R) CPU"``.

    Returns
    -------
    str
        Such as ``"OpenVINO bf16"``.
    """
    parts = description.partition(" (")[0].split(", ")
    return " ".join(parts[:2])


def _name_doubts(nuclei: Nuclei) -> list[str]:
    """Ask the user to check a doubtful result, in a few words."""
    kinds = ", ".join(doubt.kind for doubt in nuclei.doubts)
    return [f"please check: {kinds}"] if kinds else []


def _describe_diameter(
    nuclei: Nuclei, pixel_side: float, pixel_area: float | None
) -> list[str]:
    """Say how large the nuclei are: the diameter of a disc of their median area."""
    features = nuclei.features
    area = features["area"] / features.get(N_PLANES, 1)
    area = area[np.isfinite(area)]  # nobody has counted the planes of corrected ones
    if not area.size:
        return []
    diameter = 2 * math.sqrt(float(np.median(area)) / math.pi) * pixel_side
    if pixel_area is None:
        return [f"median diameter {diameter:.0f} px"]
    return [f"median diameter {diameter * math.sqrt(pixel_area):.3g} µm"]


def _describe_level(request: SegmentationRequest) -> list[str]:
    """Say which resolution of an image was segmented, if there are several."""
    if request.pyramid is None or request.level is None:
        return []
    n_levels, side = len(request.pyramid.levels), request.pixel_side
    size = "full resolution" if request.level == 0 else f"{1 / side:.2g} of the size"
    return [f"level {request.level + 1} of {n_levels} ({size})"]


def _describe_scales(scales: set[float]) -> list[str]:
    """Say that the image was rescaled because of its nuclei, if it was."""
    if scales <= {1.0}:
        return []
    if len(scales) > 1:
        return ["planes rescaled for their nuclei"]
    (scale,) = scales
    how = "enlarged" if scale > 1 else "shrunk"
    return [f"{how} to {scale:.0%} for its nuclei"]


def _describe_signals(signals: set[Stain]) -> list[str]:
    """Say what was seen instead of all colours, if anything."""
    return sorted(filter(None, (signal.sentence_part for signal in signals)))


def _count(n_nuclei: int) -> str:
    return "1 nucleus" if n_nuclei == 1 else f"{n_nuclei:,} nuclei"


def _explain(absence: Absence, image_maps: ImageMaps, nuclei: Nuclei) -> str:
    if absence.is_even:
        return "No nuclei found: all pixels of the image have the same value."
    if absence.n_small:
        smallest = max(
            nuclei.settings.smallest_area(maps.scale / image_maps.request.pixel_side)
            for maps in image_maps.maps
        )
        return (
            f"No nuclei left: {absence.n_small} found, all smaller than {smallest} "
            "px². Lower the size of the smallest nucleus."
        )
    if absence.n_unwanted:
        reasons = {
            f"larger than {nuclei.settings.max_area} px²": nuclei.settings.max_area,
            "cut by the border": nuclei.settings.drop_border,
        }
        why = " or ".join(reason for reason, holds in reasons.items() if holds)
        return (
            f"No nuclei left: {absence.n_unwanted} found, all {why}. Raise the "
            "size of the largest nucleus, or keep nuclei at the border."
        )
    if absence.n_pale:
        return (
            f"No nuclei left: {absence.n_pale} found, none darker than what surrounds "
            "it, as nuclei in stained tissue are. To keep them, set Stain to “image as "
            "it is”."
        )
    highest, threshold = absence.highest, nuclei.settings.threshold or 0
    reason = (
        f"some pixels exceed the threshold of {threshold:.2f}, but only just"
        if highest > threshold
        else f"the highest probability is {highest:.2f}, the threshold {threshold:.2f}"
    )
    diameter = image_maps.model.config.diameter
    chosen = image_maps.signal is not Stain.NONE
    other = " choose another stain," if chosen else ""
    return (
        f"No nuclei found: {reason}. Lower the threshold,{other} or set the nucleus "
        f"diameter: this model was trained on nuclei of about {diameter:.0f} px."
    )
