"""Images and maps at another size: nuclei brought to the size a model knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.images.channels import distinct_channels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

STRIP_AREA = 2**20
"""Pixels that are worked on at once, after which it may end."""


def rescale(
    channels: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Bring channels to another height and width.

    Parameters
    ----------
    channels : (Y, X, n) ndarray of float32
        Planes in the last axis.
    shape : tuple of int
        Height and width to get, in px.

    Returns
    -------
    (*shape, n) ndarray of float32
        Linearly interpolated; where it shrinks, averaged over what a pixel covers.
        Grey stays one channel that is seen in every channel, a read-only view.
    """
    height, width = shape
    seen_once = distinct_channels(channels)
    rescaled = np.empty((seen_once.shape[-1], height, width), np.float32)
    for index, channel in enumerate(np.moveaxis(seen_once, -1, 0)):
        check_cancelled()
        picture = _to_picture(channel)
        resized = picture.resize((width, height), Image.Resampling.BILINEAR)
        _copy_picture(resized, rescaled[index])
    last = np.moveaxis(rescaled, 0, -1)
    if seen_once.shape == channels.shape:
        return last
    return np.broadcast_to(last, (height, width, channels.shape[-1]))


# Pillow copies pixels while no other thread of Python may run, not that of a window
# either; so it gets and gives few at once.
def _to_picture(channel: NDArray[np.float32]) -> Image.Image:
    height, width = channel.shape
    picture = Image.new("F", (width, height))
    for rows in iter_strips(height, width):
        strip = np.ascontiguousarray(channel[rows])
        picture.paste(Image.fromarray(strip), (0, rows.start))
    return picture


def _copy_picture(picture: Image.Image, channel: NDArray[np.float32]) -> None:
    width, height = picture.size
    for rows in iter_strips(height, width):
        channel[rows] = np.asarray(picture.crop((0, rows.start, width, rows.stop)))


def iter_strips(height: int, width: int) -> Iterator[slice]:
    """Divide an image into strips of rows, and ask before each whether to go on.

    Parameters
    ----------
    height, width : int, in px
        Size of the image.

    Yields
    ------
    slice
        Rows of at most `STRIP_AREA` pixels, or one row.
    """
    n_rows = max(1, STRIP_AREA // width)
    for top in range(0, height, n_rows):
        check_cancelled()
        yield slice(top, min(top + n_rows, height))
