"""Which images of a data set a command works on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from napari_unet_nuclei.core.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class Selection:
    """A file of ids, or a part of a split file; neither stands for all images."""

    ids: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Take only the images a text file names."),
    ] = None
    split: Annotated[
        str | None,
        typer.Option(metavar="FILE:PART", help="Take only a part of a split file."),
    ] = None

    def read_names(self) -> tuple[str, ...] | None:
        """Read which images are wanted; ``None`` means all."""
        from napari_unet_nuclei.core.datasets.splits import read_ids, read_split

        if self.ids is not None and self.split is not None:
            raise SettingsError(
                "Expected --ids or --split. Received: both. Leave one of them out."
            )
        if self.ids is not None:
            names = read_ids(self.ids)
        elif self.split is not None:
            names = read_split(self.split)
        else:
            return None
        return tuple(dict.fromkeys(names))  # an image that is named twice counts once

    @property
    def files(self) -> list[Path]:
        """The files that list the wanted images."""
        files = [] if self.ids is None else [self.ids]
        if self.split is None:
            return files
        return [*files, Path(self.split.rpartition(":")[0])]
