"""A run on a region of an image: what it sees, and how its nuclei join the others.

Arrays only; what the user chose as the region is known to ``region_choice``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.images.axes import leading_axes
from napari_unet_nuclei.core.instances.regions import replace_in_region
from napari_unet_nuclei.plugin.segment.edited_labels import (
    EditedLabels,
    is_about,
    measure_anew,
    whole_box,
)
from napari_unet_nuclei.plugin.segment.nucleus_pixels import NucleusPixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.lazy import ArrayLike
    from napari_unet_nuclei.core.instances.measurements import Features
    from napari_unet_nuclei.core.instances.regions import Region
    from napari_unet_nuclei.plugin.segment.segmentation import ImageMaps


@dataclass(frozen=True, kw_only=True, eq=False)
class RegionRun:
    """Where a run looks, and the nuclei that it joins.

    Parameters
    ----------
    region : Region
        Where nuclei are replaced.
    labels : (…, Y, X) ndarray of int, optional
        The nuclei that were there, in the shape of a result.
    features : dict of str to (N,) ndarray, optional
        Their measurements.
    """

    region: Region
    labels: NDArray[np.integer] | None = None
    features: Features | None = None

    def cut(self, image: ArrayLike, axes: str) -> ArrayLike:
        """Return the window of an image; of one on disk, only that is read later."""
        rows, columns = self.region.window
        parts = {"Y": rows, "X": columns}
        index = tuple(parts.get(axis, slice(None)) for axis in axes)
        window: ArrayLike = image[index]
        return window


def join_nuclei(
    run: RegionRun,
    image_maps: ImageMaps,
    labels: NDArray[np.int32],
    features: Features,
) -> tuple[NDArray[np.int32], Features, int]:
    """Put the nuclei of a window into the image.

    Parameters
    ----------
    run : RegionRun
        What was asked for.
    image_maps : ImageMaps
        What that has made.
    labels : (…, h, w) ndarray of int32
        Nuclei in the window.
    features : dict of str to (N,) ndarray
        Their measurements, for the names of the columns.

    Returns
    -------
    labels : (…, Y, X) ndarray of int32
        Those of the image.
    features : dict of str to (N,) ndarray
        Their measurements, by ascending label.
    n_fresh : int
        How many of them were found in the region.
    """
    pixels = NucleusPixels.of(image_maps, f"{leading_axes(image_maps.request.axes)}YX")
    shape = (*labels.shape[:-2], *pixels.stack.plane_shape)
    before = np.zeros(shape, np.int32) if run.labels is None else run.labels
    replaced = replace_in_region(before, labels, run.region)
    known = run.features or {name: column[:0] for name, column in features.items()}
    if not is_about(known, before):  # an edit that the table has not followed yet
        known = measure_anew(known, before, pixels)
    edited = EditedLabels(before.astype(np.int32), known, pixels)
    for _ in edited.iter_follow(replaced.labels, [whole_box(shape)]):
        pass
    return replaced.labels, edited.features, replaced.n_fresh
