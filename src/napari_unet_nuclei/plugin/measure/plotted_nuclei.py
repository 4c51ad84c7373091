"""What a plot of nuclei shows: values, groups, bins, and which nuclei are in a box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_GROUPS = 8
"""Groups that get a colour of their own; the rest is one group."""

_OTHERS = "others"
_MOST_VALUES = 100  # of a column whose values are groups
_FEWEST_BINS, _MOST_BINS = 5, 60


@dataclass(frozen=True, kw_only=True, eq=False)
class PlottedNuclei:
    """Nuclei as points, or as a distribution of one value.

    Parameters
    ----------
    label : (N,) ndarray of int
        Numbers of the nuclei.
    x : (N,) ndarray of float
        Their values from left to right; finite.
    y : (N,) ndarray of float, optional
        Their values from bottom to top; ``None`` for a histogram.
    x_name, y_name : str
        What these are.
    group : (N,) ndarray of int
        Which group each one belongs to.
    groups : tuple of str
        Names of the groups.
    """

    label: NDArray[np.integer]
    x: NDArray[np.float64]
    y: NDArray[np.float64] | None = None
    x_name: str = ""
    y_name: str = ""
    group: NDArray[np.intp]
    groups: tuple[str, ...] = ("",)

    def within(
        self, x: tuple[float, float], y: tuple[float, float] | None = None
    ) -> NDArray[np.integer]:
        """Return the labels of the nuclei in a box.

        Parameters
        ----------
        x, y : (float, float)
            Lowest and highest value; without y, all from bottom to top.
        """
        is_inside = (self.x >= x[0]) & (self.x <= x[1])
        if self.y is not None and y is not None:
            is_inside &= (self.y >= y[0]) & (self.y <= y[1])
        return self.label[is_inside]

    def histogram(self) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Count the nuclei of each group in bins of one width.

        Returns
        -------
        edges : (B + 1,) ndarray of float
            Ends of the bins, whose width follows Freedman and Diaconis (1981),
            doi:10.1007/BF01025868.
        counts : (groups, B) ndarray of int
            Nuclei in each bin.
        """
        edges = _bin_edges(self.x)
        counts = [
            np.histogram(self.x[self.group == number], edges)[0]
            for number in range(len(self.groups))
        ]
        return edges, np.array(counts, np.intp)


def plot_nuclei(
    label: NDArray[np.integer],
    x: tuple[str, NDArray[Any]],
    y: tuple[str, NDArray[Any]] | None = None,
    group: tuple[str, NDArray[Any]] | None = None,
) -> PlottedNuclei:
    """Take the values of nuclei that can be shown.

    Parameters
    ----------
    label : (N,) ndarray of int
        Numbers of the nuclei.
    x, y : (str, (N,) ndarray of float)
        Name and values; without y, a histogram is shown.
    group : (str, (N,) ndarray), optional
        Name and values of the column whose values are the groups; a missing value is
        a group, too.

    Returns
    -------
    PlottedNuclei
        Without nuclei that lack one of the values.

    Examples
    --------
    >>> sizes = "area", np.array([3.0, np.nan, 9.0])
    >>> plot_nuclei(np.array([1, 2, 3]), sizes).label.tolist()
    [1, 3]
    """
    is_shown = np.isfinite(x[1])
    if y is not None:
        is_shown &= np.isfinite(y[1])
    number, names = _no_groups(label.size)
    if group is not None:
        number, names = _split_groups(group[0], group[1])
    return PlottedNuclei(
        label=label[is_shown],
        x=x[1][is_shown],
        y=None if y is None else y[1][is_shown],
        x_name=x[0],
        y_name="" if y is None else y[0],
        group=number[is_shown],
        groups=names,
    )


def _no_groups(n_nuclei: int) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    return np.zeros(n_nuclei, np.intp), ("",)


def can_group(values: NDArray[Any]) -> bool:
    """Whether a column has few enough values to be groups."""
    if values.dtype.kind == "f":
        n_distinct = np.unique(values).size  # of which NaN is one
    else:
        n_distinct = len(set(values.tolist()))
    return 1 < n_distinct <= max(MOST_GROUPS, min(_MOST_VALUES, len(values) // 4))


def _split_groups(
    name: str, values: NDArray[Any]
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Give each value of a column a number; the most frequent ones are groups."""
    words = np.array([_spell(value) for value in values], object)
    found, counts = np.unique(words.astype(str), return_counts=True)
    frequent = found[np.argsort(-counts, kind="stable")][:MOST_GROUPS]
    kept = sorted(frequent.tolist(), key=_in_order)
    number = {word: index for index, word in enumerate(kept)}
    names = [f"{name} {word}" for word in kept]
    if len(found) > len(kept):
        names.append(_OTHERS)
    numbers = [number.get(word, len(kept)) for word in words]
    return np.array(numbers, np.intp), tuple(names)


def _spell(value: Any) -> str:
    if value is None or value != value:
        return "missing"
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)


def _in_order(word: str) -> tuple[float, str]:
    try:
        return float(word), word
    except ValueError:
        return np.inf, word


def _bin_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if not values.size:
        return np.array([0.0, 1.0])
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.array([low - 0.5, high + 0.5])
    quartiles = np.percentile(values, [25, 75])
    width = 2 * (quartiles[1] - quartiles[0]) / np.cbrt(values.size)
    n_bins = _FEWEST_BINS if width <= 0 else int(np.ceil((high - low) / width))
    return np.linspace(low, high, int(np.clip(n_bins, _FEWEST_BINS, _MOST_BINS)) + 1)
