"""What a run over a big image is asked for, how far it is, and what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.progress import Progress
from napari_unet_nuclei.core.settings.choices import DEFAULT_MODEL, EngineName
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


_NAME = re.compile(r"(?!__)[\w-][\w .-]{0,62}(?<! )(?<!\.)", re.ASCII)


class BlockDone(Progress):
    """A block has been segmented and written."""


class BlockJoined(Progress):
    """The labels of a block have been written with their numbers."""


@dataclass(frozen=True, kw_only=True)
class BigRun:
    """What to segment, with what, and where to.

    Parameters
    ----------
    image : Path
        An OME-Zarr image or a TIFF.
    output : Path
        OME-Zarr group of the labels, which may be the image itself.
    name : str
        What the labels are called.
    model : str or Path
        Name or file of a model.
    settings : SegmentationSettings
        How nuclei are found.
    engine : EngineName
        Runtime of the network.
    level : int
        Resolution of the image, 0 is the finest.
    channel : int, optional
        Channel that shows the nuclei.
    side : int, in px, optional
        Side of the blocks; by default what the memory suffices for.
    n_workers : int
        Processes; one is this process itself, and needs no Dask.
    scheduler : str, optional
        Address of the scheduler of an existing cluster, instead.
    overwrite : bool
        Whether labels of that name, and the run that another request began, go.

    Raises
    ------
    SettingsError
        If labels cannot be called so.
    """

    image: Path
    output: Path
    name: str = "nuclei"
    model: str | Path = DEFAULT_MODEL
    settings: SegmentationSettings = field(default_factory=SegmentationSettings)
    engine: EngineName = EngineName.AUTO
    level: int = 0
    channel: int | None = None
    side: int | None = None
    n_workers: int = 1
    scheduler: str | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):  # it becomes the name of folders
            raise SettingsError(
                "Expected a name of labels of at most 63 letters, digits, '-', '_', "
                "'.' and spaces, beginning with neither '.' nor '__'. Received: "
                "{labels_name}",
                labels_name=self.name,
            )

    @property
    def folder(self) -> Path:
        """Where the run is kept until it is complete."""
        return self.output.with_name(f"{self.output.name}.{self.name}.run")

    @property
    def is_in_image(self) -> bool:
        """Whether the labels become a part of the image itself."""
        return self.output.absolute() == self.image.absolute()


@dataclass(frozen=True, kw_only=True)
class BigResult:
    """What became of a run.

    Parameters
    ----------
    n_nuclei : int
        Nuclei in all.
    n_blocks : int
        Blocks of the image.
    n_done_before, n_background : int
        Blocks that an earlier run had done, and that show nothing.
    was_complete : bool
        Whether there was nothing left to do.
    plan : mapping
        What the run did, as the labels say it.
    """

    n_nuclei: int
    n_blocks: int
    n_done_before: int = 0
    n_background: int = 0
    was_complete: bool = False
    plan: Mapping[str, Any]
