"""Background tasks: the one place where threads begin.

A task runs a generator of the core in a napari worker, so that napari's task
manager knows it and can cancel it.  What the generator does and what a widget
shows belong elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from napari.qt.threading import GeneratorWorker, create_worker
from napari.utils.notifications import notification_manager, show_error

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.memory import say_lack
from napari_unet_nuclei.plugin.wording import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from qtpy.QtCore import QObject

Step = TypeVar("Step")
Result = TypeVar("Result")


class BackgroundTaskError(UNetNucleiError):
    """Something below this package failed while a task was running."""


class BackgroundTask(Generic[Step, Result]):
    """A generator that runs in a thread, and the callbacks that hear of it.

    Success, error and cancel all end in ``on_end``, called once, after the
    generator has been closed.  All callbacks are called in the main thread, and
    none after the owner is gone.

    Parameters
    ----------
    steps : generator
        What to run; it is closed in its own thread, so its ``finally`` blocks
        run even when it is cancelled.
    description : str
        What napari's activity dialog and task manager call the task.
    owner : QObject
        The task is cancelled when this object is destroyed.
    on_step : callable
        Gets each value the generator yields.
    on_result : callable
        Gets what the generator returns.
    on_error : callable, optional
        Gets the error that ended the task, after the user has been told.
    on_cancel : callable, optional
        Called when the task was cancelled.
    on_end : callable
        Called last, whatever happened.
    fraction : callable, optional
        Turns a step into the part that is done, from 0 to 1, for napari's
        progress bar; ``None`` where a step says nothing about that.
    is_listed : bool
        Whether napari shows the task among its activities, with a progress bar,
        and asks about it when it is closed; not for what takes a moment.
    """

    def __init__(
        self,
        steps: Generator[Step, None, Result],
        description: str,
        owner: QObject,
        *,
        on_step: Callable[[Step], object],
        on_result: Callable[[Result], object],
        on_end: Callable[[], object],
        on_error: Callable[[Exception], object] | None = None,
        on_cancel: Callable[[], object] | None = None,
        fraction: Callable[[Step], float | None] | None = None,
        is_listed: bool = True,
    ) -> None:
        self.is_running = True
        self._has_owner = True
        self._is_told = False
        self._on_step: Callable[[Step], object] | None = on_step
        self._on_result: Callable[[Result], object] | None = on_result
        self._on_end: Callable[[], object] | None = on_end
        self._on_error = on_error
        self._on_cancel = on_cancel
        self._fraction = fraction
        function = _named_generator(description)
        self.worker = (
            create_worker(
                function,
                steps,
                _worker_class=_ClosingWorker,
                _ignore_errors=True,
                _progress={"desc": description},
                _start_thread=False,
            )
            if is_listed
            else _ClosingWorker(function, steps)
        )
        # Closures, unlike bound methods, keep this task alive while it runs.
        self.worker.yielded.connect(lambda step: self._take_step(step))
        self.worker.returned.connect(lambda result: self._take_result(result))
        self.worker.errored.connect(lambda error: self._fail(error))
        self.worker.finished.connect(lambda: self._end())
        owner.destroyed.connect(self._abandon)
        self.worker.start()

    def cancel(self) -> None:
        """Stop at the next step."""
        self.worker.quit()

    def _abandon(self) -> None:
        self._has_owner = False
        self.worker.quit()

    def _take_step(self, step: Step) -> None:
        if self.worker.abort_requested:
            return
        fraction = None if self._fraction is None else self._fraction(step)
        bar = self.worker.pbar
        if fraction is not None and bar is not None:
            if bar.total != 100:
                bar.total = 100
            bar.update(round(100 * fraction) - bar.n)
        self._tell(self._on_step, step)

    def _take_result(self, result: Result) -> None:
        if self.worker.abort_requested:
            return
        self._is_told = True
        self._tell(self._on_result, result)

    def _fail(self, error: Exception) -> None:
        self._is_told = True
        self._tell(notify, error)
        self._tell(self._on_error, error)

    def _end(self) -> None:
        self.is_running = False
        # A worker that is cancelled during its last step says only that it ended.
        if not self._is_told:
            self._tell(self._on_cancel)
        self._tell(self._on_end)
        # napari's task manager keeps the worker, and so this task, for good; what
        # the callbacks know of images must not stay with it.
        self._on_step = self._on_result = self._on_end = None
        self._on_error = self._on_cancel = self._fraction = None

    def _tell(self, callback: Callable[..., object] | None, *values: object) -> None:
        if callback is not None and self._has_owner:
            callback(*values)


def notify(error: Exception) -> None:
    """Tell the user of an error: in one sentence when it is one of ours.

    Parameters
    ----------
    error : Exception
        What went wrong; one that nobody expected is shown with its traceback.
    """
    if isinstance(error, UNetNucleiError):
        show_error(describe_error(error))
    elif isinstance(error, MemoryError):
        show_error(f"There is {say_lack(error)}, or close other programs.")
    else:
        notification_manager.receive_error(type(error), error, error.__traceback__)


class _ClosingWorker(GeneratorWorker):  # type: ignore[misc]
    """A generator worker that closes its generator, whatever ended it."""

    def __init__(self, func: Any, steps: Generator[Any, None, Any]) -> None:
        super().__init__(func, steps)
        self._steps = steps

    def work(self) -> Any:
        """Run the generator to its end, or until it is cancelled."""
        try:
            return super().work()
        finally:
            self._steps.close()


def _named_generator(
    name: str,
) -> Callable[[Generator[Step, None, Result]], Generator[Step, None, Result]]:
    """Make the function a worker runs; napari shows its name to the user."""

    def run(steps: Generator[Step, None, Result]) -> Generator[Step, None, Result]:
        try:
            return (yield from steps)
        except RuntimeError as error:
            # napari's worker takes any RuntimeError for a deleted window and
            # ends without a word.
            raise BackgroundTaskError(
                f"{name} failed in a library this plugin builds on: {error}"
            ) from error

    run.__qualname__ = name
    return run
