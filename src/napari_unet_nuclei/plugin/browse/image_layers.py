"""An image of a list → the layers that show it; runs in a worker."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.browsing.previews import name_axes
from napari_unet_nuclei.core.browsing.results import ImageProgress
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.plugin.browse.label_snapshots import digest_of
from napari_unet_nuclei.plugin.shared.label_files import axes_placing, read_label_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.browsing.listing import ImageList, ListedImage
    from napari_unet_nuclei.core.browsing.results import ResultFolder
    from napari_unet_nuclei.core.images.stored_image import StoredImage
    from napari_unet_nuclei.plugin.shared.layers import LayerData

_COLOURS = (3, 4)
_MAX_SAMPLE = 1_000_000  # pixels that limits of the contrast are found in


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenedImage:
    """What is to be shown of an image.

    Parameters
    ----------
    index : int
        Its position in the list.
    file : Path, optional
        The file it was read from.
    image : (data, keyword arguments, layer type)
        Its pixels.
    labels : (data, keyword arguments, layer type), optional
        Its nuclei: the results, else the labels of the data set.
    result : Path, optional
        The file of the results.
    digest : bytes, optional
        What identifies the labels as they are.
    progress : ImageProgress
        What has been done of it.
    notes : tuple of str
        Sentences for the user.
    """

    index: int
    file: Path | None
    image: LayerData
    labels: LayerData | None = None
    result: Path | None = None
    digest: bytes | None = None
    progress: ImageProgress = field(default_factory=ImageProgress)
    notes: tuple[str, ...] = ()


def read_layers(listing: ImageList, index: int, results: ResultFolder) -> OpenedImage:
    """Read an image and its nuclei.

    Parameters
    ----------
    listing : ImageList
        Where it is listed.
    index : int
        Its position there.
    results : ResultFolder
        Where its results are.

    Returns
    -------
    OpenedImage
        The layers.

    Raises
    ------
    ImageError, DatasetError
        If the image cannot be read.
    """
    listed = listing.images[index]
    stored = listed.read()
    image = _image_layer(stored, listed, listing)
    labels, result, notes = _read_labels(listed, listing, results)
    if labels is not None:
        labels[1]["name"] = f"{image[1]['name']} nuclei"
    return OpenedImage(
        index=index,
        file=listed.file,
        image=image,
        labels=labels,
        result=result,
        digest=None if labels is None else digest_of(labels[0], labels[1]["metadata"]),
        progress=_progress(listed.name, results),
        notes=(*stored.notes, *notes),
    )


def _image_layer(
    stored: StoredImage, listed: ListedImage, listing: ImageList
) -> LayerData:
    pixels, axes = stored.pixels, name_axes(stored)
    is_rgb = axes.endswith("S") and pixels.shape[-1] in _COLOURS
    kwargs: dict[str, Any] = {"name": listed.name, "rgb": is_rgb, "metadata": {}}
    if stored.axes is not None:
        placed = axes[:-1] if is_rgb else axes.replace("S", "C")
        kwargs |= axes_placing(placed, stored.calibration)
    if listing.is_data_set:
        kwargs["metadata"] = _sample_metadata(listed, listing)
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8)
    if not is_rgb and (limits := _contrast_limits(pixels)) is not None:
        kwargs["contrast_limits"] = limits
    return pixels, kwargs, "image"


def _sample_metadata(listed: ListedImage, listing: ImageList) -> dict[str, Any]:
    return {"sample_id": listed.name, "data_set": os.fspath(listing.path)}


def _contrast_limits(pixels: NDArray[Any]) -> tuple[float, float] | None:
    """Find the darkest and the brightest pixel, so that the window need not."""
    step = max(1, pixels.size // _MAX_SAMPLE)
    sample = pixels.reshape(-1)[::step] if pixels.flags.c_contiguous else pixels
    finite = sample[np.isfinite(sample)]
    if not finite.size or finite.min() == finite.max():
        return None
    return float(finite.min()), float(finite.max())


def _read_labels(
    listed: ListedImage, listing: ImageList, results: ResultFolder
) -> tuple[LayerData | None, Path | None, tuple[str, ...]]:
    """Read the results of an image, else the labels that came with it."""
    notes: tuple[str, ...] = ()
    result = results.find(listed.name)
    if result is not None:
        try:
            return read_label_file(os.fspath(result)), result, ()
        except UNetNucleiError as error:
            notes = (f"{result.name} could not be read: {error}",)
    try:
        labels = listed.read_labels()
    except UNetNucleiError as error:
        return None, None, (*notes, str(error))
    if labels is None:
        return None, None, notes
    kwargs = {"metadata": _sample_metadata(listed, listing)}
    return (labels, kwargs, "labels"), None, notes


def _progress(name: str, results: ResultFolder) -> ImageProgress:
    try:
        return results.look_into(name)
    except UNetNucleiError:  # which has been said
        return results.progress([name])[name]
