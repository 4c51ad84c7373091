"""Options of ``segment`` for images larger than memory, segmented block by block."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from napari_unet_nuclei.core.errors import SettingsError

_MOST_WORKERS = 1024


@dataclass(frozen=True, kw_only=True)
class BlockOptions:
    """How blocks are done; with OUTPUT.zarr, or any of these."""

    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=_MOST_WORKERS,
            help="Processes for one image larger than memory, with the extra `big`.  "
            "[default: 1, this process]",
        ),
    ] = None
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Scheduler of a Dask cluster that does the blocks instead, such as "
            "tcp://10.0.0.1:8786.",
        ),
    ] = None
    block_side: Annotated[
        int | None,
        typer.Option(
            min=256,
            metavar="PX",
            help="Side of the blocks.  [default: about 4096, less with little memory]",
        ),
    ] = None
    level: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Resolution of a pyramid to segment.  [default: 0, the finest]",
        ),
    ] = None
    labels_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What labels in OME-Zarr are called.  [default: nuclei]",
        ),
    ] = None

    def are_for(self, output: Path) -> bool:
        """Whether an image is segmented block by block; refuse half of it."""
        is_zarr = output.suffix == ".zarr"
        given = [name for name, value in vars(self).items() if value is not None]
        if given and not is_zarr:
            raise SettingsError(
                f"Expected an output that ends in .zarr, with {{{given[0]}}}. "
                f"Received: {output}; name it so, or leave the option out.",
                **{given[0]: getattr(self, given[0])},
            )
        return is_zarr
