"""One training run: what each step does to weights, scores and files.

The loop that drives it is in ``training``; the network itself is in ``learner``, and
how the files look is the business of ``training_state`` and ``training_files``.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.instances.diameter import annotated_diameter
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.models.config import MAPS, ModelConfig
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.training.averaging import WeightAverage, mix_weights
from napari_unet_nuclei.core.training.best_model import BestModel
from napari_unet_nuclei.core.training.clock import TrainingClock
from napari_unet_nuclei.core.training.crops.batches import typical_diameter
from napari_unet_nuclei.core.training.held_out import HeldOutSamples
from napari_unet_nuclei.core.training.identity import check_same_run, identify_run
from napari_unet_nuclei.core.training.learner import Learner
from napari_unet_nuclei.core.training.log import (
    make_row,
    remove_companions,
    write_log,
    write_loss_curve,
)
from napari_unet_nuclei.core.training.metrics import METRICS
from napari_unet_nuclei.core.training.schedules import (
    count_plateaus,
    epochs_since_best,
    scheduled_learning_rate,
)
from napari_unet_nuclei.core.training.state import (
    TrainingState,
    remove_state,
    state_path,
    write_state,
)
from napari_unet_nuclei.core.training.steps import (
    TrainingReport,
    TrainingStep,
    is_better,
    summarise_scores,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.instances.maps import SplittingParameters
    from napari_unet_nuclei.core.models.weights import Weights
    from napari_unet_nuclei.core.settings.training import TrainingSettings
    from napari_unet_nuclei.core.training.pictures import ShownSamples

_AVERAGE_EVERY = 4


class TrainingRun:
    """State of one run: learner, averaged weights, clock, best scores and log.

    The averaged weights are the ones that are validated and saved.

    Parameters
    ----------
    samples, validation : sequence of Sample
        What is learned from, and what judges it.
    output : Path
        Model to write.
    settings : TrainingSettings
        Recipe and length.
    start : str or Path, optional
        Model to fine-tune.
    state : TrainingState, optional
        Where this run has stopped before; it goes on from there.
    shown : ShownSamples, optional
        Some of ``validation``, to draw at each validation.

    Raises
    ------
    TrainingError
        If the state is that of another run, or something is to be kept of no start.

    Attributes
    ----------
    step, epoch : int
        Batches and epochs done.
    held_out : HeldOutSamples
        The samples that judge the run.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        validation: Sequence[Sample],
        output: Path,
        settings: TrainingSettings,
        *,
        start: str | Path | None = None,
        state: TrainingState | None = None,
        shown: ShownSamples | None = None,
    ) -> None:
        self._settings = settings
        self._output = output
        self.held_out = HeldOutSamples(validation, shown)
        bundle = None if start is None else read_bundle(find_model(start))
        if bundle is None and settings.start_weight > 0:
            raise TrainingError(
                "Expected a model to start from, part of which is kept. Received: "
                "{start_weight} without one; name one, as in {start}.",
                start_weight=settings.start_weight,
                start="resnet",
            )
        self._identity = identify_run(settings, bundle, samples, validation)
        if state is not None:
            check_same_run(state.identity, self._identity, state_path(output))
        self._learner = Learner(settings, bundle, is_resumed=state is not None)
        geometry = self._learner.geometry
        config = ModelConfig(
            architecture=self._learner.architecture,
            arguments=self._learner.arguments,
            maps=MAPS[: self._learner.n_maps],
            multiple=geometry.multiple,
            margin=geometry.margin,
            diameter=typical_diameter(samples),
            estimated_diameter=annotated_diameter(s.labels for s in samples),
            n_symmetries=settings.augmentation.n_symmetries,
            provenance={
                "package": version("napari-unet-nuclei"),
                "keras": keras.__version__,
                "backend": keras.backend.backend(),
                "settings": asdict(settings),
                "start": None if bundle is None else bundle.name,
                "train": self._identity.train,
                "validation": self._identity.validation,
            },
        )
        if bundle is not None:
            config = replace(config, splitting=bundle.config.splitting)
        self._start_weights = self._learner.weights
        self._average = WeightAverage(self._start_weights, settings.ema_momentum)
        self._best = BestModel(output, config, self._start_weights, settings.monitor)
        self._start_scores: Scores | None = None
        self._log: list[dict[str, Any]] = []
        self._reported: list[dict[str, float]] = []
        self._in_epoch: list[dict[str, float]] = []
        self._clock = TrainingClock(settings)
        self.step = 0
        self.epoch = 0
        if state is not None:
            self._restore(state)

    def start_clock(self) -> None:
        """Begin to count the minutes."""
        self._clock.start()

    @property
    def progress(self) -> float:
        """Part of the run that is done, from 0 to 1."""
        return self._clock.progress(self.step)

    @property
    def is_over(self) -> bool:
        """Whether the time is up or nothing has got better for too long."""
        patience = self._settings.patience
        return self.progress >= 1 or (
            patience is not None and epochs_since_best(self._scores) >= patience
        )

    @property
    def _scores(self) -> list[float]:
        return [row[f"val_{self._settings.monitor}"] for row in self._log]

    def train_on(
        self, images: NDArray[np.float32], targets: NDArray[np.float32]
    ) -> None:
        """Take one step, and now and then fold the weights into their average."""
        learning_rate = scheduled_learning_rate(
            self._settings,
            self._learner.peak_learning_rate,
            step=self.step,
            progress=self.progress,
            n_plateaus=count_plateaus(self._scores, self._settings.plateau_patience),
        )
        values = self._learner.train_on(images, targets, learning_rate)
        if not math.isfinite(values["loss"]):
            so_far = (
                ""
                if self._best.scores is None
                else "the best weights so far are saved, "
            )
            raise TrainingError(
                f"The loss became {values['loss']} at step {self.step}; {so_far}"
                "train again with a smaller learning rate."
            )
        self.step += 1
        self._reported.append(values)
        self._in_epoch.append(values)
        if self.step % _AVERAGE_EVERY == 0:
            self._average.fold(self._learner.weights, self.step)

    def report(self) -> TrainingStep:
        """Say how it went since the last report."""
        reported, self._reported = self._reported, []
        return self._make_step(reported)

    def _make_step(
        self,
        values: Sequence[dict[str, float]],
        scores: Scores | None = None,
        is_best: bool = False,
    ) -> TrainingStep:
        means = {
            name: float(np.mean([each[name] for each in values])) if values else None
            for name in ("loss", *METRICS)
        }
        return TrainingStep(
            **means,
            step=self.step,
            epoch=self.epoch,
            progress=self.progress,
            seconds=self._clock.seconds,
            learning_rate=self._learner.learning_rate,
            scores=scores,
            is_best=is_best,
        )

    def score_start(self) -> TrainingStep:
        """Score the model that training starts from, the first best one."""
        self._start_scores = self._validate()
        return self._end_validation(self._start_scores, [])

    def end_epoch(self) -> TrainingStep:
        """Validate the averaged weights, save what is worth it."""
        self.epoch += 1
        self._average.fold(self._learner.weights, self.step)
        in_epoch, self._in_epoch, self._reported = self._in_epoch, [], []
        step = self._end_validation(self._validate(), in_epoch)
        write_state(self._output, self._state())
        return step

    def _validate(self) -> Scores:
        engine = self._learner.judge(self._average.weights)
        return self.held_out.score(engine, self._best.config)

    def _end_validation(
        self, scores: Scores, values: Sequence[dict[str, float]]
    ) -> TrainingStep:
        if not self._log:
            # Should this run be killed, none of another would lie beside its model.
            remove_state(self._output)
            remove_companions(self._output)
        consider = self._best.consider
        if self._settings.only_better and scores is self._start_scores:
            consider = self._best.begin
        is_best = consider(self._average.weights, scores)
        step = self._make_step(values, scores, is_best)
        self._log.append(make_row(step, scores))
        write_log(self._output, self._log)
        write_loss_curve(self._output, self._log)
        return step

    def finish(self) -> TrainingReport:
        """Mix the start into the best weights, tune thresholds, save it all.

        Without an OpenVINO form the model is complete but slower, so that is no
        error; the state stays to try again from.  Where only a better model is
        wanted and there is none, nothing of the run is left.
        """
        self._keep_start()
        splitting, scores = self._tune_splitting()
        config = self._best.config
        self._best.config = replace(
            config,
            splitting=splitting,
            provenance={
                **config.provenance,
                "n_steps": self.step,
                "n_epochs": self.epoch,
                "seconds": round(self._clock.seconds),
                "scores": _round_scores(scores),
                "start_scores": _round_scores(self._start_scores),
            },
        )
        report = TrainingReport(
            output=self._output,
            scores=scores,
            start_scores=self._start_scores,
            n_steps=self.step,
            n_epochs=self.epoch,
            seconds=self._clock.seconds,
            monitor=self._settings.monitor,
        )
        if self._settings.only_better and not report.is_better_than_start:
            self._remove_all()
            return replace(report, is_written=False)
        warning = self._best.complete()
        if warning is None:
            remove_state(self._output)
        return replace(report, warning=warning)

    def _remove_all(self) -> None:
        """Leave no trace of a run that was to write only a better model."""
        self._best.remove()
        remove_state(self._output)
        remove_companions(self._output)

    def _keep_start(self) -> None:
        """Mix the start into the best weights, as far as asked for."""
        if self._settings.start_weight > 0:
            self._best.weights = mix_weights(
                self._best.weights, self._start_weights, self._settings.start_weight
            )

    def _tune_splitting(self) -> tuple[SplittingParameters, Scores]:
        """Find thresholds for new weights; the start has the same chance."""
        best, monitor = self._best, self._settings.monitor
        if best.scores is not None and best.scores == self._start_scores:
            return best.config.splitting, best.scores
        splitting, scores = self._tune(best.weights)
        if self._start_scores is None:
            return splitting, scores
        start_splitting, self._start_scores = self._tune(self._start_weights)
        if is_better(scores, self._start_scores, monitor):
            return splitting, scores
        best.weights = self._start_weights
        return start_splitting, self._start_scores

    def _tune(self, weights: Weights) -> tuple[SplittingParameters, Scores]:
        engine = self._learner.judge(weights)
        return self.held_out.tune(engine, self._best.config, self._settings.monitor)

    def save_interrupted(self) -> None:
        """Complete the best model so far; the state to resume from stays."""
        if self._settings.only_better and self._best.scores == self._start_scores:
            self._remove_all()
        elif self._best.scores is not None:
            self._keep_start()
            self._best.complete()

    def _state(self) -> TrainingState:
        return TrainingState(
            identity=self._identity,
            model=self._learner.weights,
            average=self._average.weights,
            best=self._best.weights,
            optimizer=self._learner.optimizer,
            step=self.step,
            epoch=self.epoch,
            seconds=self._clock.seconds,
            log=self._log,
            best_scores=self._best.scores,
            start_scores=self._start_scores,
        )

    def _restore(self, state: TrainingState) -> None:
        self._learner.restore(state.model, state.optimizer)
        self._average = WeightAverage(
            state.average, self._settings.ema_momentum, state.step
        )
        self._best.weights, self._best.scores = state.best, state.best_scores
        self._start_scores = state.start_scores
        self._log = state.log
        self._clock = TrainingClock(self._settings, state.seconds)
        self.step, self.epoch = state.step, state.epoch


def _round_scores(scores: Scores | None) -> dict[str, float] | None:
    if scores is None:
        return None
    return {name: round(value, 4) for name, value in summarise_scores(scores).items()}
