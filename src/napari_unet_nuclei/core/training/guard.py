"""What keeps a training run finite: back to the last good weights, and slower.

A step that is too long, or pixels that are no numbers, end in weights that are no
numbers, from which nothing is ever learned again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.weights import Weights
    from napari_unet_nuclei.core.training.averaging import WeightAverage
    from napari_unet_nuclei.core.training.learner import Learner

MAX_ROLLBACKS = 4
"""Times that a run returns to its last good weights before it gives up."""

_SLOWDOWN = 0.5
_FOLD_EVERY = 4  # steps


class GuardedLearner:
    """Steps of a learner and the average of its weights, kept finite.

    Weights are good when they are finite and the next loss is too.  Where the loss or
    weights become no finite numbers, learner and average go on from the last good
    ones, with nothing in the memory of the optimiser, at half of the learning rate.

    Parameters
    ----------
    learner : Learner
        The network and its optimiser.
    average : WeightAverage
        The average of its weights.
    n_rollbacks : int
        How often earlier parts of a resumed run went back to good weights.

    Attributes
    ----------
    n_rollbacks : int
        The same, with those of this part.
    average : WeightAverage
        The average so far, always finite.
    note : str, optional
        What has gone wrong last, in a sentence; whoever has told it clears it.
    failure : str, optional
        What went wrong when there were no tries left, without a full stop.
    """

    def __init__(
        self, learner: Learner, average: WeightAverage, n_rollbacks: int = 0
    ) -> None:
        self.average = average
        self.note: str | None = None
        self.failure: str | None = None
        self._learner = learner
        self._good = self._latest = (learner.weights, average.copy())
        self.n_rollbacks = n_rollbacks
        self._n_left_out = 0

    def train_on(
        self,
        images: NDArray[np.float32],
        targets: NDArray[np.float32],
        learning_rate: float,
        step: int,
    ) -> dict[str, float] | None:
        """Take one step, and now and then fold the weights into their average.

        Parameters
        ----------
        images, targets, learning_rate
            As in :meth:`Learner.train_on`.
        step : int
            Number of this step, from 0.

        Returns
        -------
        dict of str to float, optional
            Loss and metrics before the step; ``None`` where nothing was learned.
        """
        if not np.isfinite(images).all():
            self._n_left_out += 1
            self.note = self.note or self.describe()
            return None
        rate = learning_rate * self._rate_factor
        values = self._learner.train_on(images, targets, rate)
        if not math.isfinite(values["loss"]):
            self._roll_back(f"The loss became {values['loss']} at step {step}")
            return None
        self._good = self._latest
        if (step + 1) % _FOLD_EVERY == 0:
            self.fold(step + 1)
        return values

    def fold(self, step: int) -> None:
        """Fold the weights into their average after so many steps, if finite."""
        weights = self._learner.weights
        if not are_finite(weights):
            self._roll_back(f"Weights became no finite numbers at step {step}")
            return
        self.average.fold(weights, step)
        self._latest = (weights, self.average.copy())

    def describe(self) -> str | None:
        """Say in a sentence or two what went wrong so far, ``None`` if nothing."""
        parts = []
        if self.failure is not None:
            parts.append(
                f"{self.failure} again, so training stopped early. Train with a "
                "smaller learning rate."
            )
        elif self.n_rollbacks:
            times = "once" if self.n_rollbacks == 1 else f"{self.n_rollbacks} times"
            parts.append(
                f"The loss became no finite number {times}, and training went on from "
                f"the last good weights at {self._rate_factor:.3g} of the learning "
                "rate."
            )
        if self._n_left_out:
            batches = "batch" if self._n_left_out == 1 else "batches"
            parts.append(
                f"{self._n_left_out:,} {batches} held pixels that are no finite "
                "numbers and taught nothing: check the images."
            )
        return " ".join(parts) or None

    @property
    def _rate_factor(self) -> float:
        return _SLOWDOWN**self.n_rollbacks

    def _roll_back(self, reason: str) -> None:
        """Return to the last good weights, or note that this does not help."""
        weights, average = self._latest = self._good
        self.average = average.copy()
        if not are_finite(weights) or self.n_rollbacks == MAX_ROLLBACKS:
            self.failure = reason
            self.note = self.describe()
        else:
            self.n_rollbacks += 1
            self.note = (
                f"{reason}: back to the last good weights, at {self._rate_factor:.3g} "
                "of the learning rate."
            )
        self._learner.roll_back(weights)


def are_finite(weights: Weights) -> bool:
    """Say whether all weights are finite numbers.

    Parameters
    ----------
    weights : dict of str to ndarray of float
        Weights by path.

    Returns
    -------
    bool
        False if any is NaN or infinite.
    """
    return all(bool(np.isfinite(values).all()) for values in weights.values())
