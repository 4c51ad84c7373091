"""The images that come with the package: no download, no data set needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_SYNTHETIC_SEED = 2018
# Brown cytoplasm hides nuclei from a network that sees colours, and makes its estimate
# of their size wrong; benchmarks/demo_counts.py compares.
_TISSUE_SETTINGS = SegmentationSettings(diameter=13, stain=Stain.HE)


class CountedCrop(NamedTuple):
    """Part of an image in which nuclei were counted by eye.

    Parameters
    ----------
    corner : (int, int), in px
        Row and column of its upper left corner.
    n_nuclei : int
        Nuclei of which more than half is inside.
    side : int, in px
        Height and width.
    """

    corner: tuple[int, int]
    n_nuclei: int
    side: int = 128

    @property
    def window(self) -> tuple[slice, slice]:
        """Which rows and columns of the image it shows."""
        top, left = self.corner
        return slice(top, top + self.side), slice(left, left + self.side)

    def count(self, labels: NDArray[np.int32]) -> int:
        """Count the labels of which more than half lies in the crop.

        Parameters
        ----------
        labels : (Y, X) ndarray of int32
            Labels of the whole image, 0 = background.
        """
        areas = np.bincount(labels.ravel())
        inside = np.bincount(labels[self.window].ravel(), minlength=len(areas))
        return int(np.count_nonzero((2 * inside > areas)[1:]))


COUNTED_CROPS = (
    CountedCrop((230, 215), 36),
    CountedCrop((350, 160), 31),
    CountedCrop((384, 384), 16),
    CountedCrop((128, 384), 22),
    CountedCrop((320, 256), 31),
)
"""Of the immunohistochemistry: three in or beside the stroma, the fourth with half of
a gland, the fifth a gland.  ``benchmarks/demo_counts.py`` has each nucleus."""


@dataclass(frozen=True)
class ExampleImage:
    """An image and what is known of its nuclei.

    Parameters
    ----------
    image : (Y, X) or (Y, X, 3) ndarray of uint8
        The image.
    labels : (Y, X) ndarray of int32, optional
        True nuclei.
    settings : SegmentationSettings
        What suits the image, where the defaults do not.
    counted_crops : tuple of CountedCrop
        Where nuclei were counted by eye.
    """

    image: NDArray[Any]
    labels: NDArray[np.int32] | None = None
    settings: SegmentationSettings = field(default_factory=SegmentationSettings)
    counted_crops: tuple[CountedCrop, ...] = ()


def synthetic_nuclei() -> ExampleImage:
    """Draw fluorescent nuclei, as `draw_nuclei` does."""
    return ExampleImage(*draw_nuclei(_SYNTHETIC_SEED))


def immunohistochemistry() -> ExampleImage:
    """Colonic glands, haematoxylin and DAB, 512×512 RGB, shipped by scikit-image."""
    from skimage.data import immunohistochemistry as read

    return ExampleImage(read(), settings=_TISSUE_SETTINGS, counted_crops=COUNTED_CROPS)


EXAMPLE_IMAGES: dict[str, Callable[[], ExampleImage]] = {
    "synthetic_nuclei": synthetic_nuclei,
    "immunohistochemistry": immunohistochemistry,
}
"""Loaders by name."""
