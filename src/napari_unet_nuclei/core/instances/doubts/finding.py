"""The public question: which nuclei should be looked at first, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.doubts.reasons import (
    DOUBT_COLUMNS,
    DoubtReason,
    Suspicion,
    describe_doubt,
)
from napari_unet_nuclei.core.instances.doubts.spots import find_spots
from napari_unet_nuclei.core.instances.doubts.traits import measure_traits
from napari_unet_nuclei.core.instances.doubts.weights import (
    doubt_spots,
    rules_for,
    weigh,
)
from napari_unet_nuclei.core.instances.labels import check_labels, hide_ignored

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_unet_nuclei.core.instances.maps import Maps


@dataclass(frozen=True, kw_only=True)
class DoubtfulSpot:
    """A place without a nucleus at which one may have been missed.

    Parameters
    ----------
    place : tuple of int, in px
        Row and column where the foreground probability is highest.
    area : int, in px²
        How much of it may be nucleus.
    doubt : float in [0, 1]
        How likely a nucleus was missed here.
    """

    place: tuple[int, int]
    area: int
    doubt: float

    @property
    def sentence(self) -> str:
        """What is asked about it, and why."""
        return describe_doubt(Suspicion.MISSED, [DoubtReason.ALMOST_FOUND])


@dataclass(frozen=True, kw_only=True, eq=False)
class DoubtfulNuclei:
    """How doubtful each nucleus of an image is, and why.

    Parameters
    ----------
    label : (N,) ndarray of int32
        The nuclei, ascending.
    doubt : (N,) ndarray of float64, values in [0, 1]
        How likely each is a mistake.
    suspicions : tuple of Suspicion
        Which mistake is the likeliest for each.
    reasons : tuple of tuple of DoubtReason
        What speaks for it, the strongest first; there may be none.
    spots : tuple of DoubtfulSpot
        Where nuclei may have been missed, the most doubtful first; none without maps.
    """

    label: NDArray[np.int32]
    doubt: NDArray[np.float64]
    suspicions: tuple[Suspicion, ...]
    reasons: tuple[tuple[DoubtReason, ...], ...]
    spots: tuple[DoubtfulSpot, ...]

    def ranked(self) -> NDArray[np.int32]:
        """Return the nuclei, the most doubtful first."""
        return self.label[np.argsort(-self.doubt, kind="stable")]

    def sentences(self) -> list[str]:
        """Return what is asked about each nucleus, and why."""
        pairs = zip(self.suspicions, self.reasons, strict=True)
        return [describe_doubt(suspicion, reasons) for suspicion, reasons in pairs]

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return columns of a table, with a row for each nucleus.

        Returns
        -------
        dict of str to (N,) ndarray
            ``label``, ``doubt`` and ``doubt_reason``, which is a sentence.
        """
        sentences = np.array(self.sentences(), dtype=object)
        values = self.label, self.doubt, sentences
        return dict(zip(("label", *DOUBT_COLUMNS), values, strict=True))


def find_doubtful_nuclei(labels: ArrayLike, maps: Maps | None = None) -> DoubtfulNuclei:
    """Find out which nuclei may be merged, split or none, and where one was missed.

    Parameters
    ----------
    labels : (Y, X) array_like of integers
        Nuclei, 0 = background.
    maps : Maps, optional
        What they were found in.  Without maps, for labels of another program, only
        shapes and contacts count, and no place is proposed where one was missed.

    Returns
    -------
    DoubtfulNuclei
        By ascending label.

    Raises
    ------
    LabelsError
        If these are no labels, or the maps are not as high and wide.

    Notes
    -----
    Doubts are probabilities of logistic regressions: that a nucleus is merged, by a
    boundary across it, dents and size; split, by an open contact and size; none, by
    its mean probability.  See "Doubtful nuclei" in the documentation's benchmarks.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.ogrid[:60, :90]
    >>> discs = [np.hypot(y - 20, x - column) < 9 for column in (12, 34, 60, 76)]
    >>> labels = np.select([discs[0], discs[1], discs[2] | discs[3]], [1, 2, 3])
    >>> doubts = find_doubtful_nuclei(labels)
    >>> int(doubts.ranked()[0])
    3
    >>> print(doubts.sentences()[2])
    Two nuclei? It is larger than the others.
    """
    checked = hide_ignored(check_labels(labels, may_ignore=True))
    if maps is not None and maps.foreground.shape != checked.shape:
        raise LabelsError(
            "The maps must be as high and wide as the labels. Received: maps "
            f"{maps.foreground.shape}, labels {checked.shape}. Pass the maps that the "
            "labels were made from."
        )
    traits = measure_traits(checked, maps)
    weighed = weigh(traits.by_reason, rules_for(traits.by_reason), traits.label.size)
    spots: tuple[DoubtfulSpot, ...] = ()
    if maps is not None:
        spots = _spots(checked, maps, traits.area)
    return DoubtfulNuclei(
        label=traits.label,
        doubt=weighed.doubt,
        suspicions=weighed.suspicions,
        reasons=weighed.reasons,
        spots=spots,
    )


def _spots(
    labels: NDArray[np.int32], maps: Maps, areas: NDArray[np.intp]
) -> tuple[DoubtfulSpot, ...]:
    found = find_spots(labels, maps, areas)
    doubt = doubt_spots(found)
    order = np.argsort(-doubt, kind="stable")
    columns = found.places[order], found.areas[order], doubt[order]
    return tuple(
        DoubtfulSpot(place=(place[0], place[1]), area=area, doubt=value)
        for place, area, value in zip(
            *(column.tolist() for column in columns), strict=True
        )
    )
