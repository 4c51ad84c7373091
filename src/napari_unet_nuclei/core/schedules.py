"""How the learning rate changes over a run."""

from __future__ import annotations

import math

_WARMUP_STEPS = 100


def cosine_learning_rate(peak: float, step: int, progress: float) -> float:
    """Learning rate after a linear warm-up, on a cosine down to zero.

    Parameters
    ----------
    peak : float
        Largest learning rate.
    step : int
        Steps done; the first hundred warm up.
    progress : float in [0, 1]
        Part of the run that is done.

    Returns
    -------
    float
        Learning rate of the next step.

    References
    ----------
    Loshchilov, Hutter: SGDR, ICLR 2017, doi:10.48550/arXiv.1608.03983
    """
    warmup = min(1.0, (step + 1) / _WARMUP_STEPS)
    return peak * warmup * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
