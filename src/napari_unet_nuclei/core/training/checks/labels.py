"""Problems of labels by themselves.

Odd masks among the others of one image are found by
:mod:`~napari_unet_nuclei.core.insights.suspicion`; here is only what spoils training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.instances.labels import compact_labels, label_areas
from napari_unet_nuclei.core.training.checks.problems import InputProblem, ProblemKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_HUGE = 0.5  # of the image
_SPECK, _MANY_SPECKS = 10, 1000  # px², nuclei
_DOT = 4  # px²; of such nuclei no diameter can be learned
_MOST_CLASSES = 5
_PIECES_OF_A_CLASS = 3
_SPARSE = 0.2  # of its bounding box that a nucleus in one piece fills at least
_SQUARE = np.ones((3, 3), bool)  # pixels are neighbours across corners too


def check_label_values(
    name: str, labels: NDArray[np.generic]
) -> Iterator[InputProblem]:
    """Yield what makes an array no labels; the other checks need an answer of none.

    Parameters
    ----------
    name : str
        Name of the pair.
    labels : ndarray
        The labels, whatever they are.

    Yields
    ------
    InputProblem
        At most one.
    """
    if labels.ndim != 2 or labels.dtype.kind not in "buif":
        yield InputProblem(
            kind=ProblemKind.COLOURED_LABELS,
            pair=name,
            sentence=f"The labels have shape {labels.shape} of {labels.dtype}, where "
            "one whole number a pixel is needed.",
            advice="Save them as numbers, one plane at a time, not as colours.",
        )
    elif labels.dtype.kind == "f" and not (labels == np.floor(labels)).all():
        yield InputProblem(
            kind=ProblemKind.PROBABILITIES,
            pair=name,
            sentence="The labels hold fractions, as probabilities do.",
            advice="Threshold them and number the nuclei first.",
        )
    elif labels.dtype.kind in "if" and labels.size and labels.min() < -1:
        yield InputProblem(
            kind=ProblemKind.NEGATIVE,
            pair=name,
            sentence=f"The lowest label is {labels.min():g}, where only -1 (ignored) "
            "may be negative.",
            advice="Renumber the nuclei from 1.",
        )


def check_nuclei(name: str, labels: NDArray[np.integer]) -> Iterator[InputProblem]:
    """Yield what is odd about the nuclei in labels.

    Parameters
    ----------
    name : str
        Name of the pair.
    labels : (Y, X) ndarray of int
        0 is background, -1 is ignored.

    Yields
    ------
    InputProblem
        At most one for each kind.
    """
    nuclei, _ = compact_labels(np.maximum(labels, 0))
    _, areas = label_areas(nuclei)
    if not areas.size:
        yield InputProblem(
            kind=ProblemKind.NO_NUCLEI,
            pair=name,
            sentence="No nucleus is labelled here.",
            advice="Label some, or leave this pair out unless it shows background "
            "only.",
            is_warning=True,
        )
        return
    if areas.max() > _HUGE * labels.size:
        yield InputProblem(
            kind=ProblemKind.HUGE,
            pair=name,
            sentence=f"One nucleus covers {areas.max() / labels.size:.0%} of "
            "the image.",
            advice="Check that the background has the label 0.",
            is_warning=True,
        )
    n_specks = int(np.count_nonzero(areas < _SPECK))
    are_dots = bool(np.median(areas) < _DOT)
    if n_specks >= _MANY_SPECKS or are_dots:
        yield InputProblem(
            kind=ProblemKind.SPECKS,
            pair=name,
            sentence=f"{n_specks:,} of {areas.size:,} nuclei are smaller than "
            f"{_SPECK} px².",
            advice="Remove the specks, or check that these are labels.",
            is_warning=not are_dots,
        )
    yield from _check_numbers(name, nuclei, areas.size)


def _check_numbers(
    name: str, nuclei: NDArray[np.int32], n_numbers: int
) -> Iterator[InputProblem]:
    """Tell one number for all nuclei, or for a class, from one for each nucleus."""
    pieces = _count_pieces(nuclei)
    if n_numbers == 1 and pieces.get(1, 1) > 1:
        yield InputProblem(
            kind=ProblemKind.ONE_VALUE,
            pair=name,
            sentence=f"All {pieces[1]} pieces have one number, as in a mask: touching "
            "nuclei would be learned as one.",
            advice="Give each nucleus a number of its own.",
        )
    elif n_numbers <= _MOST_CLASSES and all(
        pieces.get(number, 1) >= _PIECES_OF_A_CLASS
        for number in range(1, n_numbers + 1)
    ):
        yield InputProblem(
            kind=ProblemKind.CLASSES,
            pair=name,
            sentence=f"Each of the {n_numbers} numbers marks several pieces, as "
            "classes do.",
            advice="Give each nucleus a number of its own.",
        )
    elif pieces:
        yield InputProblem(
            kind=ProblemKind.SCATTERED,
            pair=name,
            sentence=f"{len(pieces)} numbers each mark places that are far apart.",
            advice="Give nuclei that share a number one of their own.",
            is_warning=True,
        )


def _count_pieces(nuclei: NDArray[np.int32]) -> dict[int, int]:
    """Count the pieces of each number whose pieces are far apart."""
    counts = {}
    for number, box in enumerate(ndimage.find_objects(nuclei), start=1):
        own = nuclei[box] == number
        if own.mean() < _SPARSE or number <= _MOST_CLASSES:
            _, n_pieces = ndimage.label(own, _SQUARE)
            if n_pieces > 1 and own.mean() < 1 - _SPARSE:
                counts[number] = int(n_pieces)
    return counts
