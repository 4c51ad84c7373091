"""How far a mean score could be off by the chance of which images it was measured on.

Scores themselves are in :mod:`~napari_unet_nuclei.core.evaluation.scores`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FEWEST_IMAGES = 5
"""Images below which resampling says nothing about others."""

_LEVEL = 0.95
_N_RESAMPLES = 2000


class Interval(NamedTuple):
    """Where a mean most likely lies.

    Parameters
    ----------
    low, high : float
        The bounds.
    """

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether all of it lies on one side of 0: a difference is no chance."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        """Say it in words, with two decimals."""
        return f"about {write_score(self.low)} to {write_score(self.high)}"


def bootstrap_interval(values: ArrayLike, *, seed: int = 0) -> Interval:
    """Where the mean of a score over images like these lies, in 95 of 100 cases.

    For the gain of one model over another, pass the differences of their scores on
    the same images: a *paired* bootstrap.

    Parameters
    ----------
    values : (n,) array_like of float
        A score, or a difference of scores, of each image; at least `FEWEST_IMAGES`.
    seed : int
        Seed of the resampling.

    Returns
    -------
    Interval
        Percentiles 2.5 and 97.5 of the means over 2,000 samples with replacement.

    Raises
    ------
    LabelsError
        If there are too few values, or some are no finite numbers.

    References
    ----------
    .. [1] Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13.
           https://doi.org/10.1201/9780429246593

    Examples
    --------
    >>> str(bootstrap_interval([0.7, 0.8, 0.9, 0.8, 0.7, 0.9]))
    'about .73 to .87'
    >>> bootstrap_interval([0.1, -0.1, 0.2, 0.0, -0.2]).excludes_zero
    False
    """
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or array.size < FEWEST_IMAGES or not np.isfinite(array).all():
        raise LabelsError(
            f"Expected the finite scores of at least {FEWEST_IMAGES} images. Received: "
            f"shape {array.shape}; measure more images."
        )
    return interval_of(resample_means(array, _N_RESAMPLES, np.random.default_rng(seed)))


def resample_means(
    values: NDArray[np.float64], n_resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the means of samples that chance could have brought instead.

    Parameters
    ----------
    values : (n,) ndarray of float64
        At least one.
    n_resamples : int
        How many samples to draw, each of n values, with replacement.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (n_resamples,) ndarray of float64
        One mean for each sample.
    """
    n = values.size
    # One resample at a time: thousands of images would make a large table.
    draws = (values[rng.integers(n, size=n)].mean() for _ in range(n_resamples))
    return np.fromiter(draws, np.float64, n_resamples)


def interval_of(draws: ArrayLike) -> Interval:
    """Return where 95 of 100 resampled values lie.

    Parameters
    ----------
    draws : (n,) array_like of float
        A score, or a difference of scores, as chance could have brought it.

    Returns
    -------
    Interval
        Percentiles 2.5 and 97.5.
    """
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(np.asarray(draws, np.float64), [tail, 1 - tail])
    return Interval(float(low), float(high))


def interval_of_few(values: ArrayLike, *, seed: int = 0) -> Interval | None:
    """Return `bootstrap_interval`, or ``None`` where there are too few images."""
    array = np.asarray(values, np.float64)
    if array.size < FEWEST_IMAGES:
        return None
    return bootstrap_interval(array, seed=seed)


def write_score(value: float) -> str:
    """Return a score or a gain with two decimals, without the 0 before its point.

    Parameters
    ----------
    value : float
        Mostly between -1 and 1.

    Returns
    -------
    str
        For people to read.

    Examples
    --------
    >>> write_score(0.8049), write_score(-0.02), write_score(1.0)
    ('.80', '-.02', '1.00')
    """
    text = f"{value:.2f}"
    if float(text) == 0:
        return ".00"  # not -.00
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 else text
