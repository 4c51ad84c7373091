"""What both widgets have: a form of controls, a run button and a status line.

A widget runs one task at a time through its panel; what the task is and what
becomes of its result is its own affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from magicgui.widgets import Container, Label, ProgressBar, PushButton
from magicgui.widgets.bases import ButtonWidget, Widget
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QLabel, QSizePolicy, QWidget

from napari_unet_nuclei.plugin.wording import describe_error
from napari_unet_nuclei.plugin.workers import BackgroundTask, notify

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence


Step = TypeVar("Step")
Result = TypeVar("Result")


class RunPanel(Container[Widget]):
    """Starts a task, shows how far it is, and is idle again however it ends.

    Parameters
    ----------
    run_text, run_tooltip : str
        Text and tooltip of the run button.
    on_run : callable
        Called when the run button is pressed.
    """

    def __init__(
        self, run_text: str, run_tooltip: str, on_run: Callable[[], object]
    ) -> None:
        self.run_button = PushButton(text=run_text, tooltip=run_tooltip)
        self.cancel_button = PushButton(
            text="Cancel", tooltip="Stop what is running", enabled=False
        )
        self.progress_bar = ProgressBar(min=0, max=100, value=0, visible=False)
        self.status = Label(value="")
        self.task: BackgroundTask[Any, Any] | None = None
        buttons = Container[PushButton](
            widgets=[self.run_button, self.cancel_button],
            layout="horizontal",
            labels=False,
        )
        buttons.margins = (0, 0, 0, 0)
        super().__init__(
            widgets=[buttons, self.progress_bar, self.status], labels=False
        )
        self.margins = (0, 0, 0, 0)
        _let_wrap(self.status.native)
        self.run_button.changed.connect(lambda: on_run())
        self.cancel_button.changed.connect(lambda: self.cancel())

    @property
    def is_running(self) -> bool:
        """Whether a task is under way."""
        return self.task is not None

    def say(self, text: str, tooltip: str = "") -> None:
        """Show a sentence on the status line."""
        self.status.value = text
        self.status.tooltip = tooltip

    def refuse(self, error: Exception) -> None:
        """Say why nothing can be started, on the status line and in napari."""
        notify(error)
        self.say(describe_error(error))

    def start(
        self,
        steps: Generator[Step, None, Result],
        description: str,
        *,
        on_step: Callable[[Step], object],
        on_result: Callable[[Result], object],
        on_cancel: Callable[[], object] | None = None,
        on_end: Callable[[], object] | None = None,
        fraction: Callable[[Step], float | None],
    ) -> None:
        """Run a generator in the background.

        Parameters
        ----------
        steps : generator
            What to run.
        description : str
            What napari calls the task, such as ``"Segmenting cells"``.
        on_step, on_result : callable
            Get what the generator yields and returns.
        on_cancel : callable, optional
            Called once a cancelled task has ended.
        on_end : callable, optional
            Called last, however the task ended.
        fraction : callable
            Turns a step into the part that is done, ``None`` if it cannot say.
        """
        self.run_button.enabled = False
        self.cancel_button.enabled = True
        self.progress_bar.native.setRange(0, 0)  # busy, for a time unknown
        self.progress_bar.visible = True
        self.say(f"{description} …")

        def take_step(step: Step) -> None:
            self._show_progress(fraction(step))
            on_step(step)

        def tell_cancelled() -> None:
            self.say("Cancelled.")
            if on_cancel is not None:
                on_cancel()

        def end() -> None:
            self._become_idle()
            if on_end is not None:
                on_end()

        self.task = BackgroundTask(
            steps,
            description,
            self.native,
            on_step=take_step,
            on_result=on_result,
            on_error=lambda error: self.say(describe_error(error)),
            on_cancel=tell_cancelled,
            on_end=end,
            fraction=fraction,
        )

    def cancel(self) -> None:
        """Ask the task to stop; it does so at its next step."""
        if self.task is not None:
            self.cancel_button.enabled = False
            self.say("Cancelling …")
            self.task.cancel()

    def cancel_on_close(self, widget: Widget) -> None:
        """Cancel the task when the user closes the widget this panel is in.

        napari only takes a closed widget out of its window; it may live on unseen.

        Parameters
        ----------
        widget : Widget
            What napari docks.
        """

        def cancel_if_closed() -> None:
            if widget.native.parent() is None:
                self.cancel()

        widget.native_parent_changed.connect(cancel_if_closed)

    def _show_progress(self, fraction: float | None) -> None:
        if fraction is not None:
            self.progress_bar.native.setRange(0, 100)
            self.progress_bar.native.setValue(round(100 * fraction))

    def _become_idle(self) -> None:
        self.task = None
        self.run_button.enabled = True
        self.cancel_button.enabled = False
        self.progress_bar.visible = False


def make_form(widgets: Sequence[Widget]) -> QWidget:
    """Put controls below each other, their labels in one column.

    magicgui's own labels are as wide as they would be in Qt's font, which is not
    napari's.

    Parameters
    ----------
    widgets : sequence of Widget
        Controls; buttons and boxes to tick bring their own text, and what has an empty
        label takes the whole width.

    Returns
    -------
    QWidget
        To be put into a layout.
    """
    form = QWidget()
    layout = QFormLayout(form)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for widget in widgets:
        if isinstance(widget, ButtonWidget) or not widget.label:
            layout.addRow(widget.native)
        else:
            label = QLabel(widget.label)
            label.setToolTip(widget.tooltip)
            layout.addRow(label, widget.native)
    return form


def _let_wrap(label: QLabel) -> None:
    """Let a label take the width there is and the height its text then needs."""
    label.setWordWrap(True)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    policy.setHeightForWidth(True)
    label.setSizePolicy(policy)
    label.setMinimumHeight(3 * label.fontMetrics().lineSpacing())
    label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
