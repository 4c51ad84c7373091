"""One training run: what each step does to weights, scores and files.

The loop that drives it is in :mod:`~napari_unet_nuclei.core.training.loop`, the best of
its weights in :mod:`~napari_unet_nuclei.core.training.best_model`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.training.averaging import WeightAverage
from napari_unet_nuclei.core.training.best_model import BestModel
from napari_unet_nuclei.core.training.clock import TrainingClock
from napari_unet_nuclei.core.training.conclusion import RunEnd, conclude
from napari_unet_nuclei.core.training.guard import GuardedLearner
from napari_unet_nuclei.core.training.held_out import HeldOutSamples
from napari_unet_nuclei.core.training.identity import check_same_run, identify_run
from napari_unet_nuclei.core.training.learner import Learner
from napari_unet_nuclei.core.training.log import RunLog, remove_companions
from napari_unet_nuclei.core.training.provenance import describe_model
from napari_unet_nuclei.core.training.replay import ReplayedBatches, count_replayed
from napari_unet_nuclei.core.training.resuming import gather_state, restore_best
from napari_unet_nuclei.core.training.schedules import (
    count_plateaus,
    epochs_since_best,
    scheduled_learning_rate,
)
from napari_unet_nuclei.core.training.start import read_start
from napari_unet_nuclei.core.training.state import (
    remove_state,
    state_path,
    write_state,
)
from napari_unet_nuclei.core.training.steps import TrainingStep
from napari_unet_nuclei.core.training.tally import StepTally

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.settings.training import TrainingSettings
    from napari_unet_nuclei.core.training.crops.batches import Batches
    from napari_unet_nuclei.core.training.measuring import Measured
    from napari_unet_nuclei.core.training.mixture import DataMixture
    from napari_unet_nuclei.core.training.pictures import ShownSamples
    from napari_unet_nuclei.core.training.state import TrainingState
    from napari_unet_nuclei.core.training.steps import TrainingReport


class TrainingRun:
    """One run: its learner, the average and the best of its weights, clock and log.

    The averaged weights are the ones that are validated and saved.

    Parameters
    ----------
    data : DataMixture
        The training and the validation samples.
    output : Path
        Model to write.
    settings : TrainingSettings
        Recipe and length.
    start : str or Path, optional
        Model to fine-tune.
    state : TrainingState, optional
        Where this run has stopped before; it goes on from there.
    shown : ShownSamples, optional
        Some of the validation samples, to draw at each validation.

    Raises
    ------
    TrainingError
        If the state is that of another run, or there is no start model whose weights
        could be mixed in.

    Attributes
    ----------
    step, epoch : int
        Batches and epochs done.
    held_out : HeldOutSamples
        The validation samples.
    n_replayed : int
        Crops of each batch that show what the start model knows.
    scale : float
        Scale at which images are trained on.
    """

    def __init__(
        self,
        data: DataMixture,
        output: Path,
        settings: TrainingSettings,
        *,
        start: str | Path | None = None,
        state: TrainingState | None = None,
        shown: ShownSamples | None = None,
    ) -> None:
        self._settings = settings
        self._output = output
        bundle = read_start(start, settings)
        self.n_replayed = count_replayed(settings, is_fine_tuning=bundle is not None)
        self.held_out = HeldOutSamples(data.held_out, shown, tunes=not self.n_replayed)
        self._identity = identify_run(settings, bundle, data)
        if state is not None:
            check_same_run(state.identity, self._identity, state_path(output))
        self._learner = Learner(settings, bundle, is_resumed=state is not None)
        weights = self._learner.weights
        config = describe_model(self._learner, data, settings, bundle, self._identity)
        self.scale = config.scale
        average = WeightAverage(weights, settings.ema_momentum)
        start_config = None if bundle is None else bundle.config
        self._best = BestModel(output, config, weights, settings.monitor, start_config)
        self._log = RunLog(output, settings.monitor)
        self._tally = StepTally()
        self._clock = TrainingClock(settings)
        self.step = 0
        self.epoch = 0
        if state is not None:
            self._restore(state)
            average = WeightAverage(state.average, settings.ema_momentum, state.step)
        n_rollbacks = 0 if state is None else state.n_rollbacks
        self._guarded = GuardedLearner(self._learner, average, n_rollbacks)

    def add_replay(self, batches: Batches) -> Batches:
        """Add to each batch what the start model knows, as its settings say."""
        if not self.n_replayed:
            return batches
        teacher = self._learner.make_teacher()
        return ReplayedBatches(batches, teacher, self.n_replayed, self._settings)

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
        if self.progress >= 1 or self.is_given_up:
            return True
        patience = self._settings.patience
        return patience is not None and epochs_since_best(self._log.scores) >= patience

    @property
    def is_given_up(self) -> bool:
        """Whether nothing more can be learned, with what is best so far kept."""
        return self._guarded.failure is not None

    @property
    def has_news(self) -> bool:
        """Whether something went wrong that no report has told yet."""
        return self._guarded.note is not None

    def train_on(
        self, images: NDArray[np.float32], targets: NDArray[np.float32]
    ) -> None:
        """Take one step.

        Raises
        ------
        TrainingError
            If loss or weights became no finite numbers too often, and there is
            nothing better than the start.
        """
        patience = self._settings.plateau_patience
        learning_rate = scheduled_learning_rate(
            self._settings,
            self._learner.peak_learning_rate,
            step=self.step,
            progress=self.progress,
            n_plateaus=count_plateaus(self._log.scores, patience),
        )
        values = self._guarded.train_on(images, targets, learning_rate, self.step)
        self.step += 1
        if values is not None:
            self._tally.add(values)
        elif self.is_given_up:
            self._check_worth()

    def _check_worth(self) -> None:
        """Go on to the end of a run that has given up, only if it found something."""
        if self._best.is_better_than_start:
            return
        is_saved = self._best.measured is not None and not self._settings.only_better
        so_far = "the best weights so far are saved, " if is_saved else ""
        raise TrainingError(
            f"{self._guarded.failure}; {so_far}"
            "train again with a smaller learning rate."
        )

    def report(self) -> TrainingStep:
        """Say how it went since the last report."""
        return self._make_step(self._tally.end_report())

    def _make_step(
        self,
        means: Mapping[str, float | None],
        scores: Scores | None = None,
        is_best: bool = False,
    ) -> TrainingStep:
        note, self._guarded.note = self._guarded.note, None
        return TrainingStep(
            **means,
            step=self.step,
            epoch=self.epoch,
            progress=self.progress,
            seconds=self._clock.seconds,
            learning_rate=self._learner.learning_rate,
            scores=scores,
            is_best=is_best,
            note=note,
        )

    def score_start(self) -> TrainingStep:
        """Score the model that training starts from, the first best one."""
        engine = self._learner.engine_with(self._guarded.average.weights)
        measured = self._best.score_start(self.held_out, engine)
        return self._end_validation(measured, writes=not self._settings.only_better)

    def end_epoch(self) -> TrainingStep:
        """Validate the averaged weights, save what is worth it."""
        self.epoch += 1
        self._guarded.fold(self.step)
        engine = self._learner.engine_with(self._guarded.average.weights)
        step = self._end_validation(self.held_out.score(engine, self._best.config))
        state = gather_state(
            self._identity,
            self._learner,
            self._guarded,
            self._best,
            self._log,
            step=self.step,
            epoch=self.epoch,
            seconds=self._clock.seconds,
        )
        write_state(self._output, state)
        return step

    def _end_validation(
        self, measured: Measured, *, writes: bool = True
    ) -> TrainingStep:
        if not self._log.rows:
            # Should this run be killed, none of another would lie beside its model.
            remove_companions(self._output)
        weights = self._guarded.average.weights
        form = self._learner.openvino_form(weights)
        is_best = self._best.consider(weights, measured, writes=writes, openvino=form)
        step = self._make_step(self._tally.end_epoch(), measured.scores, is_best)
        self._log.add(step, measured.scores)
        return step

    def finish(self) -> TrainingReport:
        """Mix the start into the best weights, tune thresholds, save it all.

        Without an OpenVINO form the model is complete but slower, so that is no
        error; the state stays to try again from.  Where only a better model is
        wanted and there is none, nothing of the run is left.
        """
        report = self._conclude(is_stopped=False)
        if not report.is_written:
            return report
        self._log.draw()
        warning = self._best.complete()
        if warning is None:
            remove_state(self._output)
        return replace(report, warning=warning)

    def save_interrupted(self) -> None:
        """Complete the best model so far; the state to resume from stays."""
        if self._settings.only_better and not self._best.is_better_than_start:
            self._remove_all()
        elif self._best.measured is not None:
            report = self._conclude(is_stopped=True)
            if report.is_written:
                self._best.complete()

    def _conclude(self, *, is_stopped: bool) -> TrainingReport:
        """Settle for weights and thresholds; leave nothing where none are wanted."""
        end = RunEnd(
            output=self._output,
            start_name=self._identity.start_name,
            n_steps=self.step,
            n_epochs=self.epoch,
            seconds=self._clock.seconds,
            note=self._guarded.describe(),
            is_stopped=is_stopped,
        )
        engine_with = self._learner.engine_with
        report = conclude(self._best, self.held_out, engine_with, self._settings, end)
        if not report.is_written:
            self._remove_all()
        return report

    def _remove_all(self) -> None:
        """Leave no trace of a run that was to write only a better model."""
        self._best.file.remove()
        remove_companions(self._output)

    def _restore(self, state: TrainingState) -> None:
        settings = self._settings
        self._learner.restore(state.model, state.optimizer)
        self._log = RunLog(self._output, settings.monitor, state.log)
        restore_best(self._best, state, self._log)
        self._clock = TrainingClock(settings, state.seconds)
        self.step, self.epoch = state.step, state.epoch
