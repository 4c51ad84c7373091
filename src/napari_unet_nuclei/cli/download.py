"""``download``: data sets that can be downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import DownloadColumn, TransferSpeedColumn

from napari_unet_nuclei.cli.options import Debug, Overwrite
from napari_unet_nuclei.cli.reporting import (
    make_progress,
    messages,
    one_sentence_errors,
    output,
)


def download(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="`dsb2018_fluorescence` (fluorescence only) or `stage1_train` (all "
            "stainings) of DSB2018, `tnbc` (breast cancer, H&E) or "
            "`fluorescence_tissue` (cells and cryosections, DAPI).",
            show_default=False,
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder to keep it in.  [default: a cache, which `info` names]",
        ),
    ] = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Download annotated images under an open licence, to look at or to train on.

    Prints where they are; files that are already there are not downloaded again.  A
    file that is incomplete, or not the one that was published, is never kept.

    Example: `napari-unet-nuclei download dsb2018_fluorescence -o data`
    """
    with one_sentence_errors(debug=debug):
        from napari_unet_nuclei.core.datasets.downloads import fetch
        from napari_unet_nuclei.core.datasets.online_sets import DATA_SETS
        from napari_unet_nuclei.core.datasets.transfer import format_size

        with make_progress(DownloadColumn(), TransferSpeedColumn()) as progress:
            task = progress.add_task("Downloading", total=None, visible=False)
            is_announced = False

            def show(n_bytes: int, size: int | None) -> None:
                nonlocal is_announced
                if not is_announced and (n_bytes or size is not None):
                    is_announced = True
                    amount = "" if size is None else f"{format_size(size)} "
                    messages.print(
                        f"Downloading {amount}from {DATA_SETS[name].url}",
                        style="dim",
                        markup=False,
                        soft_wrap=True,
                    )
                progress.update(task, completed=n_bytes, total=size, visible=True)

            path = fetch(name, folder, progress=show, overwrite=overwrite)
        output.print(str(path), highlight=False, markup=False, soft_wrap=True)
