"""``import``: a Keras file or a package of the Model Zoo in, a model out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_unet_nuclei.cli.options import Debug, ModelOutput, Overwrite
from napari_unet_nuclei.cli.reporting import (
    messages,
    one_sentence_errors,
    output,
    quiet_native_libraries,
)
from napari_unet_nuclei.core.settings.segmentation import USUAL_DIAMETER

KerasFile = Annotated[
    Path,
    typer.Argument(
        help="Network saved by Keras 2 or 3, as .keras or .h5, that ends in one "
        "sigmoid map; or a package (.zip) of the BioImage Model Zoo with weights of "
        "Keras.",
        show_default=False,
    ),
]
Diameter = Annotated[
    float | None,
    typer.Option(
        metavar="PX",
        help="Typical diameter of the nuclei in the images it was trained on, as "
        f"large as the network saw them.  [default: {USUAL_DIAMETER:g}]",
        show_default=False,
    ),
]
Brightest = Annotated[
    float | None,
    typer.Option(
        metavar="VALUE",
        help="What the network was given for the brightest pixels, usually 1 or "
        "255.  [default: guessed from its first layer]",
        show_default=False,
    ),
]


def import_model(
    file: KerasFile,
    model: ModelOutput,
    diameter: Diameter = None,
    brightest: Brightest = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Turn a network saved by Keras into a model, without running code from the file.

    Packages that `export-bioimageio` wrote come back as they were.

    Images are normalised as for every model, by percentiles, even if the network was
    trained without; fine-tune it with `train --from` where that matters.

    Example: `napari-unet-nuclei import unet.h5 -o mine.unetnuclei`
    """
    with one_sentence_errors(debug=debug):
        from napari_unet_nuclei.core.conversion import importing
        from napari_unet_nuclei.core.conversion.model_zoo.exporting import (
            PACKAGE_SUFFIX,
        )
        from napari_unet_nuclei.core.conversion.model_zoo.importing import (
            import_package,
        )
        from napari_unet_nuclei.core.models.bundle import check_suffix, write_bundle
        from napari_unet_nuclei.core.writing.outputs import check_outputs

        check_suffix(model)
        check_outputs([model], [file], overwrite=overwrite)
        is_package = file.suffix.lower() == PACKAGE_SUFFIX
        read = import_package if is_package else importing.import_model
        with quiet_native_libraries(debug=debug):
            imported = read(file, diameter=diameter, brightest=brightest)
        write_bundle(model, imported.bundle)
        for note in imported.notes:
            messages.print(
                f"Note: {note}", style="yellow", markup=False, soft_wrap=True
            )
        output.print(
            f"{model}: a network with {imported.bundle.n_weights:,} weights",
            highlight=False,
            soft_wrap=True,
        )
