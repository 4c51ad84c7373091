"""Background tasks: the one place where threads are started.

A task runs a generator of the core in a napari worker, so that napari's task
manager can list and cancel it.  What the generator does and what a widget shows
belong elsewhere.

napari's progress bars handle events whenever they change, so any signal may arrive
inside the callback of another.  Steps are therefore fetched by a timer instead of sent
by the worker, and callbacks never overlap.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from napari.qt.threading import GeneratorWorker, create_worker
from napari.utils import progress
from napari.utils.notifications import notification_manager, show_error
from qtpy.QtCore import QTimer

from napari_unet_nuclei.core.cancellation import Cancelled, cancellable
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.plugin.shared.error_messages import describe_error
from napari_unet_nuclei.plugin.shared.step_queue import StepQueue
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from qtpy.QtCore import QObject

Step = TypeVar("Step")
Result = TypeVar("Result")

_INTERVAL_MS = 50  # between two checks for new steps
_TELLING_SECONDS = 0.02  # after which the window may draw and react again


class BackgroundTaskError(UNetNucleiError):
    """A library failed while a task was running."""


class BackgroundTask(Generic[Step, Result]):
    """A generator that runs in a thread, and the callbacks that hear of it.

    Parameters
    ----------
    steps : generator
        What to run; it is closed in its own thread, so its ``finally`` blocks
        run even when it is cancelled.  What it calls can be cancelled too, see
        `napari_unet_nuclei.core.cancellation`.
    description : str
        What napari's activity dialog and task manager call the task.
    owner : QObject
        The task is cancelled when this object is destroyed.
    callbacks : TaskCallbacks
        What hears of steps, result and end.
    is_listed : bool
        Whether napari shows the task among its activities, with a progress bar,
        and asks about it when it is closed; not for what takes a moment.
    """

    def __init__(
        self,
        steps: Generator[Step, None, Result],
        description: str,
        owner: QObject,
        callbacks: TaskCallbacks[Step, Result],
        *,
        is_listed: bool = True,
    ) -> None:
        self.is_running = True
        self._description = description
        self._is_listed = is_listed
        self._callbacks = callbacks
        self._has_owner = True
        self._has_finished = False
        self._has_failed = False
        self._is_left = False
        self._is_telling = False
        self._bar: progress | None = None
        self._tell_outcome: Callable[[], object] | None = None
        self._queue = StepQueue[Step](callbacks.is_kept)
        self.worker = _make_worker(steps, self._queue, description, is_listed=is_listed)
        # Closures, unlike bound methods, keep this task alive while it runs.
        self.worker.returned.connect(lambda result: self._note_result(result))
        self.worker.errored.connect(lambda error: self._note_error(error))
        self.worker.finished.connect(lambda: self._note_finish())
        self._timer = QTimer()
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(lambda: self._tell())
        owner.destroyed.connect(self._abandon)
        self._timer.start()
        self.worker.start()

    def cancel(self) -> None:
        """Stop soon, and pass on no further step."""
        self.worker.quit()
        self._queue.clear()

    def leave(self) -> None:
        """Cancel, and end for the window now; what still runs ends unheard.

        For work that may be stopped at any time, but not at once, because it is in
        a call that cannot be interrupted; see `has_stopped`.
        """
        self.cancel()
        self._is_left = True
        self._tell()

    @property
    def has_stopped(self) -> threading.Event:
        """Set once the generator has been closed; a thread may wait for it."""
        return self.worker.has_stopped

    def _abandon(self) -> None:
        self._has_owner = False
        self.worker.quit()

    def _note_result(self, result: Result) -> None:
        if self.is_running:
            self._tell_outcome = lambda: self._call(self._callbacks.on_result, result)

    def _note_error(self, error: Exception) -> None:
        if not self.is_running:
            return  # left; the error may hold on to an image

        def tell() -> None:
            self._call(notify, error)
            self._call(self._callbacks.on_error, error)

        self._has_failed = True
        self._tell_outcome = tell

    def _note_finish(self) -> None:
        self._has_finished = True
        self._tell()

    def _tell(self) -> None:
        """Call the callbacks; the timer does so later if one is running now."""
        if self._is_telling or not self.is_running:
            return  # inside a callback, which lets other events be handled
        self._is_telling = True
        try:
            self._tell_steps()
            if self._is_left or (self._has_finished and not self._queue):
                self._end()
        finally:
            self._is_telling = False

    def _tell_steps(self) -> None:
        if self.worker.abort_requested:
            self._queue.clear()
        elif self._is_listed and self._bar is None and not self._has_finished:
            self._bar = self.worker.pbar = progress(total=0, desc=self._description)
        start = time.perf_counter()
        fraction = None
        for step in self._queue.drain():
            if self._callbacks.fraction is not None:
                fraction = self._callbacks.fraction(step)
            self._call(self._callbacks.on_step, step)
            if time.perf_counter() - start > _TELLING_SECONDS:
                break
        if fraction is not None:
            self._move_bar(round(100 * fraction))

    def _move_bar(self, percent: int) -> None:
        """Move napari's bar, only if it moves, since it then handles events."""
        bar = self._bar
        if bar is None or bar.disable:  # disabled by the window as it closes
            return
        if bar.total != 100:
            bar.total = 100
        if percent != bar.n:
            bar.update(percent - bar.n)

    def _end(self) -> None:
        self.is_running = False
        self._timer.stop()
        self._timer.timeout.disconnect()
        if self._bar is not None:
            self._bar.close()
        try:
            # A worker that is cancelled during its last step only reports its end.
            is_cancelled = self.worker.abort_requested and not self._has_failed
            if is_cancelled or self._tell_outcome is None:
                self._call(self._callbacks.on_cancel)
            else:
                self._tell_outcome()
        finally:
            self._call(self._callbacks.on_end)
            # napari's task manager keeps the worker, and so this task, until it quits;
            # the images that the callbacks refer to must not stay with it.
            self._callbacks, self._tell_outcome = TaskCallbacks(), None

    def _call(self, callback: Callable[..., object] | None, *values: object) -> None:
        if callback is not None and self._has_owner:
            callback(*values)


