"""``train``: annotated images in, a model out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_unet_nuclei.cli.option_groups import with_option_groups
from napari_unet_nuclei.cli.options import (
    ANNOTATED_IMAGES,
    Debug,
    ModelOutput,
    Overwrite,
)
from napari_unet_nuclei.cli.reporting import (
    one_sentence_errors,
    quiet_native_libraries,
)
from napari_unet_nuclei.cli.stopping import Stop
from napari_unet_nuclei.cli.training_options import (
    HeldOutOptions,
    LengthOptions,
    NetworkOptions,
    RecipeOptions,
    WatchingOptions,
    make_settings,
)
from napari_unet_nuclei.cli.training_progress import BarReporter, JsonReporter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_unet_nuclei.cli.training_progress import Reporter
    from napari_unet_nuclei.core.datasets.sample import Sample, SampleSource

_STEPS_PER_REPORT = 2  # a request to stop is heard as often

Data = Annotated[
    Path,
    typer.Argument(
        help=f"{ANNOTATED_IMAGES}; those without labels are left out.",
        show_default=False,
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue the run that was stopped.")
]


@with_option_groups
def train(
    *,
    data: Data,
    model: ModelOutput,
    held_out: HeldOutOptions,
    length: LengthOptions,
    resume: Resume = False,
    overwrite: Overwrite = False,
    network: NetworkOptions,
    recipe: RecipeOptions,
    watching: WatchingOptions,
    debug: Debug = False,
) -> None:
    """Train a model from scratch, or fine-tune one with --from.

    From the first epoch on, the best weights so far are on disk; a log (CSV) and the
    loss curve (PNG) are saved beside the model.  Existing files are replaced only with
    --overwrite, and continued with --resume.

    Example: `napari-unet-nuclei train my_images/ -o mine.unetnuclei --from resnet`
    """
    reporter: Reporter = BarReporter() if watching.events is None else JsonReporter()
    stop = Stop()
    with one_sentence_errors(debug=debug), reporter, stop.on_termination():
        if watching.stop_with_stdin:
            stop.listen()
        settings = make_settings(held_out, length, network, recipe)

        from napari_unet_nuclei.core.training.outputs import claim_training_outputs

        inputs = [data] if held_out.split is None else [data, held_out.split]
        board = watching.open_board(inputs)
        with claim_training_outputs(
            model,
            inputs,
            start=network.start,
            resume=resume,
            overwrite=overwrite,
            remedy=watching.choose_remedy(),
        ):
            samples, validation = _read_all(data, held_out.split, reporter)
            reporter.say("Starting Keras")

            with quiet_native_libraries(debug=debug):
                from napari_unet_nuclei.core.training.loop import iter_training

            steps = iter_training(
                samples,
                model,
                settings,
                validation=validation,
                start=network.start,
                resume=resume,
                report_every=_STEPS_PER_REPORT,
                board=board,
            )
            reporter.follow(stop.watch(steps))


def _read_all(
    data: Path, split: Path | None, reporter: Reporter
) -> tuple[list[Sample], list[Sample] | None]:
    """Read what to train on, and what to hold out where that is said."""
    from napari_unet_nuclei.core.datasets.opening import open_samples
    from napari_unet_nuclei.core.datasets.splits import read_split
    from napari_unet_nuclei.core.shown_text import find_names

    source = open_samples(data)
    reporter.say(f"Reading {source.name}")
    if split is None:
        return _read(source, source.sample_ids, reporter), None
    training, held_out = (
        find_names(read_split(f"{split}:{part}"), source.sample_ids)
        for part in ("train", "val")
    )
    return _read(source, training, reporter), _read(source, held_out, reporter)


def _read(source: SampleSource, ids: Iterable[str], reporter: Reporter) -> list[Sample]:
    """Read the good samples and name the bad ones."""
    from napari_unet_nuclei.core.datasets.opening import read_good_samples

    samples, problems = read_good_samples(source, ids)
    for problem in problems:
        reporter.say(f"Left out: {problem.reason}")
    return samples
