"""What both widgets have: a run button, progress and a status line.

A widget runs one task at a time through its panel.  What the task is, and what is done
with its result, belongs in the widget.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from magicgui.widgets import Container, ProgressBar, PushButton
from magicgui.widgets.bases import Widget
from qtpy.QtCore import QTimer

from napari_unet_nuclei.core.progress import Preparing
from napari_unet_nuclei.plugin.shared.error_messages import describe_error
from napari_unet_nuclei.plugin.shared.primary_button import PrimaryButton
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.theme import DOUBT, mark
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask, notify

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks

_BAR_HEIGHT = 6  # px
_SPACING = 3  # px
_GRACE_MS = 300  # for a cancelled task that may be left, to end by itself
_POLL_SECONDS = 0.05

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
        self.run_button = PrimaryButton(text=run_text, tooltip=run_tooltip)
        self.cancel_button = PushButton(
            text="Cancel", tooltip="Stop what is running", enabled=False
        )
        self.progress_bar = ProgressBar(min=0, max=100, value=0, visible=False)
        self.status = StatusLine(value="")
        self.task: BackgroundTask[Any, Any] | None = None
        self._left: list[BackgroundTask[Any, Any]] = []
        self._may_be_left, self._cancelling = False, ""
        self._run_tooltip = run_tooltip
        self._obstacle: str | None = None
        self._grace = QTimer()
        self._grace.setSingleShot(True)
        self._grace.setInterval(_GRACE_MS)
        self._grace.timeout.connect(self._leave)
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
        buttons.native.layout().setStretch(0, 1)  # the run button is the wide one
        self.native.layout().setSpacing(_SPACING)
        _make_thin(self.progress_bar)
        self.run_button.changed.connect(lambda: on_run())
        self.cancel_button.changed.connect(lambda: self.cancel())

    @property
    def is_running(self) -> bool:
        """Whether a task is under way."""
        return self.task is not None

    def say(self, text: str, tooltip: str = "", is_doubtful: bool = False) -> None:
        """Show a sentence on the status line, in another colour if it asks to check."""
        self.status.value = text
        self.status.tooltip = tooltip
        mark(self.status.native, DOUBT, is_set=is_doubtful)

    def mark_pending(self, reason: str | None) -> None:
        """Show that a run would change what is shown; see `PrimaryButton`."""
        self.run_button.mark_pending(reason)

    def block(self, reason: str | None) -> None:
        """Disable the run button, with the reason as its tooltip, or enable it again.

        Parameters
        ----------
        reason : str, optional
            Why nothing can be started; ``None`` where nothing speaks against it.
        """
        self._obstacle = reason
        self.run_button.tooltip = reason or self._run_tooltip
        self.run_button.enabled = reason is None and not self.is_running

    def refuse(self, error: Exception) -> None:
        """Show why nothing can be started, on the status line and in napari."""
        notify(error)
        self.say(describe_error(error))

    def start(
        self,
        steps: Generator[Step, None, Result],
        description: str,
        callbacks: TaskCallbacks[Step, Result],
        *,
        may_be_left: bool = False,
        cancelling: str = "Cancelling …",
    ) -> None:
        """Run a generator in the background.

        Parameters
        ----------
        steps : generator
            What to run.
        description : str
            What napari calls the task, such as ``"Segmenting cells"``.
        callbacks : TaskCallbacks
            Called after this panel has shown progress, error, cancel or end.
        may_be_left : bool
            Whether a task that does not end soon after it is cancelled is left to
            end in the background.  The next one then waits for it, and yields
            `Preparing` until then.
        cancelling : str
            What the status line says from the cancel to the end of the task.
        """
        self._may_be_left, self._cancelling = may_be_left, cancelling
        self._left = [task for task in self._left if not task.has_stopped.is_set()]
        running: Generator[Step | Preparing, None, Result] = steps
        if self._left:
            running = _after(self._left, steps)
        self.run_button.enabled = False
        self.cancel_button.enabled = True
        self.progress_bar.native.setRange(0, 0)  # busy, for a time unknown
        self.progress_bar.visible = True
        self.say(f"{description} …")
        self.task = BackgroundTask[Any, Result](
            running, description, self.native, self._shown_here(callbacks)
        )

    def _shown_here(
        self, callbacks: TaskCallbacks[Any, Result]
    ) -> TaskCallbacks[Any, Result]:
        """Return callbacks that show on this panel what they pass on."""

        def take_step(step: Any) -> None:
            if callbacks.fraction is not None:
                self._show_progress(callbacks.fraction(step))
            _call(callbacks.on_step, step)

        def tell_error(error: Exception) -> None:
            self.say(describe_error(error))
            _call(callbacks.on_error, error)

        def tell_cancelled() -> None:
            self.say("Cancelled.")
            _call(callbacks.on_cancel)

        def end() -> None:
            self._become_idle()
            _call(callbacks.on_end)

        return replace(
            callbacks,
            on_step=take_step,
            on_error=tell_error,
            on_cancel=tell_cancelled,
            on_end=end,
        )

    def cancel(self) -> None:
        """Ask the task to stop; one that may be left does so in the background."""
        if self.task is not None:
            self.cancel_button.enabled = False
            self.say(self._cancelling)
            self.task.cancel()
            if self._may_be_left:
                self._grace.start()

    def _leave(self) -> None:
        if self.task is not None:
            self._left.append(self.task)
            self.task.leave()

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
        self._grace.stop()
        self.run_button.enabled = self._obstacle is None
        self.cancel_button.enabled = False
        self.progress_bar.visible = False


def _call(callback: Callable[..., object] | None, *values: object) -> None:
    if callback is not None:
        callback(*values)


def _after(
    tasks: Sequence[BackgroundTask[Any, Any]], steps: Generator[Step, None, Result]
) -> Generator[Step | Preparing, None, Result]:
    """Wait for tasks that were left: two at a time would need twice the memory."""
    for task in tasks:
        while not task.has_stopped.wait(_POLL_SECONDS):
            yield Preparing("Waiting for the cancelled run to end")
    return (yield from steps)


def _make_thin(progress_bar: ProgressBar) -> None:
    """Make a bar so thin that its space can stay reserved while it is hidden."""
    bar = progress_bar.native
    bar.setTextVisible(False)
    bar.setFixedHeight(_BAR_HEIGHT)
    policy = bar.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    bar.setSizePolicy(policy)
