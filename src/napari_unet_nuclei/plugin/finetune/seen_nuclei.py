"""The nuclei that the start model sees, to be compared with what is painted.

Runs in a worker.  What is done with the nuclei belongs elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.plugin.finetune.annotated_image import (
        AnnotatedImage,
        AnnotatedPlane,
    )

_MOST_PIXELS = 2_000_000  # at a time: seconds of work that nobody has asked for
_MOST_KEPT = 16  # planes


class SeenNuclei:
    """Asks a model for the nuclei of planes, once for each.

    Parameters
    ----------
    start : Path
        The model.
    """

    def __init__(self, start: Path) -> None:
        self.start = start
        self._model: Model | None = None
        self._is_usable = True
        self._n_pixels = 0
        # The image is kept with its nuclei, or another could get its number.
        self._kept: dict[object, tuple[object, NDArray[np.int32]]] = {}

    def begin(self) -> None:
        """Take as much time as the first time."""
        self._n_pixels = 0

    def __call__(
        self, pair: AnnotatedImage, plane: AnnotatedPlane
    ) -> NDArray[np.int32] | None:
        """Return the nuclei of a plane, (Y, X) int32, or ``None`` if it takes long.

        A model that only Keras could run is not asked either: Keras must not come into
        the process of napari.
        """
        key = id(pair.image), pair.axes, pair.channel, plane.name
        if key not in self._kept:
            self._n_pixels += plane.labels.size
            if self._n_pixels > _MOST_PIXELS or not self._is_usable:
                return None
            try:
                nuclei = self._load().segment(plane.pixels)
            except UNetNucleiError:
                self._is_usable = False
                return None
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = pair.image, nuclei
        return self._kept[key][1]

    def _load(self) -> Model:
        from napari_unet_nuclei.core.segmentation.model import load_model

        if self._model is None:
            self._model = load_model(self.start, EngineName.OPENVINO)
        return self._model
