"""The images that come with the package: no download, no data set needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

_SYNTHETIC_SEED = 2018
# Slender, pale nuclei: 6 px is their width.
_TISSUE_SETTINGS = SegmentationSettings(diameter=6, threshold=0.4)


@dataclass(frozen=True)
class ExampleImage:
    """An image and, where it was drawn, the nuclei in it.

    Parameters
    ----------
    image : (Y, X) or (Y, X, 3) ndarray of uint8
        The image.
    labels : (Y, X) ndarray of int32, optional
        True nuclei.
    settings : SegmentationSettings
        What suits the image, where the defaults do not.
    """

    image: NDArray[Any]
    labels: NDArray[np.int32] | None = None
    settings: SegmentationSettings = field(default_factory=SegmentationSettings)


def synthetic_nuclei() -> ExampleImage:
    """Draw fluorescent nuclei, as `draw_nuclei` does."""
    return ExampleImage(*draw_nuclei(_SYNTHETIC_SEED))


def immunohistochemistry() -> ExampleImage:
    """Colonic glands, haematoxylin and DAB, 512×512 RGB, shipped by scikit-image."""
    from skimage.data import immunohistochemistry as read

    return ExampleImage(read(), settings=_TISSUE_SETTINGS)


EXAMPLE_IMAGES: dict[str, Callable[[], ExampleImage]] = {
    "synthetic_nuclei": synthetic_nuclei,
    "immunohistochemistry": immunohistochemistry,
}
"""Loaders by name."""
