"""The best weights of a training run so far, and the model file that holds them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.settings.choices import Monitor
from napari_unet_nuclei.core.training.averaging import are_equal, mix_weights
from napari_unet_nuclei.core.training.choosing import is_preferred, replaces_start
from napari_unet_nuclei.core.training.measuring import Measured, compare_measured
from napari_unet_nuclei.core.training.model_file import ModelFile
from napari_unet_nuclei.core.training.smoke_test import find_failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.instances.maps import SplittingParameters
    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.models.weights import Weights
    from napari_unet_nuclei.core.training.held_out import HeldOutSamples
    from napari_unet_nuclei.core.training.verdict import HeldOutComparison

    OpenVinoForm = tuple[bytes, bytes]


class BestModel:
    """A model that gets better.

    Parameters
    ----------
    output : Path
        File to write.
    config : ModelConfig
        Everything but the weights; may be replaced while there is no final one.
    weights : dict of str to ndarray of float32
        Weights at the beginning of the run.
    monitor : Monitor
        Score that says what is better.
    start_config : ModelConfig, optional
        That of the model that training started from.

    Attributes
    ----------
    weights : dict of str to ndarray of float32
        The best weights so far.
    measured, start : Measured, optional
        What these reach, ``None`` before the first validation; and what the model
        reaches that training started from, ``None`` where it began from scratch.
    failure : str, optional
        Why the last weights could not be kept, whatever their score.

    Raises
    ------
    OutputError
        If the file cannot be a model.
    """

    def __init__(
        self,
        output: Path,
        config: ModelConfig,
        weights: Weights,
        monitor: Monitor = Monitor.DSB2018,
        start_config: ModelConfig | None = None,
    ) -> None:
        self.file = ModelFile(output)
        self.config = config
        self.weights = weights
        self.measured: Measured | None = None
        self.start: Measured | None = None
        self.failure: str | None = None
        self._highest = -math.inf
        self._lowest = math.inf
        self._is_mixed = False
        self._is_resumed = False
        self._monitor = monitor
        self._start_weights = weights
        self._start_config = start_config

    def restore(
        self,
        weights: Weights,
        measured: Measured | None,
        start: Measured | None,
        splitting: SplittingParameters | None,
        highest: float,
    ) -> None:
        """Go on from the best weights of the earlier part of a run.

        Parameters
        ----------
        weights, measured, start
            As among the attributes.
        splitting : SplittingParameters, optional
            Thresholds that the scores are of, where they are not those of the start.
        highest : float
            The highest score of all weights so far, kept or not.
        """
        self._is_resumed = True
        is_start = are_equal(weights, self._start_weights)
        self.weights = self._start_weights if is_start else weights
        self.measured, self.start, self._highest = measured, start, highest
        self._lowest = _loss_of(measured)
        if splitting is not None:
            self.config = replace(self.config, splitting=splitting)

    def score_start(self, held_out: HeldOutSamples, engine: Engine) -> Measured:
        """Score the start with the thresholds that suit it, which all weights get.

        Parameters
        ----------
        held_out : HeldOutSamples
            What to measure on.
        engine : Engine
            Runtime that holds the start.

        Returns
        -------
        Measured
            What others have to beat, to the end of the run.
        """
        splitting, self.start = held_out.tune(engine, self.config, self._monitor)
        self.config = replace(self.config, splitting=splitting)
        return self.start

    @property
    def scores(self) -> Scores | None:
        """Scores of the best weights so far."""
        return None if self.measured is None else self.measured.scores

    @property
    def start_scores(self) -> Scores | None:
        """Scores of the start."""
        return None if self.start is None else self.start.scores

    @property
    def is_better_than_start(self) -> bool:
        """Whether any weights have been better than those of the start."""
        is_start = self.start is not None and self.weights is self._start_weights
        return self.measured is not None and not is_start

    def consider(
        self,
        weights: Weights,
        measured: Measured,
        *,
        writes: bool = True,
        openvino: OpenVinoForm | None = None,
    ) -> bool:
        """Keep weights, and write them, if they are better than all before.

        Parameters
        ----------
        weights : dict of str to ndarray of float32
            Weights by path; not to be changed afterwards.
        measured : Measured
            What they reach on the held-out samples.
        writes : bool
            False where they are only what others have to beat.
        openvino : tuple of bytes, optional
            Their OpenVINO form, where they were scored with it.

        Returns
        -------
        bool
            Whether they are the best so far.
        """
        if self._fails(measured.scores):
            return False
        is_new = self.measured is None or self._is_preferred(measured, self.measured)
        self._highest = max(self._highest, measured.score(self._monitor))
        self._lowest = min(self._lowest, _loss_of(measured))
        if not is_new:
            return False
        self.weights, self.measured = weights, measured
        if writes:
            self.file.write(self._final_config, weights, openvino)
        return True

    def _fails(self, scores: Scores) -> bool:
        """Tell whether weights are not to be kept at all, and remember why."""
        if self.start is not None:
            self.failure = find_failure(scores, self.start.scores)
        return self.failure is not None

    def _is_preferred(self, new: Measured, best: Measured) -> bool:
        """Tell whether new weights are better than the best so far."""
        start = self.start
        if start is not None and not replaces_start(new, start, self._monitor):
            return False
        if start is not None and not self.is_better_than_start:
            return True
        return is_preferred(new, best, self._monitor, self._highest, self._lowest)

    def mix_start(self, part: float) -> None:
        """Take the best weights a part of the way back to those of the start, once.

        Parameters
        ----------
        part : float in [0, 1)
            How much the start counts.
        """
        if part > 0 and self.is_better_than_start and not self._is_mixed:
            self._is_mixed = True
            self.weights = mix_weights(self.weights, self._start_weights, part)

    def tune(
        self,
        held_out: HeldOutSamples,
        engine_with: Callable[[Weights], Engine],
        *,
        start_name: str | None,
        n_steps: int,
        is_hurried: bool = False,
    ) -> tuple[Scores, HeldOutComparison]:
        """Find thresholds for new weights, as was done for the start.

        Parameters
        ----------
        held_out : HeldOutSamples
            What to measure on.
        engine_with : callable
            From weights to a runtime that holds them.
        start_name, n_steps
            As in :class:`HeldOutComparison`.
        is_hurried : bool
            Whether to leave the thresholds as they are, and only measure.

        Returns
        -------
        scores : Scores
            Those of the best weights with their thresholds.
        comparison : HeldOutComparison
            These beside those of the start.
        """
        best = self._settle(held_out, engine_with, is_hurried)
        self.measured = best
        comparison = compare_measured(
            best,
            self.start,
            model=self.file.name,
            start_name=start_name,
            monitor=self._monitor,
            n_steps=n_steps,
            failure=self.failure,
        )
        return best.scores, comparison

    def _settle(
        self,
        held_out: HeldOutSamples,
        engine_with: Callable[[Weights], Engine],
        is_hurried: bool,
    ) -> Measured:
        """Measure the best weights anew, and go back to the start if that is better."""
        if self._is_resumed and self.start is not None:
            self.start = held_out.measure(engine_with(self._start_weights), self.config)
        if self.start is not None and not self.is_better_than_start:
            return self.start
        engine, splitting = engine_with(self.weights), self.config.splitting
        if is_hurried:
            best = held_out.measure(engine, self.config)
        else:
            splitting, best = held_out.tune(engine, self.config, self._monitor)
        if self.start is not None and (
            self._fails(best.scores)
            or not replaces_start(best, self.start, self._monitor)
        ):
            self.weights = self._start_weights
            return self.start
        self.config = replace(self.config, splitting=splitting)
        return best

    @property
    def _final_config(self) -> ModelConfig:
        """Everything but the weights; of the start, the sizes that it knows.

        It has not learned to see other nuclei at the scale of those in new images.
        """
        if self.is_better_than_start or self._start_config is None:
            return self.config
        known = self._start_config
        return replace(
            self.config,
            diameter=known.diameter,
            estimated_diameter=known.estimated_diameter,
            image_diameter=known.image_diameter,
            image_scale=known.image_scale,
            n_symmetries=known.n_symmetries,
        )

    def complete(self) -> str | None:
        """Write the model with its OpenVINO form; say why where it has none."""
        return self.file.complete(self._final_config, self.weights)


def _loss_of(measured: Measured | None) -> float:
    """Return the loss of weights, infinite where it was not measured."""
    return math.inf if measured is None or measured.loss is None else measured.loss
