"""Colours that a file keeps in a palette, looked up or left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def apply_palette(
    indices: NDArray[Any], palette: NDArray[np.uint8], as_shown: bool
) -> NDArray[Any]:
    """Look up the values of a palette image.

    Parameters
    ----------
    indices : (…, Y, X) ndarray of unsigned int
        What is stored.
    palette : (N, 3) ndarray of uint8
        Colours by index.
    as_shown : bool
        Whether to look up colours; otherwise the indices are the values, whatever
        the palette shows.

    Returns
    -------
    (…, Y, X) or (…, Y, X, 3) ndarray of uint8
        Grey where all the colours that occur are; ``indices`` themselves where
        they are not to be looked up.
    """
    if indices.dtype == np.bool_:
        indices = indices.astype(np.uint8)
    if not as_shown:
        return indices
    occurring = palette[np.unique(indices)]
    is_grey = bool(np.all(occurring == occurring[:, :1]))
    values: NDArray[Any] = (palette[:, 0] if is_grey else palette)[indices]
    return values
