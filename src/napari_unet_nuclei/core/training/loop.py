"""The training loop: one for training from scratch and for fine-tuning.

The loop is a generator of small steps and knows nothing of threads, processes
or windows.  What it trains on is prepared in
:mod:`~napari_unet_nuclei.core.training.crops.batches`; what each step does to the
weights, the scores and the files is in :mod:`~napari_unet_nuclei.core.training.run`.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.cancellation import (
    Cancelled,
    check_cancelled,
    uncancellable,
)
from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.instances.labels import check_labels
from napari_unet_nuclei.core.progress import exhaust, map_steps
from napari_unet_nuclei.core.settings.choices import parse_architecture
from napari_unet_nuclei.core.settings.training import TrainingSettings, choose_minutes
from napari_unet_nuclei.core.training.crops.batches import (
    CropDataset,
    prefetch,
    sampling_weights,
)
from napari_unet_nuclei.core.training.grey_copies import add_grey_copies
from napari_unet_nuclei.core.training.mixture import TrainingSet, mix_sets
from napari_unet_nuclei.core.training.outputs import claim_training_outputs
from napari_unet_nuclei.core.training.pictures import ShownSamples
from napari_unet_nuclei.core.training.run import TrainingRun
from napari_unet_nuclei.core.training.start_scale import rescale_data
from napari_unet_nuclei.core.training.state import read_state

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.training.mixture import DataMixture
    from napari_unet_nuclei.core.training.steps import TrainingReport, TrainingStep
    from napari_unet_nuclei.core.training.tensorboard import TensorBoardLog

    Pair = tuple[NDArray[np.generic], NDArray[np.integer]]
    AnySample = Sample | TrainingSet | Pair

_REMEDY = "Pass overwrite=True to replace {what}, or choose another name."


def train(
    samples: Iterable[AnySample],
    output: str | Path,
    architecture: str = "resnet",
    start: str | Path | None = None,
    minutes: float | None = None,
    *,
    epochs: int | None = None,
    grow: int = 0,
    seed: int = 0,
    overwrite: bool = False,
) -> TrainingReport:
    """Train a model on annotated images.

    Parameters
    ----------
    samples : sequence of (image, labels), of Sample or of TrainingSet
        Images (Y, X) or (Y, X, 3|4), labels (Y, X) integers with 0 = background,
        -1 = not annotated; or several data sets with their weights.
    output : str or Path
        Model to write, suffix ``.unetnuclei``.
    architecture, start : {"resnet", "classic"}, and str or Path, optional
        Network to train from scratch, or model to fine-tune instead.
    minutes, epochs : float and int, optional
        Length of the training; ``DEFAULT_MINUTES`` where neither is given.
    grow, seed : int
        Residual blocks to add to each level of a ``resnet``; seed of all choices.
    overwrite : bool
        Whether a model of this name is replaced, with all files of its run.

    Returns
    -------
    TrainingReport
        Where the model is and how good.

    Raises
    ------
    TrainingError, DatasetError, LabelsError, SettingsError, OutputError, ModelError
        If training cannot start or its files exist or cannot be written.

    Examples
    --------
    Fine-tune a shipped model, here on copies of one image and for half a second:

    >>> import numpy as np, tempfile
    >>> labels = np.pad(np.ones((24, 24), int), 36)
    >>> pairs = [(image, labels) for image in (50 * labels, 90 * labels)]
    >>> with tempfile.TemporaryDirectory() as path:
    ...     report = train(pairs, f"{path}/a.unetnuclei", start="classic", minutes=0.01)
    ...     report.output.is_file(), report.scores.n_true
    (True, 1)
    """
    settings = TrainingSettings(
        architecture=parse_architecture(architecture),
        minutes=choose_minutes(minutes, epochs),
        epochs=epochs,
        grow=grow,
        seed=seed,
    )
    return _train(samples, Path(output), settings, start, overwrite=overwrite)


def _train(
    samples: Iterable[AnySample],
    output: Path,
    settings: TrainingSettings,
    start: str | Path | None,
    *,
    overwrite: bool,
) -> TrainingReport:
    with claim_training_outputs(
        output, start=start, overwrite=overwrite, remedy=_REMEDY
    ):
        named = _name_samples(samples)
        return exhaust(iter_training(named, output, settings, start=start))


def _name_samples(samples: Iterable[AnySample]) -> list[Sample | TrainingSet]:
    return [
        sample
        if isinstance(sample, Sample | TrainingSet)
        else Sample(
            f"sample{number}",
            np.asarray(sample[0]),
            check_labels(sample[1], f"labels of sample{number}", may_ignore=True),
        )
        for number, sample in enumerate(samples)
    ]


def iter_training(
    samples: Sequence[Sample | TrainingSet],
    output: Path,
    settings: TrainingSettings,
    *,
    validation: Sequence[Sample] | None = None,
    start: str | Path | None = None,
    resume: bool = False,
    report_every: int = 10,
    board: TensorBoardLog | None = None,
) -> Generator[TrainingStep, None, TrainingReport]:
    """Train step by step.

    Parameters
    ----------
    samples : sequence of Sample or of TrainingSet
        Samples to train on, or several data sets with their weights.
    output : Path
        Model to write, which the caller has claimed with `claim_training_outputs`.  It
        is there, with the best weights so far, from the first epoch on; closing the
        generator leaves it complete.
    settings : TrainingSettings
        Recipe and length of the run.
    validation : sequence of Sample, optional
        Held-out samples; by default some of ``samples`` are.  Sets bring their own.
    start : str or Path, optional
        Model to fine-tune.
    resume : bool
        Go on with the run that wrote ``output``.
    report_every : int
        Steps between two reports.
    board : TensorBoardLog, optional
        Where to note all this for TensorBoard; closed at the end.

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
        If training cannot start, the loss is not finite, or a file cannot be written.
    Cancelled
        If it is cancelled within a step, with ``output`` as when it is closed.
    """
    data = mix_sets(_as_sets(samples, validation), settings)
    state = read_state(output) if resume else None
    shown = None if board is None else ShownSamples(data.validation)
    run = TrainingRun(data, output, settings, start=start, state=state, shown=shown)
    scores_start = start is not None and not resume
    steps = _iter_run(run, data, settings, scores_start, report_every)
    if board is None:
        return (yield from steps)
    return (yield from _note_steps(board, run, steps))


def _as_sets(
    samples: Sequence[Sample | TrainingSet], validation: Sequence[Sample] | None
) -> list[TrainingSet]:
    """Return data sets; samples that are of none are one without a name."""
    sets = [each for each in samples if isinstance(each, TrainingSet)]
    if not sets:
        plain = [each for each in samples if isinstance(each, Sample)]
        return [TrainingSet(name="", samples=plain, validation=validation)]
    if len(sets) < len(samples) or validation is not None:
        raise TrainingError(
            "Expected data sets that bring their own held-out samples. Received: "
            "samples beside them; make a TrainingSet of these too."
        )
    return sets


def _note_steps(
    board: TensorBoardLog,
    run: TrainingRun,
    steps: Generator[TrainingStep, None, TrainingReport],
) -> Generator[TrainingStep, None, TrainingReport]:
    """Show TensorBoard each step, and close its log at the end."""

    def note(step: TrainingStep) -> TrainingStep:
        board.write_step(step, run.held_out.pictures)
        return step

    with closing(board):
        board.begin(run.step)
        return (yield from map_steps(note, steps))


def _balance(data: DataMixture) -> NDArray[np.float64]:
    """Return the probability of each sample, balanced within its set as if alone."""
    return np.concatenate(
        [
            share * sampling_weights(each.samples)
            for each, share in zip(data.sets, data.shares, strict=True)
        ]
    )


def _iter_run(
    run: TrainingRun,
    data: DataMixture,
    settings: TrainingSettings,
    scores_start: bool,
    report_every: int,
) -> Generator[TrainingStep, None, TrainingReport]:
    """Run from the score of the start to the end; what is stopped keeps its best."""
    scored = run.score_start() if scores_start else None  # writes nothing if stopped
    try:
        if scored is not None:
            yield scored
        yield from _iter_epochs(run, data, settings, report_every)
        return run.finish()
    except (GeneratorExit, KeyboardInterrupt, Cancelled, TrainingError):
        with uncancellable():
            run.save_interrupted()
        raise


def _iter_epochs(
    run: TrainingRun, data: DataMixture, settings: TrainingSettings, report_every: int
) -> Generator[TrainingStep, None, None]:
    data = rescale_data(data, run.scale)
    if settings.grey_copies:
        data = add_grey_copies(data)
    dataset = CropDataset(
        data.samples,
        crop_size=settings.crop_size,
        batch_size=settings.batch_size - run.n_replayed,
        n_batches=settings.steps_per_epoch,
        seed=settings.seed,
        augmentation=settings.augmentation,
        weights=_balance(data),
    )
    batches = prefetch(run.add_replay(dataset), start=run.step)
    try:
        run.start_clock()
        while not run.is_over:
            for index in range(settings.steps_per_epoch):
                run.train_on(*next(batches))
                check_cancelled()
                if run.has_news or (index + 1) % report_every == 0:
                    yield run.report()
                if run.is_given_up or run.progress >= 1:
                    break
            yield run.end_epoch()
    finally:
        batches.close()
