"""Words for doubts: what may be wrong with a nucleus, and what speaks for that.

How much each reason weighs belongs in :mod:`.weights`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


DOUBT_COLUMNS = ("doubt", "doubt_reason")
"""What tables say about each nucleus: how doubtful it is, and why."""


class Suspicion(StrEnum):
    """What a doubtful nucleus may be instead of one whole nucleus."""

    MERGED = "merged"
    SPLIT = "split"
    SPURIOUS = "spurious"
    MISSED = "missed"

    @property
    def question(self) -> str:
        """What a person is asked when they are shown it."""
        return _QUESTIONS[self]


class DoubtReason(StrEnum):
    """What about a nucleus, or a place, makes it doubtful."""

    BOUNDARY_ACROSS = "boundary-across"
    DENTED = "dented"
    LARGE = "large"
    SMALL = "small"
    UNCLEAR_CONTACT = "unclear-contact"
    LOW_PROBABILITY = "low-probability"
    CUT_BY_BORDER = "cut-by-border"
    ALMOST_FOUND = "almost-found"

    @property
    def clause(self) -> str:
        """The reason as a part of a sentence about the nucleus."""
        return _CLAUSES[self]


_QUESTIONS = {
    Suspicion.MERGED: "Two nuclei?",
    Suspicion.SPLIT: "Only a part of a nucleus?",
    Suspicion.SPURIOUS: "No nucleus?",
    Suspicion.MISSED: "A nucleus that was missed?",
}
_CLAUSES = {
    DoubtReason.BOUNDARY_ACROSS: "a boundary runs across it",
    DoubtReason.DENTED: "its outline is dented",
    DoubtReason.LARGE: "it is larger than the others",
    DoubtReason.SMALL: "it is smaller than the others",
    DoubtReason.UNCLEAR_CONTACT: "no clear boundary to the nucleus it touches",
    DoubtReason.LOW_PROBABILITY: "its mean probability is low",
    DoubtReason.CUT_BY_BORDER: "it is cut by the border of the image",
    DoubtReason.ALMOST_FOUND: "the probability is almost high enough here",
}


def describe_doubt(suspicion: Suspicion, reasons: Sequence[DoubtReason]) -> str:
    """Say what may be wrong, and why.

    Parameters
    ----------
    suspicion : Suspicion
        What is asked.
    reasons : sequence of DoubtReason
        The strongest first; there may be none.

    Returns
    -------
    str
        A question and at most one sentence.

    Examples
    --------
    >>> describe_doubt(Suspicion.MERGED, [DoubtReason.BOUNDARY_ACROSS])
    'Two nuclei? A boundary runs across it.'
    """
    if not reasons:
        return suspicion.question
    clauses = "; ".join(reason.clause for reason in reasons)
    return f"{suspicion.question} {clauses[0].upper()}{clauses[1:]}."
