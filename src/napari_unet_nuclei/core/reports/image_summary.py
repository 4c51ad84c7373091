"""What a report says of one image, small enough to keep for ten thousand of them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_unet_nuclei.core.drawing.overlays import add_outlines, stretch
from napari_unet_nuclei.core.instances.doubts.finding import find_doubtful_nuclei

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps

AREA_EDGES = tuple(np.geomspace(10, 20_000, 41).tolist())
"""Bins of the areas of nuclei, in px²; what lies beyond counts in the outermost."""

INTENSITY_EDGES = tuple(np.linspace(0, 1, 26).tolist())
"""Bins of their mean intensities; the darkest of an image is 0, the brightest 1."""

DOUBTFUL = 0.5
"""Probability of a mistake from which a nucleus counts as doubtful."""

LARGE_THUMBNAIL, SMALL_THUMBNAIL = 128, 64
"""Longer sides of thumbnails, in px: usually, and where there are thousands."""

_QUALITY = 45


@dataclass(frozen=True, kw_only=True)
class ImageSummary:
    """What a report says of the nuclei of one image.

    Parameters
    ----------
    n_nuclei : int
        How many there are; one that is linked from plane to plane counts once.
    density : float
        Their outlines in a million pixels of all planes.
    median_area : float, in px²
        Of the nuclei, in the plane where each is largest; NaN without any.
    doubtful_share : float in [0, 1]
        Nuclei that may be merged, split or none; NaN without any, or where that was
        not found out.
    area_counts, intensity_counts : tuple of int
        Nuclei between `AREA_EDGES` and `INTENSITY_EDGES`.
    thumbnail : bytes
        WebP picture with outlines.
    """

    n_nuclei: int
    density: float
    median_area: float
    doubtful_share: float
    area_counts: tuple[int, ...]
    intensity_counts: tuple[int, ...]
    thumbnail: bytes


def summarise_image(
    planes: Sequence[NDArray[np.generic]],
    labels: NDArray[np.int32],
    maps: Sequence[Maps] = (),
    *,
    side: int = LARGE_THUMBNAIL,
) -> ImageSummary:
    """Sum up the nuclei of an image or a stack.

    Parameters
    ----------
    planes : sequence of (Y, X) or (Y, X, C) ndarray
        Its planes.
    labels : (planes, Y, X) ndarray of int32
        Their nuclei; one that is linked has its number in several planes, and counts
        in the plane where it is largest.
    maps : sequence of Maps
        What they were found in, one for each plane; without them nothing is doubtful.
    side : int, in px
        Longer side of the thumbnail, which shows the plane with most nuclei.

    Returns
    -------
    ImageSummary
        Some kilobytes at most.
    """
    numbers, areas, intensities, doubtful = [], [], [], []
    for number, (plane, plane_labels) in enumerate(zip(planes, labels, strict=True)):
        found, area = np.unique(plane_labels[plane_labels > 0], return_counts=True)
        numbers.append(found)
        areas.append(area)
        intensities.append(_mean_intensities(plane, plane_labels, found))
        if len(maps) > number:
            doubts = find_doubtful_nuclei(plane_labels, maps[number])
            doubtful.append(np.asarray(doubts.doubt) >= DOUBTFUL)
    all_areas = np.concatenate(areas)
    largest = _largest_outlines(np.concatenate(numbers), all_areas)
    shown = int(np.argmax([len(each) for each in areas]))
    nucleus_areas = all_areas[largest]
    return ImageSummary(
        n_nuclei=len(largest),
        density=len(all_areas) / labels.size * 1e6 if labels.size else 0.0,
        median_area=float(np.median(nucleus_areas)) if len(largest) else float("nan"),
        doubtful_share=_share(doubtful, largest),
        area_counts=_count(nucleus_areas, AREA_EDGES),
        intensity_counts=_count(np.concatenate(intensities)[largest], INTENSITY_EDGES),
        thumbnail=draw_thumbnail(planes[shown], labels[shown], side),
    )


def draw_thumbnail(
    image: NDArray[np.generic], labels: NDArray[np.int32], side: int
) -> bytes:
    """Draw an image with outlines, small.

    Parameters
    ----------
    image : (Y, X), (Y, X, 3) or (Y, X, 4) ndarray
        The image.
    labels : (Y, X) ndarray of int32
        Its nuclei.
    side : int, in px
        Longer side of the picture.

    Returns
    -------
    bytes
        WebP.
    """
    step = max(1, max(labels.shape) // side)  # so that outlines stay whole
    small = stretch(np.asarray(image)[::step, ::step])
    add_outlines(small, labels[::step, ::step])
    picture = Image.fromarray(small)
    picture.thumbnail((side, side))
    stored = io.BytesIO()
    picture.save(stored, "WEBP", quality=_QUALITY, method=4)
    return stored.getvalue()


def _mean_intensities(
    plane: NDArray[np.generic], labels: NDArray[np.int32], found: NDArray[np.int32]
) -> NDArray[np.floating]:
    """Measure nuclei in an image whose darkest pixel is 0 and whose brightest is 1."""
    if not len(found):
        return np.empty(0)
    grey = stretch(plane).mean(axis=-1) / 255
    n_bins = int(found[-1]) + 1
    sums = np.bincount(labels.ravel(), grey.ravel(), n_bins)
    counts = np.bincount(labels.ravel(), minlength=n_bins)
    means: NDArray[np.floating] = sums[found] / counts[found]
    return means


def _largest_outlines(
    numbers: NDArray[np.int32], areas: NDArray[np.generic]
) -> NDArray[np.intp]:
    """Return the place of the largest outline of each nucleus."""
    order = np.lexsort((-np.asarray(areas, np.int64), numbers))
    _, first = np.unique(numbers[order], return_index=True)
    return order[first]


def _share(doubtful: list[NDArray[np.bool_]], largest: NDArray[np.intp]) -> float:
    if not doubtful or not len(largest):
        return float("nan")
    return float(np.concatenate(doubtful)[largest].mean())


def _count(values: NDArray[np.generic], edges: tuple[float, ...]) -> tuple[int, ...]:
    inside = np.clip(np.asarray(values, np.float64), edges[0], edges[-1])
    return tuple(np.histogram(inside, edges)[0].tolist())
