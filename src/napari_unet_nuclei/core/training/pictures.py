"""Pictures of a few held-out samples: what is true beside what was predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.drawing.overlays import draw_outlines
from napari_unet_nuclei.core.instances.maps import Maps
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.instances.maps import SplittingParameters

_N_SAMPLES = 4
_CROP_SIZE = 256
_GAP = 4  # px of white between the two images


class ShownSamples:
    """Crops of a few samples, the same ones whenever they are drawn.

    Parameters
    ----------
    samples : sequence of Sample
        Samples to choose from; four at most are shown, spread over all.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        n_shown = min(_N_SAMPLES, len(samples))
        chosen = np.linspace(0, len(samples) - 1, n_shown).astype(int).tolist()
        self._shown = {
            index: (samples[index], _find_window(samples[index].labels))
            for index in chosen
        }

    def draw(
        self, maps: Sequence[Maps], splitting: SplittingParameters
    ) -> dict[str, NDArray[np.uint8]]:
        """Draw the outlines of the true and of the predicted nuclei.

        Parameters
        ----------
        maps : sequence of Maps
            Predicted maps of all samples, in their order.
        splitting : SplittingParameters
            How maps become nuclei.

        Returns
        -------
        dict of str to (Y, X, 3) ndarray of uint8
            Truth on the left and prediction on the right, by sample id.
        """
        pictures = {}
        for index, (sample, window) in self._shown.items():
            predicted = split_instances(
                _crop(maps[index], window),
                splitting,
                min_area=SegmentationSettings().smallest_area(),
            )
            image = sample.image[window]
            truth = draw_outlines(image, sample.labels[window])
            gap = np.full((len(truth), _GAP, 3), 255, np.uint8)
            pictures[sample.sample_id] = np.concatenate(
                [truth, gap, draw_outlines(image, predicted)], axis=1
            )
        return pictures


def _crop(maps: Maps, window: tuple[slice, slice]) -> Maps:
    boundary, distance = (
        None if plane is None else plane[window]
        for plane in (maps.boundary, maps.distance)
    )
    return Maps(maps.foreground[window], boundary, distance)


def _find_window(labels: NDArray[np.int32]) -> tuple[slice, slice]:
    """Choose a crop around the middle of all nuclei."""
    pixels = np.nonzero(labels > 0)
    slices = []
    for length, positions in zip(labels.shape, pixels, strict=True):
        middle = int(np.median(positions)) if positions.size else length // 2
        start = min(max(middle - _CROP_SIZE // 2, 0), max(length - _CROP_SIZE, 0))
        slices.append(slice(start, start + _CROP_SIZE))
    return slices[0], slices[1]
