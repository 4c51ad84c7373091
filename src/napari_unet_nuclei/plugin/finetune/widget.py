"""The widget that fine-tunes a model on labels the user has corrected.

Only what connects its parts: the controls are in ``form``, the run itself is in
``training_process``, what is said of it in ``messages``, the curve in
``training_plot``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Container
from magicgui.widgets.bases import Widget
from napari.utils.notifications import show_warning

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.plugin.finetune.annotate_next import AnnotateNext
from napari_unet_nuclei.plugin.finetune.checked_training import (
    iter_checked_fine_tuning,
)
from napari_unet_nuclei.plugin.finetune.form import FineTuneForm
from napari_unet_nuclei.plugin.finetune.form_input import collect_input, layers_of
from napari_unet_nuclei.plugin.finetune.input_watch import InputWatch
from napari_unet_nuclei.plugin.finetune.messages import (
    NOTHING_KEPT,
    describe_cancelled,
    describe_failed,
    describe_result,
    describe_step,
    describe_time,
)
from napari_unet_nuclei.plugin.finetune.progress_so_far import TrainingProgress
from napari_unet_nuclei.plugin.finetune.training_events import StatusEvent, StepEvent
from napari_unet_nuclei.plugin.finetune.training_plot import TrainingPlot
from napari_unet_nuclei.plugin.finetune.training_process import (
    FineTuned,
    StillRunning,
)
from napari_unet_nuclei.plugin.shared import commands
from napari_unet_nuclei.plugin.shared.docking import lay_out, show_row
from napari_unet_nuclei.plugin.shared.error_messages import describe_error
from napari_unet_nuclei.plugin.shared.form import add_row
from napari_unet_nuclei.plugin.shared.model_choice import models_changed
from napari_unet_nuclei.plugin.shared.run_panel import RunPanel
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.theme import (
    DOUBT,
    follow_theme,
    mark,
    theme_colours,
)

if TYPE_CHECKING:
    from pathlib import Path

    import napari.viewer

    from napari_unet_nuclei.plugin.finetune.findings import InputReport
    from napari_unet_nuclei.plugin.finetune.training_events import TrainingEvent
    from napari_unet_nuclei.plugin.finetune.training_process import MakeCommand


class FineTuneWidget(Container[Widget]):
    """Fine-tunes a model on an image layer and its labels, in a child process.

    Keeps in step: the curve and the status line with the process, the lists of models
    with the new ones.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where images and labels come from.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._plot: TrainingPlot | None = None
        self._activity = ""
        self._progress = TrainingProgress()
        self._better: str | None = None
        self.notes = StatusLine(value="", visible=False)
        self._confirmed = self.fine_tune
        self.watch: InputWatch | None = None  # until there is something to watch
        self.make_command: MakeCommand = commands.fine_tune_arguments
        self.panel = RunPanel(
            "Fine-tune",
            "Improve the model on these labels; some of them are held out to check it",
            self.fine_tune,
        )
        super().__init__(widgets=[self.panel], labels=False)
        form = self._form = FineTuneForm(
            viewer,
            is_running=lambda: self.panel.is_running,
            on_confirm=lambda: self._confirmed(),
            on_withdraw=lambda: self.panel.say(""),
            on_add=self.add_pair,
            on_change=self._note_change,
        )
        self.image, self.annotations = form.image, form.annotations
        self.axes, self.pair = form.axes, form.pair
        self.annotation, self.more = form.annotation, form.more
        self.report_lines = form.lines
        self.start, self.minutes = form.start, form.minutes
        self.model_name, self.name_problem = form.name.field, form.name.words
        self.annotate_next = AnnotateNext(viewer, form, self.panel)
        add_row(form.native, self.annotate_next.native)
        lay_out(self, form.native, viewer)
        self.panel.cancel_on_close(self)
        self.watch = InputWatch(
            self.native,
            collect=lambda: collect_input(form, viewer.dims),
            layers=lambda: layers_of(form),
            on_report=self._show_report,
        )

    def add_pair(self) -> None:
        """Put the chosen pair on the list, once it is clear that it is one."""
        self._confirmed = self.add_pair
        try:
            self.axes.check()
            pair, question = self._form.chosen_pair(), self.pair.ask()
        except UNetNucleiError as error:
            self.panel.refuse(error)
            return
        if question:
            self.panel.say(question)
            return
        self._form.more.add(pair)
        show_row(self._form.native, self._form.more.native)

    def fine_tune(self) -> None:
        """Fine-tune the chosen model, in the background."""
        if self.panel.is_running:
            return
        self._confirmed = self.fine_tune
        try:
            request = self._form.make_request(self.make_command)
            question = self.pair.ask() if self._form.takes_chosen else ""
        except UNetNucleiError as error:
            self.panel.refuse(error)
            return
        if question:
            self.panel.say(question)
            return
        self._activity = "Starting the training process"
        self._progress = TrainingProgress(minutes=request.minutes)
        self.notes.value, self.notes.visible = "", False
        if self.watch is not None:
            self.watch.hold()
        self._form.name.claim(request.output.stem)
        self._show_plot()
        self.panel.start(
            iter_checked_fine_tuning(request),
            f"Fine-tuning {request.start.stem}",
            TaskCallbacks(
                on_step=self._follow,
                on_result=self._tell_result,
                on_cancel=lambda: self._tell_cancelled(request.output),
                on_error=lambda error: self._tell_failed(request.output, error),
                on_end=self._end,
                fraction=lambda event: (
                    event.progress if isinstance(event, StepEvent) else None
                ),
                is_kept=lambda event: not isinstance(event, StillRunning),
            ),
            cancelling="Cancelling: the training process keeps its best weights …",
        )

    def _note_change(self) -> None:
        if self.watch is not None:
            self.watch.note()

    def _show_report(self, report: InputReport | None) -> None:
        self._form.show(report)
        self.panel.block(None if report is None else report.error)

    def _show_plot(self) -> None:
        if self._plot is None:
            self._plot = TrainingPlot(theme_colours(self._viewer.theme))
            add_row(self._form.native, self._plot)
            add_row(self._form.native, self.notes.native)
            mark(self.notes.native, DOUBT, is_set=True)
            follow_theme(self._viewer, self._plot, self._plot.use)
        self._plot.clear(self._progress.minutes)
        show_row(self._form.native, self._plot)

    def _follow(self, event: TrainingEvent | StillRunning) -> None:
        match event:
            case StatusEvent():
                self._activity = event.message
            case StepEvent():
                self._activity = describe_step(event)
                self._progress.add(event)
                self._tell_note(event.note)
                if self._plot is not None:
                    self._plot.add(event)
            case StillRunning():
                time = describe_time(event.seconds, self._progress)
                self.panel.say(f"{self._activity} · {time}")

    def _tell_result(self, result: FineTuned) -> None:
        said = describe_result(result)
        self.panel.say(said)
        if self._plot is not None:  # in sight, although the sentence takes height
            show_row(self._form.native, self._plot)
        self._tell_note(result.note)
        if result.is_better:
            self._better = result.name
        else:
            show_warning(said)
        if result.warning is not None:
            show_warning(result.warning)

    def _tell_note(self, note: str | None) -> None:
        """Say below the curves what has gone wrong on the way; the last one stays."""
        if note is not None:
            self.notes.value, self.notes.visible = note, True

    def _tell_cancelled(self, output: Path) -> None:
        is_kept = output.exists()
        self._better = output.stem if is_kept else None
        self.panel.say(
            describe_cancelled(output.stem, self._progress) if is_kept else NOTHING_KEPT
        )

    def _tell_failed(self, output: Path, error: Exception) -> None:
        """Say which model stays, below the error that has ended the run."""
        if self._progress.start_score is not None and output.exists():
            self._better = output.stem
            reason = describe_error(error)
            self.panel.say(describe_failed(reason, output.stem, self._progress))

    def _end(self) -> None:
        better, self._better = self._better, None
        models_changed(better=better)
        self._form.name.release()
        self.pair.catch_up()
        if self.watch is not None:
            self.watch.release()
