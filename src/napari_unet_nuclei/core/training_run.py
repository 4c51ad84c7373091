"""One training run: network, averaged weights, clock, best scores and log.

The loop that drives it is in ``training``, what it leaves on disk is written by
``training_files`` and ``models.bundling``.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from napari_unet_nuclei.core.batches import typical_diameter
from napari_unet_nuclei.core.engine import KerasEngine
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.losses import BinaryCrossentropyDice, foreground_dice
from napari_unet_nuclei.core.metrics import Scores
from napari_unet_nuclei.core.model_store import (
    ModelBundle,
    ModelConfig,
    check_suffix,
    find_model,
    read_bundle,
    write_bundle,
)
from napari_unet_nuclei.core.models import build_model, complete_arguments
from napari_unet_nuclei.core.models.bundling import (
    Weights,
    export_openvino,
    get_weights,
    precision,
    set_weights,
)
from napari_unet_nuclei.core.models.geometry import measure_geometry
from napari_unet_nuclei.core.schedules import cosine_learning_rate
from napari_unet_nuclei.core.training_files import (
    TrainingState,
    state_path,
    write_log,
    write_loss_curve,
    write_state,
)
from napari_unet_nuclei.core.training_steps import TrainingReport, TrainingStep
from napari_unet_nuclei.core.validation import (
    predict_samples,
    score_maps,
    tune_splitting,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.sample import Sample
    from napari_unet_nuclei.core.settings import TrainingSettings
    from napari_unet_nuclei.core.splitting import SplittingParameters

_AVERAGE_EVERY = 4


class TrainingRun:
    """State of one run: network, averaged weights, clock, best scores and log.

    The network in ``_model`` is trained; ``_judge`` holds the averaged weights,
    which are the ones that are validated and saved.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        validation: Sequence[Sample],
        output: Path,
        settings: TrainingSettings,
        start: str | Path | None,
    ) -> None:
        check_suffix(output)
        keras.utils.set_random_seed(settings.seed)
        self._settings = settings
        self._output = output
        self._validation = validation
        self._start = None if start is None else read_bundle(find_model(start))
        architecture, arguments = (
            (
                settings.architecture,
                complete_arguments(settings.architecture, settings.arguments),
            )
            if self._start is None
            else (self._start.config.architecture, self._start.config.arguments)
        )
        with precision("mixed_bfloat16" if settings.mixed_precision else "float32"):
            self._model = build_model(architecture, arguments)
            self._judge = build_model(architecture, arguments)
        if self._start is not None:
            set_weights(self._model, self._start.weights)
        self._learning_rate = settings.peak_learning_rate(
            is_fine_tuning=self._start is not None
        )
        self._optimizer = keras.optimizers.AdamW(
            self._learning_rate, weight_decay=settings.weight_decay
        )
        self._model.compile(
            optimizer=self._optimizer,
            loss=BinaryCrossentropyDice(),
            metrics=[foreground_dice],
            jit_compile=False,
        )
        geometry = measure_geometry(self._model)
        self._config = ModelConfig(
            architecture=architecture,
            arguments=arguments,
            multiple=geometry.multiple,
            margin=geometry.margin,
            diameter=typical_diameter(samples),
            provenance=self._describe(samples, validation),
        )
        if self._start is not None:
            self._config = replace(self._config, splitting=self._start.config.splitting)
        self._average = get_weights(self._model)
        self._best_weights = self._average
        self._best: Scores | None = None
        self._start_scores: Scores | None = None
        self._log: list[dict[str, Any]] = []
        self._losses: list[tuple[float, float]] = []
        self._epoch_losses: list[tuple[float, float]] = []
        self._epochs_without_gain = 0
        self._seconds_before = 0.0
        self._clock: float | None = None
        self._averaged_step = 0
        self.step = 0
        self.epoch = 0

    def _describe(
        self, samples: Sequence[Sample], validation: Sequence[Sample]
    ) -> dict[str, Any]:
        return {
            "package": version("napari-unet-nuclei"),
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "settings": asdict(self._settings),
            "start": None if self._start is None else self._start.name,
            "train": [sample.sample_id for sample in samples],
            "validation": [sample.sample_id for sample in validation],
        }

    def start_clock(self) -> None:
        """Begin to count the minutes."""
        self._clock = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time the run has taken, earlier parts of a resumed one included."""
        running = 0.0 if self._clock is None else time.monotonic() - self._clock
        return self._seconds_before + running

    @property
    def progress(self) -> float:
        """Part of the run that is done, from 0 to 1."""
        if self._settings.minutes is not None:
            return min(1.0, self.seconds / (60 * self._settings.minutes))
        n_steps = (self._settings.epochs or 1) * self._settings.steps_per_epoch
        return min(1.0, self.step / n_steps)

    @property
    def is_over(self) -> bool:
        """Whether the time is up or nothing has got better for too long."""
        patience = self._settings.patience
        return self.progress >= 1 or (
            patience is not None and self._epochs_without_gain >= patience
        )

    def train_on(
        self, images: NDArray[np.float32], targets: NDArray[np.float32]
    ) -> None:
        """Take one step, and now and then fold the weights into their average."""
        self._optimizer.learning_rate = cosine_learning_rate(
            self._learning_rate, self.step, self.progress
        )
        logs = self._model.train_on_batch(images, targets, return_dict=True)
        loss, dice = float(logs["loss"]), float(logs["foreground_dice"])
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss became {loss} at step {self.step}; "
                f"{'' if self._best is None else 'the best weights so far are saved, '}"
                "train again with a smaller learning rate."
            )
        self.step += 1
        self._losses.append((loss, dice))
        self._epoch_losses.append((loss, dice))
        if self.step % _AVERAGE_EVERY == 0:
            self._fold_into_average()

    def _fold_into_average(self) -> None:
        momentum = min(self._settings.ema_momentum, (1 + self.step) / (10 + self.step))
        momentum **= self.step - self._averaged_step
        self._averaged_step = self.step
        for path, value in get_weights(self._model).items():
            self._average[path] = (
                momentum * self._average[path] + (1 - momentum) * value
            ).astype(np.float32)

    def report(self) -> TrainingStep:
        """Say how it went since the last report."""
        losses, self._losses = self._losses, []
        return self._make_step(losses)

    def _make_step(
        self,
        losses: list[tuple[float, float]],
        scores: Scores | None = None,
        is_best: bool = False,
    ) -> TrainingStep:
        loss, dice = np.mean(losses, axis=0).tolist() if losses else (None, None)
        return TrainingStep(
            step=self.step,
            epoch=self.epoch,
            progress=self.progress,
            seconds=self.seconds,
            loss=loss,
            dice=dice,
            learning_rate=float(self._optimizer.learning_rate),
            scores=scores,
            is_best=is_best,
        )

    def score_start(self) -> TrainingStep:
        """Score the model that training starts from, the first best one."""
        self._start_scores = self._validate(self._average)
        return self._judge_epoch(self._start_scores, [])

    def end_epoch(self) -> TrainingStep:
        """Validate the averaged weights, save what is worth it."""
        self.epoch += 1
        self._fold_into_average()
        losses, self._epoch_losses, self._losses = self._epoch_losses, [], []
        step = self._judge_epoch(self._validate(self._average), losses)
        write_state(self._output, self._state())
        return step

    def _validate(self, weights: Weights) -> Scores:
        set_weights(self._judge, weights)
        maps = predict_samples(KerasEngine(self._judge), self._config, self._validation)
        return score_maps(maps, self._validation, self._config.splitting)

    def _judge_epoch(
        self, scores: Scores, losses: list[tuple[float, float]]
    ) -> TrainingStep:
        is_best = self._best is None or scores.dsb2018 > self._best.dsb2018
        self._epochs_without_gain = 0 if is_best else self._epochs_without_gain + 1
        if is_best:
            self._best = scores
            self._best_weights = dict(self._average)
            write_bundle(self._output, self._bundle())
        step = self._make_step(losses, scores, is_best)
        self._log.append(
            {
                "epoch": step.epoch,
                "step": step.step,
                "seconds": round(step.seconds, 1),
                "learning_rate": step.learning_rate,
                "loss": step.loss,
                "dice": step.dice,
                "val_dsb2018": scores.dsb2018,
                "val_ap50": scores.ap[0.5],
                "val_dice": scores.dice,
            }
        )
        write_log(self._output, self._log)
        write_loss_curve(self._output, self._log)
        return step

    def _bundle(self) -> ModelBundle:
        return ModelBundle(
            name=self._output.stem, config=self._config, weights=self._best_weights
        )

    def finish(self) -> TrainingReport:
        """Tune the thresholds of the best weights, add OpenVINO, save the model."""
        splitting, scores = self._tune_splitting()
        self._config = replace(
            self._config,
            splitting=splitting,
            provenance={
                **self._config.provenance,
                "n_steps": self.step,
                "n_epochs": self.epoch,
                "seconds": round(self.seconds),
                "scores": _summary(scores),
                "start_scores": _summary(self._start_scores),
            },
        )
        self._write_complete_bundle()
        state_path(self._output).unlink(missing_ok=True)
        return TrainingReport(
            output=self._output,
            scores=scores,
            start_scores=self._start_scores,
            n_steps=self.step,
            n_epochs=self.epoch,
            seconds=self.seconds,
        )

    def _tune_splitting(self) -> tuple[SplittingParameters, Scores]:
        """Find thresholds for new weights; those of the start are tuned already."""
        if self._best is not None and self._best == self._start_scores:
            return self._config.splitting, self._best
        set_weights(self._judge, self._best_weights)
        maps = predict_samples(KerasEngine(self._judge), self._config, self._validation)
        return tune_splitting(maps, self._validation, self._config.splitting)

    def save_interrupted(self) -> None:
        """Complete the best model so far; the state to resume from stays."""
        if self._best is not None:
            self._write_complete_bundle()

    def _write_complete_bundle(self) -> None:
        bundle = self._bundle()
        write_bundle(self._output, replace(bundle, openvino=export_openvino(bundle)))

    def _state(self) -> TrainingState:
        optimizer = {
            f"optimizer/{number}": np.asarray(keras.ops.convert_to_numpy(variable))
            for number, variable in enumerate(self._optimizer.variables)
        }
        groups = {
            "model": get_weights(self._model),
            "average": self._average,
            "best": self._best_weights,
        }
        arrays = {
            f"{group}/{path}": value
            for group, weights in groups.items()
            for path, value in weights.items()
        }
        return TrainingState(
            arrays=arrays | optimizer,
            progress={
                "step": self.step,
                "epoch": self.epoch,
                "seconds": self.seconds,
                "epochs_without_gain": self._epochs_without_gain,
                "log": self._log,
                "best": None if self._best is None else asdict(self._best),
                "start_scores": (
                    None if self._start_scores is None else asdict(self._start_scores)
                ),
            },
        )

    def restore(self, state: TrainingState) -> None:
        """Continue where a saved run stopped."""
        groups: dict[str, Weights] = {"model": {}, "average": {}, "best": {}}
        optimizer: dict[int, NDArray[np.floating]] = {}
        for key, value in state.arrays.items():
            group, path = key.split("/", 1)
            if group == "optimizer":
                optimizer[int(path)] = value
            else:
                groups[group][path] = value
        set_weights(self._model, groups["model"])
        self._average, self._best_weights = groups["average"], groups["best"]
        self._optimizer.build(self._model.trainable_variables)
        for number, variable in enumerate(self._optimizer.variables):
            variable.assign(optimizer[number])
        progress = state.progress
        self.step, self.epoch = progress["step"], progress["epoch"]
        self._averaged_step = self.step
        self._seconds_before = progress["seconds"]
        self._epochs_without_gain = progress["epochs_without_gain"]
        self._log = progress["log"]
        self._best = _restore_scores(progress["best"])
        self._start_scores = _restore_scores(progress["start_scores"])


def _summary(scores: Scores | None) -> dict[str, float] | None:
    if scores is None:
        return None
    return {
        "dsb2018": round(scores.dsb2018, 4),
        "ap50": round(scores.ap[0.5], 4),
        "pq": round(scores.pq, 4),
        "dice": round(scores.dice, 4),
    }


def _restore_scores(values: dict[str, Any] | None) -> Scores | None:
    if values is None:
        return None
    by_threshold = {
        name: {float(t): ap for t, ap in values[name].items()}
        for name in ("ap", "pooled_ap")
    }
    return Scores(**{**values, **by_threshold})
