"""The training loop: one for training from scratch and for fine-tuning.

The loop is a generator of small steps and knows nothing of threads, processes
or windows.  What it trains on is prepared in ``batches``, how it is judged in
``validation``, what it leaves on disk in ``training_files`` and
``models.bundling``.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from napari_unet_nuclei import __version__
from napari_unet_nuclei.core.batches import CropDataset, prefetch
from napari_unet_nuclei.core.engine import KerasEngine
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.labels import check_labels
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
from napari_unet_nuclei.core.prediction import exhaust
from napari_unet_nuclei.core.sample import Sample
from napari_unet_nuclei.core.settings import TrainingSettings, parse_architecture
from napari_unet_nuclei.core.training_files import (
    TrainingState,
    read_state,
    state_path,
    write_log,
    write_loss_curve,
    write_state,
)
from napari_unet_nuclei.core.validation import (
    hold_out,
    predict_samples,
    score_maps,
    tune_splitting,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from numpy.typing import NDArray

_WARMUP_STEPS = 100
_AVERAGE_EVERY = 4


@dataclass(frozen=True, kw_only=True)
class TrainingStep:
    """What happened up to now.

    Parameters
    ----------
    step, epoch : int
        Batches and epochs done.
    progress : float in [0, 1]
        Part of the run that is done.
    seconds : float
        Time since the start, earlier parts of a resumed run included.
    loss, dice : float, optional
        Means over the steps since the last report; ``None`` before the first.
    learning_rate : float
        Learning rate of the last step.
    scores : Scores, optional
        Scores on the held-out samples, at the end of an epoch.
    is_best : bool
        These scores are the best so far, and the weights have been saved.
    """

    step: int
    epoch: int
    progress: float
    seconds: float
    loss: float | None
    dice: float | None
    learning_rate: float
    scores: Scores | None = None
    is_best: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingReport:
    """How a run ended.

    Parameters
    ----------
    output : Path
        The model.
    scores : Scores
        Its scores on the held-out samples.
    start_scores : Scores, optional
        Those of the model that training started from.
    n_steps, n_epochs : int
        Length of the run.
    seconds : float
        Time it took.
    """

    output: Path
    scores: Scores
    start_scores: Scores | None
    n_steps: int
    n_epochs: int
    seconds: float

    @property
    def is_better_than_start(self) -> bool:
        """Whether training helped: true when it began from scratch."""
        return (
            self.start_scores is None or self.scores.dsb2018 > self.start_scores.dsb2018
        )


def train(
    samples: Iterable[Sample | tuple[NDArray[np.generic], NDArray[np.integer]]],
    output: str | Path,
    architecture: str = "resnet",
    start: str | Path | None = None,
    minutes: float | None = None,
    *,
    epochs: int | None = None,
    seed: int = 0,
) -> TrainingReport:
    """Train a model on annotated images.

    Parameters
    ----------
    samples : sequence of (image, labels) or of Sample
        Images (Y, X) or (Y, X, 3|4), labels (Y, X) integers with 0 = background.
    output : str or Path
        Model to write, suffix ``.unetnuclei``.
    architecture : {"resnet", "classic"}
        Network to train from scratch.
    start : str or Path, optional
        Model to fine-tune instead.
    minutes : float, optional
        Time to train; 5 when neither this nor ``epochs`` is given.
    epochs : int, optional
        Epochs to train.
    seed : int
        Seed of all random choices.

    Returns
    -------
    TrainingReport
        Where the model is and how good.

    Raises
    ------
    TrainingError, DatasetError, LabelsError, SettingsError, OutputError, ModelError
        If training cannot start or its files cannot be written.
    """
    if minutes is None and epochs is None:
        minutes = 5
    settings = TrainingSettings(
        architecture=parse_architecture(architecture),
        minutes=minutes,
        epochs=epochs,
        seed=seed,
    )
    named = [
        sample
        if isinstance(sample, Sample)
        else Sample(
            f"sample{number}",
            np.asarray(sample[0]),
            check_labels(sample[1], f"labels of sample{number}"),
        )
        for number, sample in enumerate(samples)
    ]
    return exhaust(iter_training(named, Path(output), settings, start=start))


def iter_training(
    samples: Sequence[Sample],
    output: Path,
    settings: TrainingSettings,
    *,
    validation: Sequence[Sample] | None = None,
    start: str | Path | None = None,
    resume: bool = False,
    report_every: int = 10,
) -> Generator[TrainingStep, None, TrainingReport]:
    """Train step by step.

    Parameters
    ----------
    samples : sequence of Sample
        Samples to train on.
    output : Path
        Model to write.  It is there, with the best weights so far, from the
        first epoch on.
    settings : TrainingSettings
        Recipe and length of the run.
    validation : sequence of Sample, optional
        Held-out samples; by default some of ``samples`` are.
    start : str or Path, optional
        Model to fine-tune.
    resume : bool
        Go on with the run that wrote ``output``.
    report_every : int
        Steps between two reports.

    Yields
    ------
    TrainingStep
        Every few steps and at the end of every epoch.

    Returns
    -------
    TrainingReport
        Where the model is and how good.

    Raises
    ------
    TrainingError, ModelError, OutputError
        If training cannot start, the loss is not finite, or a file cannot be
        written.
    """
    if validation is None:
        samples, validation = hold_out(
            samples, settings.validation_fraction, settings.seed
        )
    if not samples or not validation:
        raise TrainingError(
            "Training needs at least one sample to learn from and one held-out sample. "
            f"Received: {len(samples)} and {len(validation)}; check the split."
        )
    run = _Run(samples, validation, output, settings, start=start)
    if resume:
        run.restore(read_state(output))
    elif start is not None:
        yield run.score_start()
    dataset = CropDataset(
        samples,
        crop_size=settings.crop_size,
        batch_size=settings.batch_size,
        n_batches=settings.steps_per_epoch,
        seed=settings.seed,
    )
    batches = prefetch(dataset, start=run.step)
    try:
        run.start_clock()
        while not run.is_over:
            for index in range(settings.steps_per_epoch):
                run.train_on(*next(batches))
                if (index + 1) % report_every == 0:
                    yield run.report()
                if run.progress >= 1:
                    break
            yield run.end_epoch()
    finally:
        batches.close()
    return run.finish()


def cosine_learning_rate(peak: float, step: int, progress: float) -> float:
    """Learning rate after a linear warm-up, on a cosine down to zero.

    Parameters
    ----------
    peak : float
        Largest learning rate.
    step : int
        Steps done; the first hundred warm up.
    progress : float in [0, 1]
        Part of the run that is done.

    Returns
    -------
    float
        Learning rate of the next step.

    References
    ----------
    Loshchilov, Hutter: SGDR, ICLR 2017, doi:10.48550/arXiv.1608.03983
    """
    warmup = min(1.0, (step + 1) / _WARMUP_STEPS)
    return peak * warmup * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def typical_diameter(samples: Sequence[Sample]) -> float:
    """Median diameter of the nuclei, in px, of discs with the same areas."""
    areas = np.concatenate(
        [np.bincount(sample.labels.ravel())[1:] for sample in samples]
    )
    areas = areas[areas > 0]
    if areas.size == 0:
        raise TrainingError(
            "Training needs at least one annotated nucleus. Received: only background; "
            "annotate some nuclei first."
        )
    return round(float(2 * np.sqrt(np.median(areas) / np.pi)), 1)


class _Run:
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
        self._clock = time.monotonic()
        self._averaged_step = 0
        self.step = 0
        self.epoch = 0

    def _describe(
        self, samples: Sequence[Sample], validation: Sequence[Sample]
    ) -> dict[str, Any]:
        return {
            "package": __version__,
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
        return self._seconds_before + time.monotonic() - self._clock

    @property
    def progress(self) -> float:
        if self._settings.minutes is not None:
            return min(1.0, self.seconds / (60 * self._settings.minutes))
        n_steps = (self._settings.epochs or 1) * self._settings.steps_per_epoch
        return min(1.0, self.step / n_steps)

    @property
    def is_over(self) -> bool:
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
        set_weights(self._judge, self._best_weights)
        maps = predict_samples(KerasEngine(self._judge), self._config, self._validation)
        splitting, scores = tune_splitting(
            maps, self._validation, self._config.splitting
        )
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
        bundle = self._bundle()
        write_bundle(self._output, replace(bundle, openvino=export_openvino(bundle)))
        state_path(self._output).unlink(missing_ok=True)
        return TrainingReport(
            output=self._output,
            scores=scores,
            start_scores=self._start_scores,
            n_steps=self.step,
            n_epochs=self.epoch,
            seconds=self.seconds,
        )

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
