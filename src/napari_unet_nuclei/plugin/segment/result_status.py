"""What the panel says about the nuclei on show, and about what has changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.plugin.segment.freshness import describe_changes
from napari_unet_nuclei.plugin.segment.kept_runs import NOTHING, Said

if TYPE_CHECKING:
    from napari_unet_nuclei.plugin.segment.kept_runs import KeptRun, KeptRuns
    from napari_unet_nuclei.plugin.segment.results import ResultKey
    from napari_unet_nuclei.plugin.shared.run_panel import RunPanel

RUN_TEXT = "Segment"
_RUN_AGAIN_TEXT = "● Segment again"


class ResultStatus:
    """Words and run button of the panel.

    Keeps in step: the status line with the last result or with what has changed since,
    the run button with what a new run would change.  While a run is under way, the
    status line is left to that.

    Parameters
    ----------
    panel : RunPanel
        Where it is said.
    runs : KeptRuns
        Each of them keeps what was last said of it.
    """

    def __init__(self, panel: RunPanel, runs: KeptRuns) -> None:
        self._panel = panel
        self._runs = runs
        self._said = NOTHING
        self._changes: list[str] = []

    @property
    def is_pending(self) -> bool:
        """Whether a new run would make other maps."""
        return bool(self._changes)

    @property
    def is_of_result(self) -> bool:
        """Whether the status line says what was last said of a result."""
        return bool(self._panel.status.value == self._said.text)

    def say_result(self, key: ResultKey, said: Said) -> None:
        """Say something of a result that has just been shown."""
        self._remember(key, said)
        self._repeat()

    def say_corrected(self, key: ResultKey | None, text: str) -> None:
        """Say what corrections have made of a result, unless a new run is needed."""
        self._remember(key, Said(text))
        if not self.is_pending:
            self._say_again()

    def say_run(self, run: KeptRun | None) -> None:
        """Say what was last said of another run, if there was one."""
        self._said = NOTHING if run is None else run.said
        self._say_again()

    def forget(self, key: ResultKey | None, *, is_on_show: bool) -> None:
        """Say no more of a result that is gone.

        Parameters
        ----------
        key : ResultKey, optional
            Whose nuclei are gone.
        is_on_show : bool
            Whether it is what the controls are about.
        """
        self._keep(key, NOTHING)
        if is_on_show:
            self.say_run(None)

    def mark(self, changes: list[str]) -> None:
        """Mark the run button, and say what a new run would change, if anything.

        Parameters
        ----------
        changes : list of str
            Output of `freshness.changes`.
        """
        was_pending, self._changes = self.is_pending, changes
        said = describe_changes(changes) if changes else None
        self._panel.run_button.text = RUN_TEXT if said is None else _RUN_AGAIN_TEXT
        self._panel.mark_pending(said)
        if self._panel.is_running:
            return
        if said is not None:
            self._panel.say(said)
        elif was_pending:
            self._repeat()

    def _say_again(self) -> None:
        if not self._panel.is_running:
            self._repeat()

    def _repeat(self) -> None:
        self._panel.say(*self._said)

    def _remember(self, key: ResultKey | None, said: Said) -> None:
        self._said = said
        self._keep(key, said)

    def _keep(self, key: ResultKey | None, said: Said) -> None:
        if (run := self._runs.get(key)) is not None:
            run.said = said
