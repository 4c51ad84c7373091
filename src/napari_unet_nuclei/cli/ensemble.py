"""``ensemble``: several models in, one that averages their maps out."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_unet_nuclei.cli.options import Debug, ModelOutput, Overwrite
from napari_unet_nuclei.cli.reporting import (
    one_sentence_errors,
    output,
    quiet_native_libraries,
)


def ensemble(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Two or more models: names or .unetnuclei files.",
            show_default=False,
        ),
    ],
    model: ModelOutput,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Join models into one that averages their maps: often better, always slower.

    The result is a model like any other: it works in napari, too, and can be
    fine-tuned.  Its parts should be made for the same images but make different
    mistakes: trained with other seeds or layers, or on other parts of the data.

    Example: `napari-unet-nuclei ensemble a.unetnuclei b.unetnuclei -o both.unetnuclei`
    """
    with one_sentence_errors(debug=debug):
        from napari_unet_nuclei.core.conversion import ensembling
        from napari_unet_nuclei.core.models.bundle import (
            check_suffix,
            read_bundle,
            write_bundle,
        )
        from napari_unet_nuclei.core.models.store import find_model
        from napari_unet_nuclei.core.writing.outputs import check_outputs

        check_suffix(model)
        files = [find_model(each) for each in models]
        check_outputs([model], files, overwrite=overwrite)
        bundles = [read_bundle(file) for file in files]
        with quiet_native_libraries(debug=debug):
            combined = ensembling.combine_models(bundles, model.stem)
        write_bundle(model, combined)
        names = ", ".join(bundle.name for bundle in bundles)
        output.print(
            f"{model}: the mean of {names}: {combined.n_weights:,} weights",
            highlight=False,
            soft_wrap=True,
        )
