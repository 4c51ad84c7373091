"""Which of the candidates are proposed, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.proposals.candidates import Candidates

_KNOWN = 0.5  # of what the most annotated tile has; a tile with more shows a known look


def choose_tiles(
    tiles: Candidates,
    uncertainty: NDArray[np.float64],
    looks: NDArray[np.float64],
    annotated: NDArray[np.float64],
    n_tiles: int,
) -> list[tuple[int, float]]:
    """Choose tiles one by one: unsure, and unlike what is chosen or annotated.

    Parameters
    ----------
    tiles : Candidates
        The tiles there are.
    uncertainty : (N,) ndarray of float64
        How unsure a model is in each.
    looks : (N, features) ndarray of float64
        What each looks like, at a distance of some 1 where two differ.
    annotated : (N,) ndarray of float64, values in [0, 1]
        Part of each that is annotated; where there is any, it is not chosen.
    n_tiles : int
        How many to choose at most.

    Returns
    -------
    list of (int, float)
        Number and novelty, in [0, 1], of each that is chosen; of several equals, the
        first.

    References
    ----------
    Unsure and unlike each other: Yang et al.: Suggestive Annotation, MICCAI 2017,
    doi:10.48550/arXiv.1706.04737
    """
    is_left = annotated == 0
    novelty = np.ones(len(looks))
    for known in np.flatnonzero(annotated > _KNOWN * annotated.max()):
        novelty = np.minimum(novelty, _unlikeness(looks, int(known)))
    chosen: list[tuple[int, float]] = []
    while is_left.any() and len(chosen) < n_tiles:
        worth = np.where(is_left, uncertainty * novelty, -1)
        best = int(worth.argmax())
        chosen.append((best, float(novelty[best])))
        is_left &= ~tiles.overlapping(best)
        novelty = np.minimum(novelty, _unlikeness(looks, best))
    return chosen


def _unlikeness(looks: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    """How unlike one tile each tile looks: 0 for the same, 1 far away."""
    squares = ((looks - looks[number]) ** 2).sum(axis=1)
    return np.asarray(1 - np.exp(-squares / 2))