def notify(error: Exception) -> None:
    """Show an error to the user: in one sentence if it is one of this package.

    Parameters
    ----------
    error : Exception
        What went wrong; an unexpected error is shown with its traceback.
    """
    if isinstance(error, UNetNucleiError | MemoryError):
        show_error(describe_error(error))
    else:
        notification_manager.receive_error(type(error), error, error.__traceback__)


class _ClosingWorker(GeneratorWorker):  # type: ignore[misc]
    """A generator worker that closes its generator, whatever ended it."""

    def __init__(
        self, func: Any, steps: Generator[Any, None, Any], queue: StepQueue[Any]
    ) -> None:
        super().__init__(func, steps, queue)
        self._steps = steps
        self.has_stopped = threading.Event()

    def run(self) -> None:
        """Run the worker; it ends in silence where Qt has deleted its signals.

        That is when Python exits while it works, because napari was closed.  Nothing
        else gets here: napari's worker catches what the generator raises.
        """
        with suppress(RuntimeError):
            super().run()

    def work(self) -> Any:
        """Run the generator to its end, or until it is cancelled."""
        try:
            with cancellable(lambda: self.abort_requested):
                return super().work()
        except Cancelled:
            self.aborted.emit()
            return None
        finally:
            self._steps.close()
            self.has_stopped.set()


def _make_worker(
    steps: Generator[Any, None, Any],
    queue: StepQueue[Any],
    description: str,
    *,
    is_listed: bool,
) -> _ClosingWorker:
    """Make a worker; napari lists only those it has created itself."""
    function = _named_generator(description)
    if not is_listed:
        return _ClosingWorker(function, steps, queue)
    worker: _ClosingWorker = create_worker(
        function,
        steps,
        queue,
        _worker_class=_ClosingWorker,
        _ignore_errors=True,
        _start_thread=False,
    )
    return worker


class _Named(partial[Any]):
    """A function that napari, where it asks about its tasks, calls by their names."""

    def __str__(self) -> str:
        return str(self.func.__qualname__)


def _named_generator(name: str) -> Callable[..., Generator[None, None, Any]]:
    """Return the function a worker runs; napari shows its name to the user."""

    def run(
        steps: Generator[Any, None, Any], queue: StepQueue[Any]
    ) -> Generator[None, None, Any]:
        while True:
            try:
                queue.put(next(steps))
            except StopIteration as stop:
                return stop.value
            except Cancelled:
                raise
            except BaseException as error:
                if _is_heard(error):
                    raise
                raise BackgroundTaskError(
                    f"{name} failed in a library this plugin builds on: "
                    f"{describe_error(error)}"
                ) from error
            yield  # what napari's worker does between two steps

    run.__qualname__ = name
    return _Named(run)


def _is_heard(error: BaseException) -> bool:
    """Whether napari's worker reports that this error has ended it.

    It treats any RuntimeError as a deleted window, and does not catch what is no
    Exception, such as SystemExit or a panic of Rust.
    """
    return isinstance(error, Exception) and not isinstance(error, RuntimeError)
