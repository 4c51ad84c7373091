"""Which samples, or parts of them, are held out, where nobody says which.

How a model is scored on them is in
:mod:`~napari_unet_nuclei.core.training.validation`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.settings.training import MIN_SAMPLES_TO_HOLD_OUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample

MARGIN = 120
"""Distance in px between what is trained on and what is held out of one image.

The receptive radius of the shipped networks.  Of small tiles it would leave nothing,
and a quarter of their side is taken instead, which still is more than a nucleus.
"""

_MIN_QUARTER = 32  # px
_LARGEST_PART = 4  # a margin takes at most one in so many pixels of a side


def hold_out(
    samples: Sequence[Sample], fraction: float, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """Split samples into those to train on and those to validate on.

    Of `MIN_SAMPLES_TO_HOLD_OUT` annotated images or more, whole images are held out,
    and those annotated as without nuclei are trained on.  Fewer are cut into quarters
    first, so that even a single annotated image can be learned from and checked;
    quarters without nuclei are taken for not annotated, and a margin around what is
    held out is not trained on.

    Parameters
    ----------
    samples : sequence of Sample
        All samples.
    fraction : float in (0, 1)
        Part to hold out; at least one is, and at least one is not.
    seed : int
        Seed of the choice.

    Returns
    -------
    train, validation : list of Sample
        Two disjoint parts with nuclei in both.

    Raises
    ------
    TrainingError
        If there are not enough annotated nuclei for two parts.
    """
    annotated = [sample for sample in samples if (sample.labels > 0).any()]
    if len(annotated) < MIN_SAMPLES_TO_HOLD_OUT:
        return _hold_out_quarters(annotated, fraction, seed)
    empty = [sample for sample in samples if sample.labels.max() == 0]
    train, held = _choose(len(annotated), fraction, seed)
    return [annotated[i] for i in train] + empty, [annotated[i] for i in held]


def _choose(n: int, fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Choose which of ``n`` are trained on and which are held out, each sorted."""
    order = np.random.default_rng(seed).permutation(n)
    n_held = min(max(1, round(fraction * n)), n - 1)
    return sorted(order[n_held:].tolist()), sorted(order[:n_held].tolist())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Quarter:
    """A part of an image, whose name says which."""

    image: Sample
    y: slice
    x: slice

    @property
    def labels(self) -> NDArray[np.int32]:
        return self.image.labels[self.y, self.x]

    def cut(self) -> Sample:
        """Return it as a sample of its own."""
        y, x = self.y, self.x
        return replace(
            self.image,
            sample_id=f"{self.image.sample_id}[{y.start}:{y.stop},{x.start}:{x.stop}]",
            image=self.image.image[y, x],
            labels=self.image.labels[y, x],
        )

    def apart_from(self, other: _Quarter, margin: int) -> _Quarter:
        """Return what is left of it at a distance from another quarter."""
        if other.image is not self.image:
            return self
        # Across a corner, a distance along one axis is enough.
        if self.y != other.y:
            return replace(self, y=_shorten(self.y, other.y, margin))
        return replace(self, x=_shorten(self.x, other.x, margin))


def _shorten(side: slice, other: slice, margin: int) -> slice:
    """Move the end of a side that faces another one away from it."""
    length = min(margin, (side.stop - side.start) // _LARGEST_PART)
    if side.start < other.start:
        return slice(side.start, min(side.stop, other.start - length))
    return slice(max(side.start, other.stop + length), side.stop)


def _hold_out_quarters(
    annotated: Sequence[Sample], fraction: float, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """Hold out quarters, with a margin that leaves nuclei to learn from."""
    quarters = [
        quarter
        for quarter in chain.from_iterable(map(_quarters, annotated))
        if (quarter.labels > 0).any()
    ]
    if len(quarters) < 2:
        raise TrainingError(
            "Training needs nuclei in at least two quarters of an image or in two "
            f"images, one part to learn from and one to check. Received: "
            f"{len(quarters)}; annotate more nuclei."
        )
    train, held = _choose(len(quarters), fraction, seed)
    validation = [quarters[i] for i in held]
    for margin in (MARGIN, 0):  # without any, where nuclei lie only beside the border
        apart = [quarters[i] for i in train]
        for other in validation:
            apart = [quarter.apart_from(other, margin) for quarter in apart]
        left = [quarter.cut() for quarter in apart if (quarter.labels > 0).any()]
        if left:
            break
    return left, [quarter.cut() for quarter in validation]


def _quarters(sample: Sample) -> list[_Quarter]:
    """Cut a sample at its middle, along each axis that is long enough."""
    halves = [
        (slice(0, length // 2), slice(length // 2, length))
        if length >= 2 * _MIN_QUARTER
        else (slice(0, length),)
        for length in sample.labels.shape
    ]
    return [_Quarter(image=sample, y=y, x=x) for y in halves[0] for x in halves[1]]
