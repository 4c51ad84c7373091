"""The table of a result, plane by plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.images.axes import leading_axes
from napari_unet_nuclei.core.progress import PlaneMeasured

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.measurements import Features
    from napari_unet_nuclei.plugin.segment.segmentation import ImageMaps


def iter_measured(
    image_maps: ImageMaps, labels: NDArray[np.int32]
) -> Generator[PlaneMeasured, None, Features]:
    """Measure plane by plane; a stack gets a column for each leading axis."""
    from napari_unet_nuclei.core.instances.linked_measurements import join_linked
    from napari_unet_nuclei.core.instances.measurements import measure_nuclei

    stack, only = image_maps.stack, image_maps.request.plane
    leading = leading_axes(image_maps.request.axes).lower()
    tables = []
    for index, plane, maps in zip(
        np.ndindex(stack.leading_shape), stack, image_maps.maps, strict=True
    ):
        table = measure_nuclei(labels[index], plane, maps.foreground)
        table |= {
            axis: np.full(len(table["label"]), position)
            for axis, position in zip(leading, only or index, strict=True)
        }
        tables.append(table)
        yield PlaneMeasured(len(tables), len(stack))
    if not tables:
        return {"label": np.zeros(0, np.int32), "area": np.zeros(0, np.intp)}
    return join_linked(tables)
