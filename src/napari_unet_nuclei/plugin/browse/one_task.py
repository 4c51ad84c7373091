"""One background task at a time, whose steps are all heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from qtpy.QtCore import QObject


class OneTask:
    """Runs generators, one after the other.

    Parameters
    ----------
    owner : QObject
        What is running is cancelled once this is gone.
    """

    def __init__(self, owner: QObject) -> None:
        self._owner = owner
        self._task: BackgroundTask[Any, Any] | None = None

    @property
    def is_running(self) -> bool:
        """Whether a task is under way; false again when it calls ``on_end``."""
        return self._task is not None

    def start(
        self,
        steps: Generator[Any, None, Any],
        description: str,
        *,
        on_step: Callable[[Any], object],
        on_result: Callable[[Any], object],
        on_error: Callable[[Exception], object],
        on_end: Callable[[], object],
        is_listed: bool,
    ) -> None:
        """Run a generator in the background; nothing else must be running.

        Parameters
        ----------
        steps : generator
            What to run.
        description : str
            What napari calls it.
        on_step, on_result, on_error, on_end : callable
            As of `TaskCallbacks`.
        is_listed : bool
            Whether napari shows it among its activities.
        """

        def end() -> None:
            self._task = None
            on_end()

        self._task = BackgroundTask(
            steps,
            description,
            self._owner,
            TaskCallbacks(
                on_step=on_step,
                on_result=on_result,
                on_error=on_error,
                on_end=end,
                is_kept=lambda _: True,
            ),
            is_listed=is_listed,
        )
