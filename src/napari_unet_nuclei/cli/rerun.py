"""``rerun``: labels in, the same labels out, if all is as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_unet_nuclei.cli.options import Debug, Overwrite
from napari_unet_nuclei.cli.reporting import (
    messages,
    one_sentence_errors,
    output,
    quiet_native_libraries,
)

Labels = Annotated[
    Path,
    typer.Argument(
        metavar="LABELS",
        help="TIFF or PNG that `segment` or napari wrote.",
        show_default=False,
    ),
]
ImageFile = Annotated[
    Path | None,
    typer.Option(
        "--image",
        metavar="FILE",
        help="The image, or the folder, zip or data set that holds it.  [default: the "
        "one of that name beside the labels, or in the folder above]",
        show_default=False,
    ),
]
NewLabels = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="NEW.tif",
        help="Where to write the labels.  [default: they are only compared]",
        show_default=False,
    ),
]


def rerun(
    labels: Labels,
    image: ImageFile = None,
    new: NewLabels = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Find nuclei again as a label file says, and compare them pixel by pixel.

    The file names the model with its sha256, all settings and the version of this
    package.  The exit code is 0 if the labels are identical, and otherwise 1.

    Example: `napari-unet-nuclei rerun results/cells.tif --image photos/cells.png`
    """
    with one_sentence_errors(debug=debug):
        from napari_unet_nuclei.core.batch import rerunning
        from napari_unet_nuclei.core.segmentation.model import load_model
        from napari_unet_nuclei.core.writing.outputs import check_outputs

        run = rerunning.read_run(labels)
        file = image or rerunning.find_image(labels, run)
        if new is not None:
            check_outputs([new], [labels, file], overwrite=overwrite)
        with quiet_native_libraries(debug=debug):
            model = load_model(rerunning.find_model_of(run))
        again = rerunning.rerun(labels, file, model, run, target=new)
        if not again.n_different:
            output.print(f"{labels}: identical", highlight=False, soft_wrap=True)
            return
        output.print(
            f"{labels}: {again.n_different:,} pixels differ",
            highlight=False,
            soft_wrap=True,
        )
        for reason in again.reasons:
            messages.print(reason, style="yellow", highlight=False, soft_wrap=True)
        raise typer.Exit(1)
