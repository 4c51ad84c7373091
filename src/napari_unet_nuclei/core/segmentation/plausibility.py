"""Whether a result can be right: doubts, each with what to do about it.

Only what maps and labels tell is asked, so a doubt costs no second pass of a network,
and it never keeps a result from its user.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import fine_detail, intensity_limits
from napari_unet_nuclei.core.instances.labels import label_areas

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.axes import PlaneStack

_FEW = 20  # objects, of which a median or a percentile says little
_KEEP_PALE = (
    "set the nucleus diameter, or set the stain to none if nuclei are not darker than "
    "what surrounds them"
)


class DoubtKind(StrEnum):
    """What makes a result doubtful."""

    CONFIDENCE = "low confidence"
    TEXTURE = "objects as small as texture"
    COVERAGE = "objects nearly everywhere"
    SIZES = "very uneven sizes"
    NOTHING = "nothing found"


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """One reason to check a result.

    Parameters
    ----------
    kind : DoubtKind
        What is doubtful, in a few words.
    sentence : str
        The same with figures, and what to do.
    """

    kind: DoubtKind
    sentence: str


@dataclass(frozen=True, kw_only=True)
class PlausibilityLimits:
    """From where on a result is doubtful.

    Measured with both shipped models; how is in docs/experiments.md.  Of 167 results
    on validation images with a DSB2018 score above .35, none is doubtful; of 96 on
    photographs, patterns, text and charts, more than 69 are.  Models with other
    confidences need other limits.

    Parameters
    ----------
    min_confidence : float in [0, 1]
        Results with less confidence are doubtful: 124 public images graded by eye had
        no acceptable result below .62, and hardly any usable one below this.
    min_diameter : float, in px that the network saw
        Median diameter that no nuclei have; those of validation images have 12.
    max_coverage, sure_of_coverage : float in [0, 1]
        Part of the image that nuclei hardly ever exceed, and the confidence from which
        they do all the same.
    dense_coverage, sure_of_density : float in [0, 1]
        The same for dense tissue.
    max_spread, sure_of_spread : float
        Largest ratio of the areas at the 90th and the 10th percentile, and the
        confidence from which sizes may differ more.
    """

    min_confidence: float = 0.55
    min_diameter: float = 9.0
    max_coverage: float = 0.7
    sure_of_coverage: float = 0.8
    dense_coverage: float = 0.4
    sure_of_density: float = 0.63
    max_spread: float = 20.0
    sure_of_spread: float = 0.7


DEFAULT_LIMITS = PlausibilityLimits()


def find_doubts(
    labels: NDArray[np.int32],
    scales: Sequence[float],
    confidence: float,
    limits: PlausibilityLimits = DEFAULT_LIMITS,
    *,
    areas: Sequence[NDArray[np.integer]] | None = None,
) -> tuple[Doubt, ...]:
    """Find what is doubtful about nuclei.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of int32
        Nuclei of a plane or of all planes of a stack, 0 = background.
    scales : sequence of float
        How much larger the network saw each plane than it is.
    confidence : float in [0, 1]
        How confident the network was, see
        :func:`~napari_unet_nuclei.core.instances.diameter.confidence`.
    limits : PlausibilityLimits
        From where on something is doubtful.
    areas : sequence of (N,) ndarray of int, in px², optional
        Of the nuclei of each plane, if they are known; else they are counted.

    Returns
    -------
    tuple of Doubt
        Empty where nothing is doubtful, or there are no nuclei.
    """
    if areas is None:
        planes = labels.reshape(-1, *labels.shape[-2:])
        areas = [label_areas(plane)[1] for plane in planes]
    n_pixels = sum(int(each.sum()) for each in areas)
    if not n_pixels:
        return ()
    seen = np.concatenate(
        [each * scale**2 for each, scale in zip(areas, scales, strict=True)]
    )
    found = _Found(seen, n_pixels / labels.size, confidence)
    return tuple(found.iter_doubts(limits))


def doubt_nothing_found(
    stack: PlaneStack, *, drops_pale: bool = False
) -> tuple[Doubt, ...]:
    """Doubt that an image without nuclei is empty, if it shows more than noise.

    Parameters
    ----------
    stack : PlaneStack
        The image or stack in which nothing was found; a few planes of it are read.
    drops_pale : bool
        Whether nuclei that are not darker than their surroundings were dropped.

    Returns
    -------
    tuple of Doubt
        Empty for an even image and for noise.
    """
    for index in stack.typical_places:
        channels = to_channels(stack.plane(index))
        # Of noise, a pixel differs from its neighbours by more than from the mean.
        if 0 < fine_detail(channels, intensity_limits(channels)) < 0.95:
            remedy = _KEEP_PALE if drops_pale else "or set the nucleus diameter"
            sentence = (
                "No nuclei were found, though the image is not empty: lower the "
                f"threshold, {remedy}."
            )
            return (Doubt(kind=DoubtKind.NOTHING, sentence=sentence),)
    return ()


class _Found:
    """Figures of what was found."""

    def __init__(
        self, areas: NDArray[np.float64], coverage: float, confidence: float
    ) -> None:
        self._areas, self._coverage = areas, coverage
        self._confidence = confidence

    def iter_doubts(self, limits: PlausibilityLimits) -> Iterator[Doubt]:
        """Name what exceeds a limit."""
        if self._confidence < limits.min_confidence:
            yield Doubt(
                kind=DoubtKind.CONFIDENCE,
                sentence=f"Low confidence ({self._confidence:.0%}), so the model may "
                "not know this kind of image: check the outlines, and fine-tune the "
                "model on some corrected ones if they are wrong.",
            )
        yield from self._doubts_of_size(limits)
        if self._covers_too_much(limits):
            yield Doubt(
                kind=DoubtKind.COVERAGE,
                sentence=f"Nuclei cover {self._coverage:.0%} of the image, which is "
                "more than the model is confident of: raise the threshold, or set the "
                "nucleus diameter.",
            )

    def _doubts_of_size(self, limits: PlausibilityLimits) -> Iterator[Doubt]:
        if self._areas.size < _FEW:
            return
        low, middle, high = np.percentile(self._areas, (10, 50, 90))
        diameter = 2 * float(np.sqrt(middle / np.pi))
        if diameter < limits.min_diameter:
            yield Doubt(
                kind=DoubtKind.TEXTURE,
                sentence=f"Half of the {self._areas.size:,} objects are smaller than "
                "any nuclei the model knows, like texture or noise: set the nucleus "
                "diameter, or a larger minimum area.",
            )
        spread = float(high / low)
        if spread > limits.max_spread and self._confidence < limits.sure_of_spread:
            yield Doubt(
                kind=DoubtKind.SIZES,
                sentence=f"Large objects have {spread:.0f} times the area of small "
                "ones, so there may be clumps or fragments: set the nucleus diameter.",
            )

    def _covers_too_much(self, limits: PlausibilityLimits) -> bool:
        pairs = (
            (limits.max_coverage, limits.sure_of_coverage),
            (limits.dense_coverage, limits.sure_of_density),
        )
        return any(
            self._coverage > coverage and self._confidence < confidence
            for coverage, confidence in pairs
        )
