"""What a model must never do on the held-out part, whatever its score says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet_nuclei.core.evaluation.scores import Scores

_TOO_MANY = 5  # times what is there, and what the start finds
_SOME = 200  # nuclei on the held-out part that are not too many for any


def find_failure(scores: Scores, start_scores: Scores) -> str | None:
    """Say why a result is none, in a clause, or ``None`` where it is one.

    Parameters
    ----------
    scores, start_scores : Scores
        Those of new weights, and of the model they came from, on the same samples.

    Returns
    -------
    str, optional
        It finds nothing where the start finds nuclei, or far more than there are.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_unet_nuclei import evaluate
    >>> truth = np.eye(3, dtype=int)
    >>> find_failure(evaluate(truth, 0 * truth), evaluate(truth, truth))
    'the trained weights find no nuclei there, where the start finds 1'
    """
    found, found_before = scores.n_predicted, start_scores.n_predicted
    if not found and found_before:
        return (
            "the trained weights find no nuclei there, where the start finds "
            f"{found_before:,}"
        )
    if found > max(_SOME, _TOO_MANY * max(scores.n_true, found_before)):
        return (
            f"the trained weights find {found:,} nuclei there, where {scores.n_true:,} "
            "are labelled"
        )
    return None
