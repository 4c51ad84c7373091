"""Where the results of a batch go, and who may write them.

Planning belongs in :mod:`~napari_unet_nuclei.core.batch.planning`, writing in
:mod:`~napari_unet_nuclei.core.batch.writers`.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.batch.own_results import (
    LABELS_ENDING,
    ROIS_ENDING,
    TABLE_ENDING,
)
from napari_unet_nuclei.core.drawing.overlays import OVERLAY_ENDING
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.settings.choices import OutputFormat
from napari_unet_nuclei.core.writing.file_lock import hold_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from napari_unet_nuclei.core.batch.inputs import NamedImage

RLE_NAME = "predictions.csv"

_ENDINGS = {
    OutputFormat.TIFF: ".tif",
    OutputFormat.PNG: ".png",
    OutputFormat.DSB2018: "",
    OutputFormat.OVERLAY: f"{OVERLAY_ENDING}.png",
    OutputFormat.FEATURES: f"{TABLE_ENDING}.csv",
    OutputFormat.ROIS: f"{ROIS_ENDING}.zip",
    OutputFormat.GEOJSON: f"{TABLE_ENDING}.geojson",
}
_LABELS = (OutputFormat.TIFF, OutputFormat.PNG)


@dataclass(frozen=True)
class BatchOutputs:
    """Where the results of a batch go.

    Parameters
    ----------
    folder : Path
        Folder to write to.
    formats : tuple of OutputFormat
        What to write.
    is_beside : bool
        Whether images lie in that folder; labels then have names of their own.
    done : mapping of str to set of OutputFormat
        What is there already and stays, by the name of the image.
    rows : mapping of str to sequence of str
        Rows of an earlier csv, which stay.
    may_replace : bool
        Whether a result that is there by the time it is written is replaced.
    may_replace_csv : bool
        The same for the csv of all images.
    """

    folder: Path
    formats: tuple[OutputFormat, ...]
    is_beside: bool = False
    done: Mapping[str, set[OutputFormat]] = field(default_factory=dict)
    rows: Mapping[str, Sequence[str]] = field(default_factory=dict)
    may_replace: bool = True
    may_replace_csv: bool = True

    def path_of(self, name: str, kind: OutputFormat) -> Path:
        """Return the file, or the folder of a DSB2018 sample, for an image.

        Parameters
        ----------
        name : str
            Name of the image.
        kind : OutputFormat
            What is written; all images share the csv of run lengths.

        Returns
        -------
        Path
            Inside of the folder.

        Raises
        ------
        OutputError
            If the name is none that a file can have.
        """
        if kind is OutputFormat.RLE:
            return self.folder / RLE_NAME
        if not can_be_a_file_name(name):
            raise OutputError(
                "Expected the name of an image to be one that a file can have. "
                f"Received: {name!r}. Rename the image."
            )
        ending = LABELS_ENDING if self.is_beside and kind in _LABELS else ""
        return self.folder / f"{name}{ending}{_ENDINGS[kind]}"

    def formats_of(self, name: str) -> tuple[OutputFormat, ...]:
        """Return what is missing of an image."""
        done = self.done.get(name, ())
        return tuple(kind for kind in self.formats if kind not in done)

    def missing(self, images: Iterable[NamedImage]) -> list[NamedImage]:
        """Return the images of which something is missing."""
        return [image for image in images if self.formats_of(image.name)]


@contextmanager
def claim_csv(folder: Path, formats: Iterable[OutputFormat]) -> Iterator[None]:
    """Keep other batches from writing the same csv, from the plan to the last row.

    Parameters
    ----------
    folder : Path
        Folder to write to.  Nothing of it is left where nothing is written.
    formats : iterable of OutputFormat
        What to write; without run lengths there is nothing to claim.

    Raises
    ------
    OutputError
        If another batch writes this csv now, or there is no place for it.
    """
    if OutputFormat.RLE not in formats:
        yield
        return
    is_new = not folder.exists()
    try:
        with hold_lock(folder / RLE_NAME, "write"):
            yield
    finally:
        if is_new:
            with suppress(OSError):  # it has results
                folder.rmdir()


def can_be_a_file_name(name: str) -> bool:
    """Whether this is a name, not a path: unreadable files are named by their path."""
    return Path(name).name == name
