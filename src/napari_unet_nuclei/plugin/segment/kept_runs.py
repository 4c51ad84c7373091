"""The output of the network for each image, kept while its nuclei are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
    from napari_unet_nuclei.plugin.segment.freshness import RunInputs
    from napari_unet_nuclei.plugin.segment.results import ResultKey
    from napari_unet_nuclei.plugin.segment.segmentation import ImageMaps


class Said(NamedTuple):
    """What the status line says.

    Parameters
    ----------
    text, tooltip : str
        In the line, and what it leaves out.
    is_doubtful : bool
        Whether it asks the user to check the nuclei.
    """

    text: str
    tooltip: str = ""
    is_doubtful: bool = False


NOTHING = Said("")


@dataclass(kw_only=True, eq=False)
class KeptRun:
    """Maps, what they were made from, and how they are split now.

    Parameters
    ----------
    image_maps : ImageMaps
        Output of the network.
    inputs : RunInputs
        What the network was given.
    settings : SegmentationSettings
        What the nuclei that are shown were found with.
    said : Said
        What the status line says about them.
    """

    image_maps: ImageMaps
    inputs: RunInputs
    settings: SegmentationSettings
    said: Said = NOTHING


class KeptRuns:
    """The last run of each image, and of each plane that was segmented alone."""

    def __init__(self) -> None:
        self._runs: dict[ResultKey, KeptRun] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def keep(self, key: ResultKey, run: KeptRun) -> None:
        """Keep a run, in place of the one before."""
        self._runs.pop(key, None)  # or the newest would not come last
        self._runs[key] = run

    def get(self, key: ResultKey | None) -> KeptRun | None:
        """Return the run of an image or plane, if there was one."""
        return None if key is None else self._runs.get(key)

    def newest_of(self, image_id: Hashable) -> KeptRun | None:
        """Return the last run of an image, of whichever of its planes."""
        runs = [run for key, run in self._runs.items() if key[0] == image_id]
        return runs[-1] if runs else None

    def forget(self, image_id: Hashable) -> None:
        """Free the maps of an image."""
        for key in [key for key in self._runs if key[0] == image_id]:
            del self._runs[key]
