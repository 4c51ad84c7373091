"""A look at annotated images before training: what is in each of them.

What is odd about masks is told in ``suspicion``; data sets are summed up in ``summary``
and drawn in ``pages`` and ``distributions``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.images.channels import distinct_channels, to_channels
from napari_unet_nuclei.core.insights.suspicion import MaskInspector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample, SampleSource
    from napari_unet_nuclei.core.images.staining import Staining
    from napari_unet_nuclei.core.insights.masks import Mask, MaskReader
    from napari_unet_nuclei.core.insights.suspicion import SuspiciousMask


@dataclass(frozen=True, eq=False, kw_only=True)
class SampleInsights:
    """What there is to know about one annotated image.

    Parameters
    ----------
    sample_id : str
        Name of the sample.
    height, width : int
        Size of the image in px.
    staining : Staining
        What the image looks like.
    areas : (N,) ndarray of int
        Areas of the nuclei as drawn, in px².
    n_touching : int
        Nuclei that have a pixel beside, or diagonally beside, one of another
        nucleus.
    foreground : float in [0, 1]
        Part of the image that nuclei cover.
    nucleus_intensities, background_intensities : (256,) ndarray of int
        Number of pixels with each intensity, the mean over R, G, B on the 8-bit
        scale, inside and outside of nuclei.
    digest : str
        Equal for images with equal pixels, whether stored as grey, RGB or RGBA.
    suspicious_masks : tuple of SuspiciousMask
        In the order of the masks.
    """

    sample_id: str
    height: int
    width: int
    staining: Staining
    areas: NDArray[np.int64]
    n_touching: int
    foreground: float
    nucleus_intensities: NDArray[np.int64]
    background_intensities: NDArray[np.int64]
    digest: str
    suspicious_masks: tuple[SuspiciousMask, ...]


@dataclass(frozen=True, kw_only=True)
class UnreadableSample:
    """A sample that training could not use.

    Parameters
    ----------
    sample_id : str
        Name of the sample.
    reason : str
        The sentence that training would stop with.
    """

    sample_id: str
    reason: str


def iter_insights(
    source: SampleSource, read_masks: MaskReader, sample_ids: Iterable[str]
) -> Iterator[SampleInsights | UnreadableSample]:
    """Look at the samples of a data set, one in memory at a time.

    Parameters
    ----------
    source : SampleSource
        The data set.
    read_masks : callable
        What ``masks.open_masks`` returns for it.
    sample_ids : iterable of str
        Samples to look at.

    Yields
    ------
    SampleInsights or UnreadableSample
        After each sample.
    """
    for sample_id in sample_ids:
        try:
            sample = source.read_sample(sample_id)
            yield inspect_sample(sample, read_masks(sample))
        except UNetNucleiError as error:
            yield UnreadableSample(sample_id=sample_id, reason=str(error))


def inspect_sample(sample: Sample, masks: Iterable[Mask]) -> SampleInsights:
    """Measure one annotated image and look for odd masks in it.

    Parameters
    ----------
    sample : Sample
        Image and labels.
    masks : iterable of Mask
        Its nuclei as they were drawn.

    Returns
    -------
    SampleInsights
        Small, whatever the size of the image.

    Raises
    ------
    ImageError
        If the image has a shape or type that nothing here can use.
    """
    channels = to_channels(sample.image)
    inspector = MaskInspector(sample.sample_id, sample.labels.shape)
    for mask in masks:
        inspector.add(mask)
    is_nucleus = sample.labels > 0
    intensities = _to_8_bits(channels)
    height, width = sample.labels.shape
    return SampleInsights(
        sample_id=sample.sample_id,
        height=height,
        width=width,
        staining=sample.staining,
        areas=np.array(inspector.areas, np.int64),
        n_touching=_count_touching(sample.labels),
        foreground=float(is_nucleus.mean()),
        nucleus_intensities=np.bincount(intensities[is_nucleus], minlength=256),
        background_intensities=np.bincount(intensities[~is_nucleus], minlength=256),
        digest=_digest(channels),
        suspicious_masks=inspector.find_suspicious(),
    )


def _count_touching(labels: NDArray[np.int32]) -> int:
    neighbours = (
        (labels[:-1], labels[1:]),
        (labels[:, :-1], labels[:, 1:]),
        (labels[:-1, :-1], labels[1:, 1:]),
        (labels[:-1, 1:], labels[1:, :-1]),
    )
    touching: set[int] = set()
    for one, other in neighbours:
        meet = (one != other) & (one > 0) & (other > 0)
        touching.update(one[meet].tolist(), other[meet].tolist())
    return len(touching)


def _to_8_bits(channels: NDArray[Any]) -> NDArray[np.uint8]:
    """Mean over the channels, on the scale on which stainings are recognised."""
    grey = distinct_channels(channels).mean(axis=-1, dtype=np.float32)
    if channels.dtype != np.uint8:
        brightest = float(channels.max())
        grey *= 255 / brightest if brightest > 0 else 0
    return np.asarray(np.clip(np.rint(grey), 0, 255), np.uint8)


def _digest(channels: NDArray[Any]) -> str:
    is_grey = channels.strides[-1] == 0 or bool((channels == channels[..., :1]).all())
    pixels = np.ascontiguousarray(channels[..., :1] if is_grey else channels)
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((pixels.shape, pixels.dtype.str)).encode())
    digest.update(pixels.data)
    return digest.hexdigest()
