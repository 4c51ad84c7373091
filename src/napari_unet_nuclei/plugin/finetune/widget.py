"""The widget that fine-tunes a model on labels the user has corrected.

Only controls and what connects them: the run itself is in ``training_process``,
what is said of it in ``sentences``, the curve in ``training_plot``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Container, LineEdit, SpinBox
from magicgui.widgets.bases import Widget
from napari.layers import Image, Labels
from napari.utils.notifications import show_warning

from napari_unet_nuclei.core.errors import TrainingError, UNetNucleiError
from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.plugin.finetune.messages import (
    compare_with_start,
    describe_step,
)
from napari_unet_nuclei.plugin.finetune.model_name import (
    check_model_name,
    free_model_name,
    model_path,
)
from napari_unet_nuclei.plugin.finetune.pair_line import PairLine
from napari_unet_nuclei.plugin.finetune.training_events import StatusEvent, StepEvent
from napari_unet_nuclei.plugin.finetune.training_plot import TrainingPlot
from napari_unet_nuclei.plugin.finetune.training_process import (
    FineTuned,
    FineTuneRequest,
    StillRunning,
    iter_fine_tuning,
)
from napari_unet_nuclei.plugin.shared import commands
from napari_unet_nuclei.plugin.shared.axes_control import AxesControl
from napari_unet_nuclei.plugin.shared.canvas import chosen_channel
from napari_unet_nuclei.plugin.shared.docking import lay_out, show_row
from napari_unet_nuclei.plugin.shared.form import add_row, make_form
from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice
from napari_unet_nuclei.plugin.shared.layers import image_array
from napari_unet_nuclei.plugin.shared.model_choice import ModelChoice, models_changed
from napari_unet_nuclei.plugin.shared.placement import annotated_planes
from napari_unet_nuclei.plugin.shared.run_panel import RunPanel
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.theme import (
    PROBLEM,
    follow_theme,
    mark,
    theme_colours,
)
from napari_unet_nuclei.plugin.shared.wording import describe_error

if TYPE_CHECKING:
    from pathlib import Path

    import napari.viewer

    from napari_unet_nuclei.plugin.finetune.training_events import TrainingEvent

_DEFAULT_MINUTES = 5
_NAME_TOOLTIP = "What the new model is called in the list of models"


class FineTuneWidget(Container[Widget]):
    """Fine-tunes a model on an image layer and its labels, in a child process.

    Keeps in step: the drop-down lists with layers and models, the curve and the
    status line with the process.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where images and labels come from.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._plot: TrainingPlot | None = None
        self._sentence = ""
        self._name_in_use: str | None = None
        self.make_command = commands.fine_tune_arguments
        self.image = LayerChoice(
            viewer, Image, label="Image", tooltip="The image the labels belong to"
        )
        self.annotations = LayerChoice(
            viewer,
            Labels,
            label="Labels",
            tooltip="One number a nucleus, 0 for background. Label every nucleus: what "
            "is not labelled is learned as background. Planes of a stack without "
            "labels are left out.",
        )
        self.axes = AxesControl(viewer, self.image, lambda: self.pair.refresh())
        self.pair = PairLine(
            viewer,
            self.image,
            self.annotations,
            is_running=lambda: self.panel.is_running,
            on_confirm=self.fine_tune,
            on_withdraw=lambda: self.panel.say(""),
        )
        self.start = ModelChoice(
            label="Start from", tooltip="The model whose weights are improved"
        )
        self.minutes = SpinBox(
            value=_DEFAULT_MINUTES,
            min=1,
            max=240,
            label="Time (min)",
            tooltip="A few minutes help already; loading adds half a minute",
        )
        self.model_name = LineEdit(
            value=free_model_name(),
            label="Name",
            tooltip=_NAME_TOOLTIP,
        )
        self.name_problem = StatusLine(label="", visible=False)
        self.panel = RunPanel(
            "Fine-tune",
            "Improve the model on these labels; a part of them is held out to check",
            self.fine_tune,
        )
        super().__init__(widgets=[self.panel], labels=False)
        self._form = make_form(
            [
                self.image,
                self.axes,
                self.annotations,
                self.pair,
                self.start,
                self.minutes,
                self.model_name,
                self.name_problem,
            ]
        )
        lay_out(self, self._form, viewer)
        self.panel.cancel_on_close(self)
        self.name_problem.native.setProperty(PROBLEM, True)
        self.model_name.changed.connect(self._check_name)

    def fine_tune(self) -> None:
        """Fine-tune the chosen model, in the background."""
        if self.panel.is_running:
            return
        try:
            request = self._make_request()
            question = self.pair.ask()
        except UNetNucleiError as error:
            self.panel.refuse(error)
            return
        if question:
            self.panel.say(question)
            return
        self._sentence = "Starting the training process"
        self._name_in_use = request.output.stem
        self._show_plot()
        self.panel.start(
            iter_fine_tuning(request),
            f"Fine-tuning {request.start.stem}",
            TaskCallbacks(
                on_step=self._follow,
                on_result=self._tell_result,
                on_cancel=lambda: self._tell_cancelled(request.output),
                on_end=self._end,
                fraction=lambda event: (
                    event.progress if isinstance(event, StepEvent) else None
                ),
                is_kept=lambda event: not isinstance(event, StillRunning),
            ),
            cancelling="Cancelling: the training process keeps its best weights …",
        )

    def _make_request(self) -> FineTuneRequest:
        image, labels = self.image.layer, self.annotations.layer
        start = self.start.model
        if image is None or labels is None:
            missing = "an image" if image is None else "labels"
            raise TrainingError(
                f"Fine-tuning needs an image and its labels. Received: no layer with "
                f"{missing}; add one, or label nuclei in what Segment nuclei found."
            )
        if start is None:
            raise TrainingError(
                "No model to start from is chosen: choose one or open a model file."
            )
        self.axes.check()
        pixels, axes = image_array(image)
        channel = chosen_channel(image, axes, self._viewer.dims)
        # A copy of the labels, because the user may go on painting.
        painted, plane = annotated_planes(image, labels, channel)
        return FineTuneRequest(
            image=pixels,
            axes=axes,
            channel=channel,
            labels=painted,
            plane=plane,
            start=model_store.find_model(start),
            output=model_path(self.model_name.value),
            minutes=self.minutes.value,
            command=self.make_command,
        )

    def _show_plot(self) -> None:
        if self._plot is None:
            self._plot = TrainingPlot(theme_colours(self._viewer.theme))
            add_row(self._form, self._plot)
            follow_theme(self._viewer, self._plot, self._plot.use)
        self._plot.clear(self.minutes.value)
        show_row(self._form, self._plot)

    def _follow(self, event: TrainingEvent | StillRunning) -> None:
        match event:
            case StatusEvent():
                self._sentence = event.message
            case StepEvent():
                self._sentence = describe_step(event)
                if self._plot is not None:
                    self._plot.add(event)
            case StillRunning():
                minutes, seconds = divmod(round(event.seconds), 60)
                self.panel.say(f"{self._sentence} · {minutes}:{seconds:02d}")

    def _tell_result(self, result: FineTuned) -> None:
        sentence = compare_with_start(result)
        self.panel.say(sentence)
        if not result.is_better:
            show_warning(sentence)
        if result.warning is not None:
            show_warning(result.warning)

    def _tell_cancelled(self, output: Path) -> None:
        if output.exists():
            self.panel.say(f"Cancelled: {output.stem} has the best weights so far.")
        else:
            self.panel.say(
                "Cancelled: nothing better had been found, so no model was added."
            )

    def _end(self) -> None:
        self._offer_models()
        self.pair.catch_up()

    def _offer_models(self) -> None:
        name, self._name_in_use = self._name_in_use, None
        models_changed()
        if self.model_name.value.strip() == name and self._name_problem():
            self.model_name.value = free_model_name()
        self._check_name()

    def _check_name(self) -> None:
        """Say what is wrong with the name while it is typed."""
        problem = self._name_problem()
        mark(self.model_name.native, PROBLEM, is_set=bool(problem))
        self.model_name.tooltip = problem or _NAME_TOOLTIP
        self.name_problem.value = problem
        self.name_problem.visible = bool(problem)
        if problem:
            show_row(self._form, self.name_problem.native)

    def _name_problem(self) -> str:
        if self.model_name.value.strip() == self._name_in_use:
            return ""  # by the run of this widget
        try:
            check_model_name(self.model_name.value)
        except TrainingError as error:
            return describe_error(error)
        return ""
