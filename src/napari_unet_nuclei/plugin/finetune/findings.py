"""What was found of pairs and data sets, and of all that a training would take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from napari_unet_nuclei.core.instances.annotation_counts import AnnotationCounts
    from napari_unet_nuclei.core.training.checks.problems import InputProblem

_FEWEST_UNPAINTED = 5
_MANY_UNPAINTED = 0.5  # of the painted nuclei
_MOST_SENTENCES = 2  # about one row; the first ones may explain the others


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found of a pair, of a data set, or of all together.

    Parameters
    ----------
    text : str
        What is wrong and what to do, or what there is.
    is_error : bool
        Whether training cannot start.
    has_problem : bool
        Whether something should be looked at.
    """

    text: str
    is_error: bool = False
    has_problem: bool = False


@dataclass(frozen=True, kw_only=True)
class InputReport:
    """What a training would take, and what is wrong with it.

    Parameters
    ----------
    findings : mapping of Hashable to Finding
        By the keys of pairs and data sets; ``None`` for all together.
    counts : AnnotationCounts, optional
        Of all pairs; ``None`` where there is none, or one cannot be counted.
    """

    findings: Mapping[Hashable, Finding]
    counts: AnnotationCounts | None = None

    @property
    def error(self) -> str | None:
        """Why training cannot start, if it cannot."""
        return next(
            (each.text for each in self.findings.values() if each.is_error), None
        )

    @property
    def seems_unfinished(self) -> bool:
        """Whether many nuclei count as background that nobody may have looked at."""
        counts = self.counts
        return (
            counts is not None
            and counts.n_unpainted >= _FEWEST_UNPAINTED
            and counts.n_unpainted > _MANY_UNPAINTED * counts.n_nuclei
        )


def find(problems: Iterable[InputProblem], *, may_stop: bool = True) -> Finding | None:
    """Return problems as what is said of them, those that stop training first.

    Parameters
    ----------
    problems : iterable of InputProblem
        Of one pair or data set, or of all together.
    may_stop : bool
        Whether one of them may stop the training.

    Returns
    -------
    Finding or None
        ``None`` where there is no problem.
    """
    from napari_unet_nuclei.core.training.checks.problems import group_by_kind

    groups = group_by_kind(sorted(problems, key=lambda each: each.is_warning)).values()
    if not groups:
        return None
    sentences = [
        f"{group[0].sentence} {group[0].advice}"
        + ("" if len(group) == 1 else f" ({len(group)} times)")
        for group in groups
    ]
    return Finding(
        text=" ".join(sentences[:_MOST_SENTENCES]),
        is_error=may_stop and not all(group[0].is_warning for group in groups),
        has_problem=True,
    )
