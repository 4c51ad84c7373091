"""How long a training run has taken, and how much of it is done."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet_nuclei.core.settings.training import TrainingSettings


class TrainingClock:
    """Counts the seconds of a run, earlier parts of a resumed one included.

    Parameters
    ----------
    settings : TrainingSettings
        Length of the run.
    seconds_before : float
        What earlier parts took.
    """

    def __init__(self, settings: TrainingSettings, seconds_before: float = 0.0) -> None:
        self._settings = settings
        self._seconds_before = seconds_before
        self._began: float | None = None

    def start(self) -> None:
        """Begin to count."""
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time the run has taken."""
        running = 0.0 if self._began is None else time.monotonic() - self._began
        return self._seconds_before + running

    def progress(self, step: int) -> float:
        """Part of the run that is done after so many steps, from 0 to 1."""
        if self._settings.minutes is not None:
            return min(1.0, self.seconds / (60 * self._settings.minutes))
        n_steps = (self._settings.epochs or 1) * self._settings.steps_per_epoch
        return min(1.0, step / n_steps)
