"""Lines that say what a training would take, and what is wrong with it.

What is found is in ``input_check``, when it is looked for in ``input_watch``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import PushButton

from napari_unet_nuclei.core.settings.choices import Annotated
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.theme import DOUBT, PROBLEM, mark

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from magicgui.widgets.bases import Widget

    from napari_unet_nuclei.plugin.finetune.findings import Finding, InputReport

_SUGGESTION = (
    "Are all nuclei labelled? If not, many would be learned as background: choose "
    "'Around what I painted'."
)


class ReportLines:
    """What was found of the chosen pair, and of all that would be trained on.

    Parameters
    ----------
    on_suggestion : callable
        Called when the user follows the suggestion to count only what was painted.
    """

    def __init__(self, on_suggestion: Callable[[], object]) -> None:
        self.chosen = StatusLine(value="", visible=False)
        self.all = StatusLine(value="", visible=False)
        self.follow_button = PushButton(
            text="Count only what I painted",
            tooltip="Ignore everything but the painted nuclei and a ring around each",
            visible=False,
        )
        self.follow_button.changed.connect(lambda: on_suggestion())

    @property
    def widgets(self) -> list[Widget]:
        """The rows of a form that are about all pairs."""
        return [self.all, self.follow_button]

    def clear(self) -> None:
        """Say nothing, as where there is nothing to train on."""
        for words in (self.chosen, self.all):
            show_finding(words, None)
        self.follow_button.visible = False

    def show(
        self, report: InputReport, chosen: Hashable | None, annotated: Annotated
    ) -> None:
        """Say what was found.

        Parameters
        ----------
        report : InputReport
            What was found.
        chosen : Hashable, optional
            Key of the pair that is chosen in the form, if there is one.
        annotated : Annotated
            What of it is annotated, as the form says now.
        """
        own = None if chosen is None else report.findings.get(chosen)
        show_finding(self.chosen, own)
        is_unfinished = report.seems_unfinished and annotated is Annotated.WHOLE_IMAGE
        parts = []
        if report.counts is not None and report.counts.n_nuclei:
            parts.append(report.counts.describe())
        if is_unfinished:
            parts.append(_SUGGESTION)
        problem = report.findings.get(None)
        if problem is not None:
            parts.append(problem.text)
        self.all.value = " ".join(parts)
        self.all.visible = bool(parts)
        is_error = problem is not None and problem.is_error
        mark(self.all.native, PROBLEM, is_set=is_error)
        is_doubtful = (problem is not None or is_unfinished) and not is_error
        mark(self.all.native, DOUBT, is_set=is_doubtful)
        self.follow_button.visible = is_unfinished


def show_finding(words: StatusLine, finding: Finding | None) -> None:
    """Say what was found of a pair or a data set.

    Parameters
    ----------
    words : StatusLine
        Where to say it; hidden where there is nothing to say.
    finding : Finding, optional
        What was found.
    """
    words.value = "" if finding is None else finding.text
    words.visible = finding is not None
    is_error = finding is not None and finding.is_error
    is_warning = finding is not None and finding.has_problem and not is_error
    mark(words.native, PROBLEM, is_set=is_error)
    mark(words.native, DOUBT, is_set=is_warning)
