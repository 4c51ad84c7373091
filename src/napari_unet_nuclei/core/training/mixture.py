"""Several data sets to train on at once, and how much of the crops each provides.

Keras is not imported here.  Which samples of a data set are drawn how often is decided
in :mod:`~napari_unet_nuclei.core.training.crops.batches`, and which are held out, where
nobody says, in :mod:`~napari_unet_nuclei.core.training.holding_out`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.instances.labels import count_annotated
from napari_unet_nuclei.core.training.holding_out import hold_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.settings.training import TrainingSettings


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """A data set to train and validate on, one of several.

    Parameters
    ----------
    name : str
        What it is called in the log and in the model, different from all others.
    samples : sequence of Sample
        Samples to train on.
    validation : sequence of Sample, optional
        Its held-out samples; by default some of ``samples`` are.
    weight : float, optional
        Share of the crops that are drawn from it, relative to the weights of the
        others; ``None``, for it and all others, weighs each by the square root of its
        pixels.
    source : mapping
        Where it comes from and under which licence, for the model to say.
    """

    name: str
    samples: Sequence[Sample]
    validation: Sequence[Sample] | None = None
    weight: float | None = None
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HeldOutSet:
    """The held-out samples of one data set.

    Parameters
    ----------
    name : str
        Name of the data set.
    share : float in (0, 1]
        What its scores count in the mean over all sets.
    samples : sequence of Sample
        The samples.
    """

    name: str
    share: float
    samples: Sequence[Sample]


class DataMixture:
    """Data sets with their shares, which sum to one.

    Parameters
    ----------
    sets : sequence of TrainingSet
        At least one, each with samples to train on and held-out ones.
    shares : sequence of float
        Part of the crops that are drawn from each.

    Attributes
    ----------
    samples, validation : list of Sample
        Those of all sets, one set after the other.  Of several sets their ids begin
        with the name of the set, so that no two are the same.
    """

    def __init__(self, sets: Sequence[TrainingSet], shares: Sequence[float]) -> None:
        self.sets = tuple(sets)
        self.shares = tuple(shares)
        self.samples = [sample for each in sets for sample in each.samples]
        self.validation = [sample for each in sets for sample in each.validation or ()]

    @property
    def is_single(self) -> bool:
        """Whether there is one data set only, so that its name says nothing."""
        return len(self.sets) == 1

    @property
    def held_out(self) -> list[HeldOutSet]:
        """The held-out samples of each set."""
        return [
            HeldOutSet(name=each.name, share=share, samples=each.validation or ())
            for each, share in zip(self.sets, self.shares, strict=True)
        ]


def mix_sets(sets: Sequence[TrainingSet], settings: TrainingSettings) -> DataMixture:
    """Hold samples out where nobody says which, and weigh the sets.

    Parameters
    ----------
    sets : sequence of TrainingSet
        The data sets.
    settings : TrainingSettings
        Says how many samples to hold out, and the seed of that choice.

    Returns
    -------
    DataMixture
        The same sets with their shares.

    Raises
    ------
    TrainingError
        If there is no set, or one without samples to train on or held-out ones; two
        have the same name; or weights are not positive, or only some sets have one.
    """
    names = [each.name for each in sets]
    twice = next((name for name in names if names.count(name) > 1), None)
    if not sets or twice is not None:
        evidence = "none" if twice is None else f"two called {twice!r}"
        raise TrainingError(
            "Expected data sets to train on, each with a name of its own. Received: "
            f"{evidence}; give every set once, under its own name."
        )
    divided = [_divide(each, settings, is_single=len(sets) == 1) for each in sets]
    weights = choose_weights(divided)
    return DataMixture(divided, (weights / weights.sum()).tolist())


def choose_weights(sets: Sequence[TrainingSet]) -> NDArray[np.float64]:
    """Return the weights of data sets, their own or the square roots of their pixels.

    A set with many images gets more of the crops than a small one, but not so many
    more that the small one is not seen.

    Parameters
    ----------
    sets : sequence of TrainingSet
        The data sets.

    Returns
    -------
    (n,) ndarray of float64
        Positive numbers.

    Raises
    ------
    TrainingError
        If one is not positive, or only some sets have one.
    """
    weights = [each.weight for each in sets]
    if all(weight is None for weight in weights):
        pixels = [sum(count_annotated(s.labels) for s in each.samples) for each in sets]
        return np.sqrt(np.array(pixels, np.float64))
    found = np.array([np.nan if w is None else w for w in weights], np.float64)
    if not np.all(np.isfinite(found) & (found > 0)):
        raise TrainingError(
            "Expected a positive weight for each data set, or none for any. Received: "
            f"{', '.join(map(str, weights))}; give as many weights as data sets."
        )
    return found


def _divide(
    data_set: TrainingSet, settings: TrainingSettings, *, is_single: bool
) -> TrainingSet:
    """Return a set with held-out samples; refuse one without either part."""
    samples, validation = data_set.samples, data_set.validation
    if validation is None:
        try:
            samples, validation = hold_out(
                samples, settings.validation_fraction, settings.seed
            )
        except TrainingError as error:
            if is_single:
                raise
            raise TrainingError(f"{data_set.name}: {error}") from error
    if not samples or not validation:
        which = "" if is_single else f" of {data_set.name}"
        raise TrainingError(
            f"Training needs at least one sample{which} to learn from and one held-out "
            f"sample. Received: {len(samples)} and {len(validation)}; check the split."
        )
    if not is_single:
        samples, validation = (
            [replace(s, sample_id=f"{data_set.name}/{s.sample_id}") for s in part]
            for part in (samples, validation)
        )
    return replace(data_set, samples=samples, validation=validation)
