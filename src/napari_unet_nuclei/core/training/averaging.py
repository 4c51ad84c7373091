"""Averages of a network's weights: over the steps of a run, and with its start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_unet_nuclei.core.models.weights import Weights


class WeightAverage:
    """Average of the weights a network has had, the latest ones weighing most.

    Parameters
    ----------
    weights : dict of str to ndarray of float32
        Weights to begin with.
    momentum : float in [0, 1)
        Part of the average that stays at each step; less at the beginning of a run,
        so that it does not remember the untrained network.
    step : int
        Steps done.

    References
    ----------
    Polyak, Juditsky: Acceleration of stochastic approximation by averaging, SIAM J.
    Control Optim. 1992, doi:10.1137/0330046
    """

    def __init__(self, weights: Weights, momentum: float, step: int = 0) -> None:
        self._weights = weights
        self._momentum = momentum
        self._step = step

    def fold(self, weights: Weights, step: int) -> None:
        """Take in the weights after a step, for all steps since the last call."""
        momentum = min(self._momentum, (1 + step) / (10 + step))
        momentum **= step - self._step
        self._step = step
        self._weights = {
            path: (momentum * average + (1 - momentum) * weights[path]).astype(
                np.float32
            )
            for path, average in self._weights.items()
        }

    def copy(self) -> WeightAverage:
        """Return an average that goes on from here by itself."""
        return WeightAverage(self._weights, self._momentum, self._step)

    @property
    def weights(self) -> Weights:
        """The average so far; it is not changed by later steps."""
        return self._weights


def mix_weights(weights: Weights, others: Weights, part: float) -> Weights:
    """Take each weight a part of the way to another one.

    A fine-tuned network mixed with the one it began as keeps more of what that knew,
    and is often no worse, or better, at what it was tuned for.

    Parameters
    ----------
    weights, others : dict of str to ndarray of float32
        Weights of two networks of one shape, by path.
    part : float in [0, 1]
        How much the others count.

    Returns
    -------
    dict of str to ndarray of float32
        New weights.

    References
    ----------
    Wortsman et al.: Robust fine-tuning of zero-shot models, CVPR 2022,
    doi:10.1109/CVPR52688.2022.00780
    """
    return {
        path: ((1 - part) * weight + part * others[path]).astype(np.float32)
        for path, weight in weights.items()
    }


def are_equal(weights: Weights, others: Weights) -> bool:
    """Tell whether two networks have the same weights.

    Parameters
    ----------
    weights, others : dict of str to ndarray of float32
        Weights of two networks of one shape, by path.

    Returns
    -------
    bool
        Whether each number is the same.
    """
    return all(np.array_equal(weights[path], others[path]) for path in others)
