"""A small picture of an image, and what one sees of it at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from napari_unet_nuclei.core.drawing.overlays import stretch
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.images.staining import Staining, staining

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.stored_image import StoredImage

_N_SAMPLES = 4  # pixels of the thinned image for one of the picture, along each side
_COLOURS = (3, 4)


@dataclass(frozen=True, eq=False)
class Preview:
    """What one sees of an image at once.

    Parameters
    ----------
    picture : (Y, X, 3) ndarray of uint8
        Small, and in full contrast; of a stack its middle plane, of separate channels
        the first.
    shape : tuple of int
        Shape of the image, as stored.
    axes : str
        What its axes mean, ``S`` being colours.
    staining : Staining
        Of a regular sample of its pixels.
    """

    picture: NDArray[np.uint8]
    shape: tuple[int, ...]
    axes: str
    staining: Staining

    @property
    def size(self) -> str:
        """Width and height, and how many planes and channels there are."""
        length = dict(zip(self.axes, self.shape, strict=True))
        words = [f"{length['X']:,} × {length['Y']:,}"]
        words += [f"{length['Z']:,} z"] if length.get("Z", 1) > 1 else []
        words += [f"{length['T']:,} t"] if length.get("T", 1) > 1 else []
        n_others = int(
            np.prod([n for axis, n in length.items() if axis not in "ZTCYXS"])
        )
        words += [f"{n_others:,} planes"] if n_others > 1 else []
        words += [f"{length['C']} channels"] if length.get("C", 1) > 1 else []
        return ", ".join(words)


def make_preview(stored: StoredImage, side: int = 64) -> Preview:
    """Make a small picture of an image.

    Parameters
    ----------
    stored : StoredImage
        The image.
    side : int, in px
        The longer side of the picture, at most.

    Returns
    -------
    Preview
        The picture, and what the image looks like.

    Raises
    ------
    ImageError
        If the image has a shape or type that nothing here can use.
    """
    pixels = stored.pixels
    axes = name_axes(stored)
    plane = _middle_plane(pixels, axes)
    step = max(1, -(-max(plane.shape[:2]) // (_N_SAMPLES * side)))
    thin = plane[::step, ::step]
    with Image.fromarray(stretch(thin)) as picture:
        picture.thumbnail((side, side), Image.Resampling.BOX)
        small = np.asarray(picture).copy()
    return Preview(small, pixels.shape, axes, staining(thin))


def name_axes(stored: StoredImage) -> str:
    """Name the axes of an image, by its file or else by their lengths.

    Parameters
    ----------
    stored : StoredImage
        The image.

    Returns
    -------
    str
        One letter an axis: T, Z, C, Y, X, ``S`` for a last axis of colours, and other
        letters for axes of unknown meaning before Y and X.

    Raises
    ------
    ImageError
        If there is no plane in it.
    """
    shape = stored.pixels.shape
    axes = stored.axes
    if axes is not None and len(axes) == len(shape) and {"Y", "X"} <= set(axes):
        return axes
    plane = "YXS" if len(shape) > 2 and shape[-1] in _COLOURS else "YX"
    n_leading = len(shape) - len(plane)
    if n_leading < 0:
        raise ImageError(
            "Expected an image with a height and a width. Received: an array of shape "
            f"{shape}. Choose another file."
        )
    return "ABDEFGHIJKLMNOPQRUVW"[:n_leading] + plane


def _middle_plane(pixels: NDArray[Any], axes: str) -> NDArray[Any]:
    """Return a plane (Y, X) or (Y, X, colours) from the middle of a stack."""
    index = tuple(
        slice(None) if axis in "YXS" else 0 if axis == "C" else length // 2
        for axis, length in zip(axes, pixels.shape, strict=True)
    )
    left = "".join(axis for axis in axes if axis in "YXS")
    order = [left.index(axis) for axis in "YXS" if axis in left]
    return pixels[index].transpose(order)
