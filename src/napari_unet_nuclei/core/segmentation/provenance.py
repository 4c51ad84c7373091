"""How labels were made, in the words that a labels layer and a label file share."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.core.writing.own_files import SOFTWARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.segmentation.plausibility import Doubt
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings


def describe_run(
    name: str,
    model: Model,
    settings: SegmentationSettings,
    *,
    axes: str | None,
    channel: int | None = None,
    spacing: float | None = None,
    series: int | None = None,
    signal: Stain = Stain.NONE,
    doubts: Sequence[Doubt] = (),
) -> dict[str, Any]:
    """Return how the nuclei of an image were found.

    Parameters
    ----------
    name : str
        Name of the image.
    model : Model
        What found them.
    settings : SegmentationSettings
        With which settings.
    axes : str, optional
        Axes of the image, where they are not clear from its shape.
    channel : int, optional
        Channel that was segmented.
    spacing : float, optional
        Distance between depths in pixels, where the file was not asked for it.
    series : int, optional
        Which of several images in the file, where one was chosen.
    signal : Stain
        What of the image the network saw.
    doubts : sequence of Doubt
        What should be checked.

    Returns
    -------
    dict
        ``sample_id`` and ``image`` (the name), ``model`` and ``model_sha256`` (of its
        file), ``settings``, ``axes``, ``channel``, ``signal``, ``engine`` and
        ``package``; ``spacing``, ``series`` and ``warnings`` where there are any;
        nothing that differs between two runs on one machine.
    """
    described: dict[str, Any] = {
        "sample_id": name,
        "image": name,
        "model": model.name,
        "model_sha256": model.bundle.sha256,
        "settings": asdict(settings),
        "axes": axes,
        "channel": channel,
        "signal": signal.value,
        "engine": model.engine.description,
        "package": SOFTWARE,
    }
    chosen = {"spacing": spacing, "series": series}
    described |= {key: value for key, value in chosen.items() if value is not None}
    if doubts:
        described["warnings"] = [doubt.sentence for doubt in doubts]
    return described
