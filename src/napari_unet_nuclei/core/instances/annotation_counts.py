"""What of some images is annotated, in numbers and in a sentence before training.

How labels come to say so is in
:mod:`~napari_unet_nuclei.core.instances.annotation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.labels import (
    compact_labels,
    count_annotated,
    label_areas,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class AnnotationCounts:
    """What of one image, or of several, is annotated; `sum` adds up.

    Parameters
    ----------
    n_images : int
        Images.
    n_nuclei : int
        Painted nuclei.
    n_annotated, n_pixels : int
        Pixels that are annotated, and all there are.
    n_ignored, n_unpainted : int
        Nuclei that a model sees where nothing is annotated, and on what counts as
        background; 0 where no model was asked.
    """

    n_images: int = 0
    n_nuclei: int = 0
    n_annotated: int = 0
    n_pixels: int = 0
    n_ignored: int = 0
    n_unpainted: int = 0

    def __add__(self, other: AnnotationCounts) -> AnnotationCounts:
        """Return the counts of the images of both."""
        return AnnotationCounts(
            **{name: value + vars(other)[name] for name, value in vars(self).items()}
        )

    @property
    def part(self) -> float:
        """Part of the pixels that is annotated, from 0 to 1."""
        return self.n_annotated / self.n_pixels if self.n_pixels else 0.0

    def describe(self) -> str:
        """Say what will be trained on, in a sentence.

        Examples
        --------
        >>> counts = AnnotationCounts(
        ...     n_images=1, n_nuclei=13, n_annotated=43, n_pixels=100, n_ignored=40
        ... )
        >>> print(counts.describe())
        13 nuclei painted in 1 image; the model sees 40 more where nothing is painted: \
ignored; 43% of the pixels count.
        """
        nuclei = "nucleus" if self.n_nuclei == 1 else "nuclei"
        images = "image" if self.n_images == 1 else "images"
        parts = [f"{self.n_nuclei:,} {nuclei} painted in {self.n_images:,} {images}"]
        if self.n_ignored:
            parts.append(
                f"the model sees {self.n_ignored:,} more where nothing is painted: "
                "ignored"
            )
        if self.n_unpainted:
            parts.append(
                f"the model sees {self.n_unpainted:,} more on what counts as background"
            )
        parts.append(_describe_part(self.n_annotated, self.n_pixels))
        return "; ".join(parts) + "."


def _describe_part(n: int, n_all: int) -> str:
    if n == n_all:
        return "all pixels count"
    if n == 0:
        return "no pixel counts"
    percent = 100 * n / n_all
    if percent < 1:
        return "less than 1% of the pixels count"
    return f"{min(round(percent), 99)}% of the pixels count"


def count_annotation(
    labels: NDArray[np.integer], prediction: NDArray[np.integer] | None = None
) -> AnnotationCounts:
    """Count what is annotated in an image, and what a model sees beside it.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Painted nuclei, 0 = background, -1 = not annotated, as from `annotated_area`.
    prediction : (Y, X) ndarray of int, optional
        Nuclei that a model sees in the image, 0 = background.  One of which half or
        more is painted is no other nucleus; the rest lie mostly where nothing is
        annotated, or on background.

    Returns
    -------
    AnnotationCounts
        Of one image.

    Raises
    ------
    LabelsError
        If the two differ in shape.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[1, 1, 0, -1, -1, -1]])
    >>> seen = np.array([[1, 1, 0, 0, 2, 2]])
    >>> count_annotation(labels, seen).describe()
    '1 nucleus painted in 1 image; the model sees 1 more where nothing is painted: \
ignored; 50% of the pixels count.'
    """
    n_ignored = n_unpainted = 0
    if prediction is not None:
        n_ignored, n_unpainted = _count_others(labels, prediction)
    return AnnotationCounts(
        n_images=1,
        n_nuclei=label_areas(labels)[0].size,
        n_annotated=count_annotated(labels),
        n_pixels=labels.size,
        n_ignored=n_ignored,
        n_unpainted=n_unpainted,
    )


def _count_others(
    labels: NDArray[np.integer], prediction: NDArray[np.integer]
) -> tuple[int, int]:
    """Count predicted nuclei where nothing is annotated, and those on background."""
    if labels.shape != prediction.shape:
        raise LabelsError(
            "Expected a prediction for the image that was painted on. Received: "
            f"labels {labels.shape}, prediction {prediction.shape}. Segment the same "
            "image."
        )
    compact, numbers = compact_labels(prediction)
    painted, ignored, background = (
        np.bincount(compact[where], minlength=numbers.size + 1)[1:]
        for where in (labels > 0, labels < 0, labels == 0)
    )
    is_other = painted < ignored + background
    is_ignored = is_other & (ignored >= background)
    return int(is_ignored.sum()), int((is_other & ~is_ignored).sum())
