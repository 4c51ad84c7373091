"""``train``: annotated images in, a model out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_unet_nuclei.cli.annotation_options import AnnotationOptions
from napari_unet_nuclei.cli.input_checks import check_data
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
from napari_unet_nuclei.cli.training_data import check_weights, describe_data, read_sets
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
    from napari_unet_nuclei.cli.training_progress import Reporter

_STEPS_PER_REPORT = 2

Data = Annotated[
    list[Path],
    typer.Argument(
        metavar="DATA...",
        help=f"{ANNOTATED_IMAGES}; those without labels are left out. Several data "
        "sets are trained on together.",
        show_default=False,
    ),
]
Weight = Annotated[
    list[float] | None,
    typer.Option(
        "--weight",
        metavar="SHARE",
        help="Share of the crops drawn from a data set, relative to the others: give "
        "it once for each DATA, in their order.  [default: by the square root of the "
        "pixels]",
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
    weight: Weight = None,
    annotation: AnnotationOptions,
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

    From the first epoch on, the best weights so far are on disk, with a log (CSV) and
    the loss curve (PNG) beside them.  Existing files need --overwrite or --resume.

    Examples: `napari-unet-nuclei train my_images/ -o mine.unetnuclei --from resnet`,
    `napari-unet-nuclei train a.zip b/ -o both.unetnuclei --weight 2 --weight 1`
    """
    reporter: Reporter = BarReporter() if watching.events is None else JsonReporter()
    stop = Stop()
    with one_sentence_errors(debug=debug), reporter, stop.on_termination():
        if watching.stop_with_stdin:
            stop.listen()
        settings = make_settings(held_out, length, network, recipe)
        check_weights(data, weight or ())
        from napari_unet_nuclei.core.training.outputs import claim_training_outputs

        inputs = [*data, *held_out.splits, *annotation.masks_for(data)]
        board = watching.open_board(inputs)
        with claim_training_outputs(
            model,
            inputs,
            start=network.start,
            resume=resume,
            overwrite=overwrite,
            remedy=watching.choose_remedy(),
        ):
            with watching.importing_keras(debug=debug):
                sets = read_sets(data, weight or (), held_out.splits, reporter.say)
                sets = annotation.apply(sets, reporter.say)
                describe_data(sets, settings, reporter.say)
                check_data(sets, settings, network.start, reporter.say)
                reporter.say("Starting Keras")
            with quiet_native_libraries(debug=debug):
                from napari_unet_nuclei.core.training.loop import iter_training
            steps = iter_training(
                sets,
                model,
                settings,
                start=network.start,
                resume=resume,
                report_every=_STEPS_PER_REPORT,
                board=board,
            )
            reporter.follow(stop.watch(steps))
