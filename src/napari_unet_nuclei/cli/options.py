"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ANNOTATED_IMAGES = (
    "DSB2018 folder or zip, or a folder or zip with images/ and labels/, or with a.tif "
    "and a_masks.tif. Planes of a stack count as images"
)
"""What can be learned from or looked at; a command says the rest of the sentence."""

Debug = Annotated[
    bool, typer.Option("--debug", help="Show the whole traceback of an error.")
]

Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace files that exist.")
]

ModelOutput = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="MODEL.unetnuclei", help="Model to write."),
]

ResultFolder = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="DIR", help="Folder to write the results to."
    ),
]
