"""Parts of nuclei that a network tore apart: how small a part is one.

How they are joined to what they touch belongs in
:mod:`~napari_unet_nuclei.core.instances.flooding`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.diameter import confidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps

# Of validation images with less confidence, mostly of tissue, smaller parts are
# fragments; of the others, cultures, they are nuclei.  See docs/experiments.md.
_MAX_FRAGMENT = 0.4  # of the median area
_FEW_FRAGMENTS = 0.7  # confidence from which none is merged


def fragment_area(
    maps: Maps, areas: NDArray[np.floating | np.integer], min_area: int
) -> int:
    """Find the area under which a part of a component is a fragment of a nucleus.

    Parameters
    ----------
    maps : Maps
        Output of a network; where it is confident, there are no fragments.
    areas : (n,) ndarray of int or float, in px²
        Areas of whole components, and of the parts of others.
    min_area : int, in px²
        Smaller ones do not count.

    Returns
    -------
    int, in px²
        0 where nothing is a fragment.

    Examples
    --------
    >>> from napari_unet_nuclei.core.instances.maps import Maps
    >>> doubtful = Maps(np.full((8, 8), 0.6, np.float32))
    >>> fragment_area(doubtful, np.array([3, 90, 100, 110]), min_area=5)
    40
    """
    if confidence(maps) >= _FEW_FRAGMENTS:
        return 0
    areas = areas[areas >= min_area]
    return round(_MAX_FRAGMENT * float(np.median(areas))) if areas.size else 0
