"""All channels of an image, one by one: what intensities are measured in.

Which channel shows the nuclei is decided in
:mod:`~napari_unet_nuclei.core.images.axes`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.images.axes import PlaneStack, check_axes, guess_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet_nuclei.core.images.lazy import ArrayLike

_COLOURS = ("red", "green", "blue")


def split_channels(
    pixels: ArrayLike,
    axes: str | None = None,
    names: Sequence[str] = (),
    *,
    is_rgb: bool | None = None,
) -> dict[str, PlaneStack]:
    """Return each channel of an image as a stack of its own.

    Parameters
    ----------
    pixels : array_like
        Any array with a Y and an X axis.
    axes : str, optional
        Its axes; guessed from the shape when not given.
    names : sequence of str
        Names of the channels, where they are known.
    is_rgb : bool, optional
        Whether the channels are colours; by default three or four unnamed ones on
        the last axis are.

    Returns
    -------
    dict of str to PlaneStack
        By the names that columns of a table end in: letters, digits and underscores;
        numbers from 0 where there are no names, and an empty name for the only
        channel.  An alpha channel is left out.

    Raises
    ------
    SettingsError, ImageError
        If the axes do not fit the image, or cannot be guessed.

    Examples
    --------
    >>> import numpy as np
    >>> list(split_channels(np.zeros((2, 8, 8)), "CYX", ["DAPI", "anti-Ki67"]))
    ['DAPI', 'anti_Ki67']
    >>> list(split_channels(np.zeros((8, 8, 4))))
    ['red', 'green', 'blue']
    """
    known_axes = guess_axes(pixels.shape) if axes is None else check_axes(axes)
    has_channels = "C" in known_axes
    n_channels = pixels.shape[known_axes.index("C")] if has_channels else 1
    if n_channels == 1:
        return {"": PlaneStack(pixels, axes, 0 if has_channels else None)}
    if is_rgb is None:
        is_rgb = not names and n_channels in (3, 4) and known_axes.endswith("C")
    known = _COLOURS if is_rgb else names
    if not is_rgb and len(known) != n_channels:
        known = ()
    titles = _distinct([column_ending(name) for name in known], n_channels)
    return {
        title: PlaneStack(pixels, axes, channel) for channel, title in enumerate(titles)
    }


def column_ending(name: str) -> str:
    """Return a name as columns of a table end in it.

    Examples
    --------
    >>> column_ending("anti-Ki67 (Cy5)")
    'anti_Ki67_Cy5'
    """
    return re.sub(r"\W+", "_", name).strip("_")


def _distinct(titles: Sequence[str], n_channels: int) -> list[str]:
    """Return the titles if they tell channels apart, else numbers."""
    if titles and all(titles) and len(set(titles)) == len(titles):
        return list(titles)
    return [str(number) for number in range(n_channels)]
