"""Which samples, or parts of them, are held out, where nobody says which.

How a model is scored on them is in
:mod:`~napari_unet_nuclei.core.training.validation`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, product
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.instances.labels import IGNORED
from napari_unet_nuclei.core.settings.training import MIN_SAMPLES_TO_HOLD_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample

MARGIN = 120
"""Distance in px between what is trained on and what is held out of one image.

The receptive radius of the shipped networks.  Of small quarters it would leave nothing,
and a quarter of their side is taken instead, which still is more than a nucleus.
"""

_MIN_QUARTER = 32  # px
_LARGEST_PART = 4  # a margin takes at most one in so many pixels of a side
_AROUND_NUCLEI = 16  # px, of background


def hold_out(
    samples: Sequence[Sample], fraction: float, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """Split samples into those to train on and those to validate on.

    Of `MIN_SAMPLES_TO_HOLD_OUT` annotated images or more, whole images are held out,
    and those annotated as without nuclei are trained on.  Of fewer, quarters of the
    annotated part are, so that even a single annotated image can be learned from and
    checked: what is trained on is the whole image, with labels -1 in the held-out
    quarters and a margin around them.  Quarters without nuclei are taken for not
    annotated.

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


@dataclass(frozen=True, eq=False)
class _Quarter:
    """A part of an image, whose name says which."""

    image: Sample
    y: slice
    x: slice

    @property
    def labels(self) -> NDArray[np.int32]:
        return self.image.labels[self.y, self.x]

    def cut(self) -> Sample:
        """Return it as a sample of its own, with its surroundings, which are ignored.

        Without these, a small quarter shows little but nuclei that are cut.
        """
        y, x = (
            slice(max(side.start - MARGIN, 0), side.stop + MARGIN)
            for side in (self.y, self.x)
        )
        labels = np.full_like(self.image.labels, IGNORED)
        labels[self.y, self.x] = self.labels
        place = f"{self.y.start}:{self.y.stop},{self.x.start}:{self.x.stop}"
        return replace(
            self.image,
            sample_id=f"{self.image.sample_id}[{place}]",
            image=self.image.image[y, x],
            labels=np.ascontiguousarray(labels[y, x]),
        )

    def widen(self, margin: int) -> tuple[slice, slice]:
        """Return its place with a margin, or with what its sides have room for."""
        y, x = (
            slice(max(side.start - length, 0), side.stop + length)
            for side in (self.y, self.x)
            for length in [min(margin, (side.stop - side.start) // _LARGEST_PART)]
        )
        return y, x


def _hold_out_quarters(
    annotated: Sequence[Sample], fraction: float, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """Hold out quarters, with a margin that leaves nuclei to learn from."""
    quarters = _with_nuclei(map(_quarters_of_annotation, annotated))
    if len(quarters) < 2:
        quarters = _with_nuclei(map(_quarters_of_nuclei, annotated))
    if len(quarters) < 2:
        raise TrainingError(
            "Training needs nuclei in at least two quarters of an image or in two "
            f"images, one part to learn from and one to check. Received: "
            f"{len(quarters)}; annotate more nuclei."
        )
    train, held = _choose(len(quarters), fraction, seed)
    left = _leave([quarters[i] for i in train], [quarters[i] for i in held])
    return left, [quarters[i].cut() for i in held]


def _with_nuclei(quarters: Iterable[Iterable[_Quarter]]) -> list[_Quarter]:
    return [each for each in chain.from_iterable(quarters) if (each.labels > 0).any()]


def _leave(train: Sequence[_Quarter], held: Sequence[_Quarter]) -> list[Sample]:
    """Return the images of quarters to train on, annotated there and nowhere else."""
    images = dict.fromkeys(quarter.image for quarter in train)
    for margin in (MARGIN, 0):  # without any, where nuclei lie only beside the border
        left = []
        for image in images:
            labels = np.full_like(image.labels, IGNORED)
            for quarter in train:
                if quarter.image is image:
                    labels[quarter.y, quarter.x] = quarter.labels
            for quarter in held:
                if quarter.image is image:
                    labels[quarter.widen(margin)] = IGNORED
            if (labels > 0).any():
                left.append(replace(image, labels=labels))
        if left:
            break
    return left


def _quarters_of_annotation(sample: Sample) -> list[_Quarter]:
    """Cut what is annotated of a sample."""
    return _cut_box(sample, sample.labels >= 0)


def _quarters_of_nuclei(sample: Sample) -> list[_Quarter]:
    """Cut the part that has nuclei, of a sample with all of them in one quarter."""
    return _cut_box(sample, sample.labels > 0, _AROUND_NUCLEI)


def _cut_box(
    sample: Sample, mask: NDArray[np.bool_], around: int = 0
) -> list[_Quarter]:
    """Cut the box of a mask at its middle, along each axis that is long enough."""
    halves = []
    for axis, length in enumerate(mask.shape):
        inside = np.flatnonzero(mask.any(axis=1 - axis))
        start = max(int(inside[0]) - around, 0)
        stop = min(int(inside[-1]) + 1 + around, length)
        middle = (start + stop) // 2
        halves.append(
            (slice(start, middle), slice(middle, stop))
            if stop - start >= 2 * _MIN_QUARTER
            else (slice(start, stop),)
        )
    return [_Quarter(sample, y, x) for y, x in product(*halves)]
