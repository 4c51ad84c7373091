"""The best weights of a training run so far, and the model file that holds them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import EngineError
from napari_unet_nuclei.core.models.bundle import (
    ModelBundle,
    check_suffix,
    write_bundle,
)
from napari_unet_nuclei.core.networks.exporting import (
    add_openvino,
    add_openvino_at_once,
)
from napari_unet_nuclei.core.settings.choices import Monitor
from napari_unet_nuclei.core.training.averaging import mix_weights
from napari_unet_nuclei.core.training.measuring import compare_measured
from napari_unet_nuclei.core.training.smoke_test import find_failure
from napari_unet_nuclei.core.training.steps import is_better
from napari_unet_nuclei.core.writing.atomic_files import remove_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.instances.maps import SplittingParameters
    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.models.weights import Weights
    from napari_unet_nuclei.core.training.held_out import HeldOutSamples
    from napari_unet_nuclei.core.training.measuring import Measured
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

    Attributes
    ----------
    scores, start_scores : Scores, optional
        Those of the best weights, ``None`` before the first validation; and those of
        the model that training started from, ``None`` where it began from scratch.
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
    ) -> None:
        check_suffix(output)
        self.config = config
        self.weights = weights
        self.scores: Scores | None = None
        self.start_scores: Scores | None = None
        self.failure: str | None = None
        self._written: ModelBundle | None = None
        self._is_mixed = False
        self._output = output
        self._monitor = monitor
        self._start_weights = weights
        self._start: Measured | None = None

    def restore(
        self,
        weights: Weights,
        scores: Scores | None,
        start_scores: Scores | None,
        splitting: SplittingParameters | None,
    ) -> None:
        """Go on from the best weights of the earlier part of a run."""
        self.weights, self.scores = weights, scores
        self.start_scores = start_scores
        if splitting is not None:
            self.config = replace(self.config, splitting=splitting)

    def score_start(self, held_out: HeldOutSamples, engine: Engine) -> Scores:
        """Score the start with the thresholds that suit it, which all weights get.

        Parameters
        ----------
        held_out : HeldOutSamples
            What to measure on.
        engine : Engine
            Runtime that holds the start.

        Returns
        -------
        Scores
            What others have to beat, to the end of the run.
        """
        splitting, self._start = held_out.tune(engine, self.config, self._monitor)
        self.config = replace(self.config, splitting=splitting)
        self.start_scores = self._start.scores
        return self.start_scores

    @property
    def is_better_than_start(self) -> bool:
        """Whether any weights have been better than those of the start."""
        return self.scores is not None and self.scores != self.start_scores

    def consider(
        self,
        weights: Weights,
        scores: Scores,
        *,
        writes: bool = True,
        openvino: OpenVinoForm | None = None,
    ) -> bool:
        """Keep weights, and write them, if they are better than all before.

        Parameters
        ----------
        weights : dict of str to ndarray of float32
            Weights by path; not to be changed afterwards.
        scores : Scores
            Their scores on the held-out samples.
        writes : bool
            False where they are only what others have to beat.
        openvino : tuple of bytes, optional
            Their OpenVINO form, where they were scored with it.

        Returns
        -------
        bool
            Whether they are the best so far.
        """
        if self._fails(scores):
            return False
        best = self.scores
        if best is not None and not is_better(scores, best, self._monitor):
            return False
        self.weights, self.scores = weights, scores
        if writes:
            bundle = replace(self._bundle(), openvino=openvino)
            self._write(bundle if openvino else add_openvino_at_once(bundle))
        return True

    def _fails(self, scores: Scores) -> bool:
        """Tell whether weights are not to be kept at all, and remember why."""
        if self.start_scores is not None:
            self.failure = find_failure(scores, self.start_scores)
        return self.failure is not None

    def mix_start(self, part: float) -> None:
        """Take the best weights a part of the way back to those of the start, once.

        Parameters
        ----------
        part : float in [0, 1)
            How much the start counts.
        """
        if part > 0 and not self._is_mixed:
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
        best, start = self._tune(held_out, engine_with, is_hurried)
        comparison = compare_measured(
            best,
            start,
            model=self._output.stem,
            start_name=start_name,
            monitor=self._monitor,
            n_steps=n_steps,
            failure=self.failure,
        )
        return best.scores, comparison

    def _tune(
        self,
        held_out: HeldOutSamples,
        engine_with: Callable[[Weights], Engine],
        is_hurried: bool,
    ) -> tuple[Measured, Measured | None]:
        """Return what the best weights, and the start, reach; one where it is best."""
        config, monitor = self.config, self._monitor
        is_new, start = self.is_better_than_start, self._start
        if start is None and self.start_scores is not None:  # resumed
            start = held_out.measure(engine_with(self._start_weights), config)
        if start is not None:
            self.start_scores = start.scores
            if not is_new:
                self.scores = start.scores
                return start, start
        engine, splitting = engine_with(self.weights), config.splitting
        if is_hurried:
            best = held_out.measure(engine, config)
        else:
            splitting, best = held_out.tune(engine, config, monitor)
        if start is not None and (
            self._fails(best.scores)
            or not is_better(best.scores, start.scores, monitor)
        ):
            self.weights, self.scores = self._start_weights, start.scores
            return start, start
        self.scores, self.config = best.scores, replace(config, splitting=splitting)
        return best, start

    def complete(self) -> str | None:
        """Write the model with its OpenVINO form.

        Returns
        -------
        str, optional
            Why it has none: it is a model all the same, but slower.
        """
        if self._is_complete:
            return None
        bundle, written, warning = self._bundle(), self._written, None
        if written is not None and written.weights is self.weights:
            bundle = replace(bundle, openvino=written.openvino)
        try:
            bundle = bundle if bundle.openvino else add_openvino(bundle)
        except EngineError as error:
            warning = str(error)
        self._write(bundle)
        return warning

    @property
    def is_written(self) -> bool:
        """Whether this run has written the file."""
        return self._written is not None

    @property
    def _is_complete(self) -> bool:
        """Whether the file holds all there is, as after each better epoch."""
        written = self._written
        return (
            written is not None
            and written.openvino is not None
            and written.weights is self.weights
            and written.config is self.config
        )

    def remove(self) -> None:
        """Remove the file, if this run has written it.

        Raises
        ------
        OutputError
            If it cannot be removed.
        """
        if self.is_written:
            remove_file(self._output)

    def _write(self, bundle: ModelBundle) -> None:
        write_bundle(self._output, bundle)
        self._written = bundle

    def _bundle(self) -> ModelBundle:
        return ModelBundle(
            name=self._output.stem, config=self.config, weights=self.weights
        )
