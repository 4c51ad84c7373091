"""The validation samples of a training run, and the pictures of the last validation.

How samples are held out, predicted and scored is in
:mod:`~napari_unet_nuclei.core.training.validation`.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.evaluation.scores import summarise
from napari_unet_nuclei.core.instances.labels import label_areas
from napari_unet_nuclei.core.training.choosing import are_few
from napari_unet_nuclei.core.training.crops.targets import make_targets
from napari_unet_nuclei.core.training.map_loss import (
    measure_loss,
    measure_nucleus_losses,
)
from napari_unet_nuclei.core.training.measuring import Measured
from napari_unet_nuclei.core.training.set_scores import average_scores
from napari_unet_nuclei.core.training.validation import (
    find_outcomes,
    find_thresholds,
    predict_samples,
    score_maps,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.settings.choices import Monitor
    from napari_unet_nuclei.core.training.mixture import HeldOutSet
    from napari_unet_nuclei.core.training.pictures import ShownSamples


class HeldOutSamples:
    """Samples that are never trained on.

    The score of several data sets is the mean of the scores of each, weighted by their
    shares.

    Parameters
    ----------
    sets : sequence of HeldOutSet
        The samples of each data set.
    shown : ShownSamples, optional
        Those to draw whenever they are scored.
    tunes : bool
        Whether other thresholds than usual may be found.  Those that suit these samples
        better may suit what else a model knows worse.

    Attributes
    ----------
    pictures : dict of str to (Y, X, 3) ndarray of uint8
        What was drawn last, by sample id.
    seconds : float
        How long the last score took.
    """

    def __init__(
        self,
        sets: Sequence[HeldOutSet],
        shown: ShownSamples | None = None,
        *,
        tunes: bool = True,
    ) -> None:
        self._sets = sets
        self._shown = shown
        self._tunes = tunes
        self.pictures: dict[str, NDArray[np.uint8]] = {}
        self.seconds = math.inf

    def score(self, engine: Engine, config: ModelConfig) -> Measured:
        """Compare the nuclei that a network finds with the true ones.

        Parameters
        ----------
        engine : Engine
            Runtime that holds the network.
        config : ModelConfig
            Its geometry and thresholds.

        Returns
        -------
        Measured
            Scores over all samples, of several sets :class:`SetScores`, and the loss;
            without what became of each nucleus, which would take longer.
        """
        began = time.monotonic()
        maps = self._predict(engine, config)
        scores = self._score(maps, config.splitting)
        measured = self._with_losses(Measured(scores=scores), maps)
        self.seconds = time.monotonic() - began
        self._draw(maps, config.splitting)
        return measured

    def measure(self, engine: Engine, config: ModelConfig) -> Measured:
        """Return scores and loss, with what chance could have made of the scores."""
        maps = self._predict(engine, config)
        measured = self._measure(maps, config.splitting)
        return self._with_losses(measured, maps)

    def tune(
        self, engine: Engine, config: ModelConfig, monitor: Monitor
    ) -> tuple[SplittingParameters, Measured]:
        """Find the thresholds that suit a network best, by one of its scores.

        Parameters
        ----------
        engine, config
            As in :meth:`score`.
        monitor : Monitor
            Score that says what is better.

        Returns
        -------
        parameters : SplittingParameters
            The best thresholds: other ones only if they gain more than chance brings.
        measured : Measured
            What they reach.
        """
        maps = self._predict(engine, config)
        splitting = config.splitting
        if self._tunes:
            measure = partial(self._measure, maps)
            splitting, measured = find_thresholds(measure, splitting, monitor)
        else:
            measured = self._measure(maps, splitting)
        self._draw(maps, splitting)
        return splitting, self._with_losses(measured, maps)

    def _draw(
        self, maps: Sequence[Sequence[Maps]], splitting: SplittingParameters
    ) -> None:
        if self._shown is not None:
            of_all = list(chain.from_iterable(maps))
            self.pictures = self._shown.draw(of_all, splitting)

    def _predict(self, engine: Engine, config: ModelConfig) -> list[list[Maps]]:
        return [predict_samples(engine, config, each.samples) for each in self._sets]

    def _score(
        self, maps: Sequence[Sequence[Maps]], parameters: SplittingParameters
    ) -> Scores:
        return self._join(
            [
                score_maps(of_set, each.samples, parameters)
                for each, of_set in zip(self._sets, maps, strict=True)
            ]
        )

    def _measure(
        self, maps: Sequence[Sequence[Maps]], parameters: SplittingParameters
    ) -> Measured:
        outcomes = [
            find_outcomes(of_set, each.samples, parameters)
            for each, of_set in zip(self._sets, maps, strict=True)
        ]
        return Measured(
            scores=self._join(
                [summarise([image.scores for image in of_set]) for of_set in outcomes]
            ),
            outcomes=outcomes,
            shares=[each.share for each in self._sets],
        )

    def _with_losses(
        self, measured: Measured, maps: Sequence[Sequence[Maps]]
    ) -> Measured:
        """Measure the loss of each set as its scores, and of each nucleus.

        Nothing is measured where so many nuclei are held out that their score will do.
        """
        if self._targets is None:
            return measured
        losses, of_nuclei = [], []
        for each, of_set, targets in zip(self._sets, maps, self._targets, strict=True):
            images = list(zip(of_set, targets, each.samples, strict=True))
            losses.append(np.mean([measure_loss(m, true) for m, true, _ in images]))
            of_nuclei += [
                measure_nucleus_losses(m, true, sample.labels)
                for m, true, sample in images
            ]
        return replace(
            measured,
            loss=float(np.average(losses, weights=[each.share for each in self._sets])),
            nucleus_losses=np.concatenate(of_nuclei),
        )

    @cached_property
    def _targets(self) -> list[list[NDArray[np.float32]]] | None:
        """The true maps, where so few nuclei are held out that they are needed."""
        labels = [[sample.labels for sample in each.samples] for each in self._sets]
        if not are_few(sum(label_areas(each)[0].size for each in chain(*labels))):
            return None
        return [[make_targets(each) for each in of_set] for of_set in labels]

    def _join(self, scores: Sequence[Scores]) -> Scores:
        if len(scores) == 1:
            return scores[0]
        by_set = dict(zip((each.name for each in self._sets), scores, strict=True))
        return average_scores(by_set, [each.share for each in self._sets])
