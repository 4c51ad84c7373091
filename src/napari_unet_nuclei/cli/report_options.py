"""Options of ``segment``: the page about all images."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_unet_nuclei.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet_nuclei.core.batch.inputs import NamedImage
    from napari_unet_nuclei.core.batch.jobs import ImageDone
    from napari_unet_nuclei.core.batch.outputs import BatchOutputs
    from napari_unet_nuclei.core.segmentation.model import Model


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Whether there is a page about all images, and how it groups them."""

    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Write report.html: a table of all images with thumbnails and "
            "distributions, unusual images first. With overlay among the formats, "
            "thumbnails open the overlays.",
        ),
    ] = False
    groups: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Groups of the report: name of an image and its group in each line.  "
            "[default: folders]",
            show_default=False,
        ),
    ] = None

    def check(self, folder: Path, *, overwrite: bool, skip_existing: bool) -> None:
        """Refuse options that do not go together, or a page that is there.

        Raises
        ------
        SettingsError, OutputError, DatasetError
            If there are groups of no report, the page exists, or the groups cannot be
            read.
        """
        if self.groups is not None and not self.report:
            raise SettingsError(
                "Expected --report, which shows the groups. Received: --groups alone. "
                "Add --report."
            )
        if self.report:
            from napari_unet_nuclei.core.batch.reporting import (
                check_report,
                read_groups,
            )

            check_report(folder, overwrite=overwrite, skip_existing=skip_existing)
            if self.groups is not None:
                read_groups(self.groups)  # before the work

    def thumbnail_side(self, n_images: int) -> int | None:
        """Return how large thumbnails are, in px; ``None`` without a report."""
        from napari_unet_nuclei.core.batch.reporting import thumbnail_side

        return thumbnail_side(n_images) if self.report else None

    def write(
        self,
        images: Sequence[NamedImage],
        outputs: BatchOutputs,
        model: Model,
        keeps_earlier: bool,
        done: Sequence[ImageDone],
    ) -> None:
        """Write the page, if there is to be one, on the images that are done.

        Raises
        ------
        OutputError, DatasetError
            If it cannot be written, or the groups cannot be read.
        """
        if not self.report:
            return
        from napari_unet_nuclei.core.batch.reporting import (
            RunFacts,
            find_groups,
            read_groups,
            write_batch_report,
        )
        from napari_unet_nuclei.core.writing.own_files import SOFTWARE

        named = None if self.groups is None else read_groups(self.groups)
        facts = RunFacts(
            command=shlex.join(["napari-unet-nuclei", *sys.argv[1:]]),
            model=model.name,
            package=SOFTWARE,
            engine=model.engine.description,
        )
        write_batch_report(
            [image for image in done if not image.is_own_result],
            outputs,
            facts,
            find_groups(images, named),
            keeps_earlier=keeps_earlier,
        )
