"""``export-bioimageio``: a model in, a package of the BioImage Model Zoo out."""

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

Package = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="PACKAGE.zip", help="Package to write."),
]
Authors = Annotated[
    list[str] | None,
    typer.Option(
        "--author",
        metavar="NAME",
        help="Who made the model; several times for several.  [default: the developers "
        "of this package]",
        show_default=False,
    ),
]
Licence = Annotated[
    str,
    typer.Option(
        "--license",
        metavar="SPDX",
        help="What others may do with it, such as CC-BY-4.0.",
    ),
]
Onnx = Annotated[
    bool,
    typer.Option(
        "--onnx/--no-onnx", help="Write the network as ONNX, too: ImageJ can run that."
    ),
]
Test = Annotated[
    bool,
    typer.Option(
        "--test/--no-test",
        help="Let `bioimageio.core` test the package, if it is installed.",
    ),
]


def export_bioimageio(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="Name or .unetnuclei file.", show_default=False
        ),
    ],
    package: Package,
    authors: Authors = None,
    licence: Licence = "BSD-3-Clause",
    onnx: Onnx = True,
    test: Test = True,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Write a model as a package of the BioImage Model Zoo, for other tools.

    ONNX and the test need `pip install "napari-unet-nuclei[bioimageio]"`.

    Example: `napari-unet-nuclei export-bioimageio resnet -o resnet.zip`
    """
    with one_sentence_errors(debug=debug):
        from napari_unet_nuclei.core.conversion.model_zoo.describing import Credits
        from napari_unet_nuclei.core.conversion.model_zoo.exporting import (
            export_package,
        )
        from napari_unet_nuclei.core.models.bundle import read_bundle
        from napari_unet_nuclei.core.models.store import find_model
        from napari_unet_nuclei.core.writing.outputs import check_outputs

        file = find_model(model)
        check_outputs([package], [file], overwrite=overwrite)
        made_by = Credits(licence=licence)
        if authors:
            made_by = Credits(authors=tuple(authors), licence=licence)
        with quiet_native_libraries(debug=debug):
            export_package(read_bundle(file), package, made_by, onnx=onnx)
        output.print(f"{package}: {model}", highlight=False, soft_wrap=True)
        if test:
            _report_tests(package, ["keras_v3", *(["onnx"] if onnx else [])])


def _report_tests(package: Path, weight_formats: list[str]) -> None:
    """Say what the Model Zoo's own test says; a package that fails is an error."""
    from napari_unet_nuclei.core.conversion.model_zoo.checking import (
        can_check,
        check_package,
    )
    from napari_unet_nuclei.core.errors import ModelError

    if not can_check():
        messages.print(
            "Not tested, as bioimageio.core is not installed.",
            style="yellow",
            highlight=False,
        )
        return
    for weight_format in weight_formats:
        verdict = check_package(package, weight_format)
        if not verdict.passed:
            raise ModelError(
                f"The package {package} was written, but fails the Model Zoo's test of "
                f"{weight_format}: {'; '.join(verdict.failed) or 'no reason given'}"
            )
        output.print(f"{weight_format}: passes the test", highlight=False)
