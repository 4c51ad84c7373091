"""Two collections of label images side by side, image by image.

Collections are opened in ``datasets.label_collections``; the arithmetic is in
``scores``, ``pixel_scores`` and ``mistakes``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import DatasetError, LabelsError
from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate
from napari_unet_nuclei.core.evaluation.mistakes import Mistakes, find_mistakes
from napari_unet_nuclei.core.evaluation.outcomes import ImageOutcome, find_outcome
from napari_unet_nuclei.core.evaluation.pixel_scores import PixelScores, score_pixels
from napari_unet_nuclei.core.images.plane_names import stack_of
from napari_unet_nuclei.core.images.staining import Staining, staining

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.label_collections import (
        LabelCollection,
        Labelled,
        Shape,
    )
    from napari_unet_nuclei.core.evaluation.scores import ImageScores


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelPair:
    """What is true and what was predicted of one image.

    Parameters
    ----------
    name : str
        Name of the image.
    truth, prediction : (Y, X) ndarray of int32
        Labels, 0 = background.
    image : (Y, X) or (Y, X, 3 or 4) ndarray, optional
        The image itself, where truth or prediction is stored with it.
    """

    name: str
    truth: NDArray[np.int32]
    prediction: NDArray[np.int32]
    image: NDArray[Any] | None


@dataclass(frozen=True, kw_only=True)
class ImageCompared:
    """Scores of one image.

    Parameters
    ----------
    name : str
        Name of the image.
    scores : ImageScores
        How well prediction and truth agree.
    pixels : PixelScores
        The same, for pixels.
    mistakes : Mistakes
        Which nuclei are merged, split, missed or spurious.
    staining : Staining, optional
        What the image looks like, where truth or prediction is stored with it.
    outcome : ImageOutcome, optional
        What became of each true nucleus, for intervals.
    """

    name: str
    scores: ImageScores
    pixels: PixelScores
    mistakes: Mistakes
    staining: Staining | None
    outcome: ImageOutcome | None = field(default=None, repr=False, compare=False)


def compare(
    truth: LabelCollection,
    prediction: LabelCollection,
    names: Sequence[str] | None = None,
) -> Iterator[ImageCompared]:
    """Score a collection of predictions, image by image, plane by plane of stacks.

    Parameters
    ----------
    truth, prediction : LabelCollection
        The true labels, and the labels to score.
    names : sequence of str, optional
        Images to compare; all of the truth by default.

    Yields
    ------
    ImageCompared
        After each image.

    Raises
    ------
    DatasetError
        If an image is missing on either side, or neither side knows its shape.
    LabelsError
        If the shapes of an image differ, or there are no labels in a file.
    ImageError
        If a file is damaged.
    """
    names = truth.names if names is None else names
    _check_stacks(truth, prediction, names)
    for side, collection in (("truth", truth), ("prediction", prediction)):
        missing = sorted(set(names) - set(collection.names))
        if missing:
            raise DatasetError(
                f"Expected a {side} for each of the {len(names)} images. Received: "
                f"{len(missing)} are missing, the first is {missing[0]!r}. Add them, "
                "or name the images to compare with --split or --ids."
            )
    for name in names:
        yield _compare(read_pair(truth, prediction, name))


def _check_stacks(
    truth: LabelCollection, prediction: LabelCollection, names: Sequence[str]
) -> None:
    """Refuse stacks that have other planes on the other side."""
    stacks = {stack_of(name) for name in names} - {None}
    true, predicted = (
        Counter(stack_of(name) for name in side.names) for side in (truth, prediction)
    )
    for stack in stacks:
        if true[stack] != predicted[stack]:
            raise DatasetError(
                f"Expected stacks of one shape for {stack}. Received: {true[stack]} "
                f"planes in the truth, {predicted[stack]} in the prediction. Compare "
                "labels of the same stack."
            )


def read_pair(
    truth: LabelCollection, prediction: LabelCollection, name: str
) -> LabelPair:
    """Read both sides of one image, first the one that knows its shape.

    Parameters
    ----------
    truth, prediction : LabelCollection
        What is true and what was predicted.
    name : str
        An image that both have.

    Returns
    -------
    LabelPair
        Labels of one shape.

    Raises
    ------
    DatasetError
        If neither side knows the shape.
    LabelsError
        If the shapes differ, or a side holds no labels.
    ImageError
        If a file is damaged.
    """
    try:
        if truth.knows_shape(name):
            true = truth.read(name, None)
            predicted = prediction.read(name, _shape(true))
        else:
            predicted = prediction.read(name, None)
            true = truth.read(name, _shape(predicted))
    except LabelsError as error:
        raise LabelsError(f"Image {name}: {error}") from error
    if true.labels.shape != predicted.labels.shape:
        raise LabelsError(
            f"Expected labels of one height and width for image {name}. Received: "
            f"truth {true.labels.shape}, prediction {predicted.labels.shape}. Compare "
            "labels of the same image at the same scale."
        )
    image = predicted.image if true.image is None else true.image
    return LabelPair(
        name=name, truth=true.labels, prediction=predicted.labels, image=image
    )


def _compare(pair: LabelPair) -> ImageCompared:
    table = cross_tabulate(pair.truth, pair.prediction)
    outcome = find_outcome(pair.truth, pair.prediction, table)
    return ImageCompared(
        name=pair.name,
        scores=outcome.scores,
        pixels=score_pixels(table),
        mistakes=find_mistakes(table),
        staining=None if pair.image is None else staining(pair.image),
        outcome=outcome,
    )


def _shape(labelled: Labelled) -> Shape:
    height, width = labelled.labels.shape
    return height, width
