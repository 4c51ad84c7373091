"""Stacks become 2-D images: which axis means what.

The networks are two-dimensional; time points and depths are segmented one by
one.  What a pixel's value means is dealt with in
:mod:`~napari_unet_nuclei.core.images.channels`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import ImageError, SettingsError
from napari_unet_nuclei.core.images.lazy import LazyReader, as_array_like

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.lazy import ArrayLike

KNOWN_AXES = "TZCYX"
_SINGLE = "1"  # stands for an axis of length 1 that nobody has named


def check_axes(axes: str, ndim: int | None = None) -> str:
    """Normalise a string that names the axes of an array.

    Parameters
    ----------
    axes : str
        One letter an axis, such as ``"ZYX"``: T time, Z depth, C channel, Y, X; S, as
        the samples of a pixel are called in TIFFs, is C.
    ndim : int, optional
        Number of axes the string must have.

    Returns
    -------
    str
        The axes in capitals.

    Raises
    ------
    SettingsError
        If a letter is unknown or doubled, Y or X is missing, the number is wrong, or
        there are two kinds of channels.
    """
    upper = axes.upper()
    if {"C", "S"} <= set(upper):
        raise SettingsError(
            "Axes must have one axis of channels, C or S, not channels that have "
            f"colours of their own. Received: axes={axes!r}; save the channel that "
            "shows the nuclei as an image of its own."
        )
    upper = upper.replace("S", "C")
    is_valid = (
        set(upper) <= set(KNOWN_AXES)
        and len(set(upper)) == len(upper)
        and {"Y", "X"} <= set(upper)
    )
    if not is_valid:
        raise SettingsError(
            "Axes must be different letters of T, Z, C, Y, X, with Y and X among "
            "them. Received: {axes}",
            axes=axes,
        )
    if ndim is not None and len(upper) != ndim:
        raise SettingsError(
            f"Axes must name each of the {ndim} axes of the image. Received: {{axes}}",
            axes=axes,
        )
    return upper


def leading_axes(axes: str) -> str:
    """Return the axes along which planes follow each other: neither C nor Y nor X.

    Parameters
    ----------
    axes : str
        Axes of an image or of its labels.

    Returns
    -------
    str
        Those of them that count planes, in their order.

    Examples
    --------
    >>> leading_axes("TCZYX")
    'TZ'
    """
    return "".join(axis for axis in axes if axis not in "CYX")


def guess_axes(shape: tuple[int, ...]) -> str:
    """Name the axes of an image that says nothing about them.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.

    Returns
    -------
    str
        ``"YX"``, or ``"YXC"`` for a last axis of 1, 3 or 4; ``"1"`` for each axis of
        length 1 before these.

    Raises
    ------
    ImageError
        If the shape could mean several things.
    """
    if len(shape) == 2:
        return "YX"
    if len(shape) == 3 and shape[-1] in (1, 3, 4):
        return "YXC"
    if len(shape) > 2 and shape[0] == 1:
        try:
            return _SINGLE + guess_axes(shape[1:])
        except ImageError:
            pass  # said below, of the whole shape
    raise ImageError(
        "Expected an image of shape (Y, X) or (Y, X, 3). "
        f"Received: shape {shape}; name its axes, as in {{axes}}.",
        axes="ZYX",
    )


class PlaneStack:
    """A view of an array as 2-D images.

    Its ``axes`` are those of a result: channels and unnamed axes of length 1 left out,
    Y and X last; ``has_colours`` says whether its planes have channels.

    Parameters
    ----------
    image : array_like
        Any array with a Y and an X axis.  One of Dask, Zarr or HDF5 is read when its
        first plane is asked for, or chunk by chunk where memory does not hold it.
    axes : str, optional
        Its axes; guessed from the shape when not given.
    channel : int, optional
        Channel to use; by default all of them where there are 1, 3 or 4.

    Raises
    ------
    SettingsError
        If the axes do not fit the image or there is no such channel.
    ImageError
        If the axes cannot be guessed, or a channel must be chosen.
    """

    def __init__(
        self,
        image: ArrayLike,
        axes: str | None = None,
        channel: int | None = None,
    ) -> None:
        image = as_array_like(image)
        shape = image.shape
        axes = guess_axes(shape) if axes is None else check_axes(axes, len(shape))
        length = dict(zip(axes, shape, strict=True))
        n_channels = length.get("C", 1)
        if channel is not None:
            _check_channel(channel, n_channels)
        elif n_channels not in (1, 3, 4):
            raise ImageError(
                f"This image has {n_channels} channels; choose the one that shows "
                f"the nuclei, {{channel}} … {n_channels - 1}.",
                channel=0,
            )
        self._image_axes = axes
        self._channel = channel
        self._leading = leading_axes(axes.replace(_SINGLE, ""))
        self.axes = f"{self._leading}YX"
        self.leading_shape = tuple(length[axis] for axis in self._leading)
        self.plane_shape = length["Y"], length["X"]
        self.has_colours = n_channels > 1 and channel is None
        self._image: NDArray[np.generic] | LazyReader
        if isinstance(image, np.ndarray):
            self._image = image
        else:
            walked = axes.index(self._leading[-1]) if self._leading else None
            seen = "YX" if channel is not None else "YXC"
            plane_size = math.prod(length[axis] for axis in axes if axis in seen)
            chosen = self._index({})
            self._image = LazyReader(image, chosen, walked, plane_size)

    def __len__(self) -> int:
        return int(np.prod(self.leading_shape, dtype=int))

    def __iter__(self) -> Iterator[NDArray[np.generic]]:
        return (self.plane(index) for index in np.ndindex(self.leading_shape))

    @property
    def typical_places(self) -> list[tuple[int, ...]]:
        """Places of the planes after one, two and three quarters of each axis."""
        places = {
            tuple(length * quarter // 4 for length in self.leading_shape)
            for quarter in (1, 2, 3)
        }
        return sorted(places) if len(self) else []

    def plane(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Return one of the 2-D images.

        Parameters
        ----------
        index : tuple of int
            Its place along each of the leading axes.

        Returns
        -------
        (Y, X) or (Y, X, C) ndarray
            The image, without a copy where the stack is a NumPy array.
        """
        return self._arrange(self._image[self._index(self._place(index))])

    def only(self, index: tuple[int, ...]) -> PlaneStack:
        """Return one of the 2-D images alone; of an array on disk, no other is read.

        Parameters
        ----------
        index : tuple of int
            Its place along each of the leading axes.

        Returns
        -------
        PlaneStack
            A stack without leading axes.
        """
        part, image = self._index(self._place(index)), self._image
        taken = image.take(part) if isinstance(image, LazyReader) else image[part]
        plane = self._arrange(taken)
        return PlaneStack(plane, "YXC"[: plane.ndim])

    def single_plane(self) -> NDArray[np.generic]:
        """Return the only 2-D image there is.

        Returns
        -------
        (Y, X) or (Y, X, C) ndarray
            The image.

        Raises
        ------
        ImageError
            If this is a stack of several.
        """
        if len(self) != 1:
            raise ImageError(
                "Expected a single 2-D image. Received: a stack of shape "
                f"{(*self.leading_shape, *self.plane_shape)}; only TIFF holds stacks, "
                "so choose it and leave out the other formats."
            )
        plane: NDArray[np.generic] = next(iter(self))
        return plane

    def _place(self, index: tuple[int, ...]) -> dict[str, int]:
        return dict(zip(self._leading, index, strict=True))

    def _index(self, place: dict[str, int]) -> tuple[int | slice, ...]:
        """Index of a place and of the chosen channel, in the axes of the image."""
        place = {**place, _SINGLE: 0}
        if self._channel is not None:
            place["C"] = self._channel
        return tuple(place.get(axis, slice(None)) for axis in self._image_axes)

    def _arrange(self, plane: NDArray[np.generic]) -> NDArray[np.generic]:
        """Bring what is left of the axes of the image into the order Y, X, C."""
        kept = "YX" if self._channel is not None else "YXC"
        left = [axis for axis in self._image_axes if axis in kept]
        order = [left.index(axis) for axis in kept if axis in left]
        return np.asarray(plane).transpose(order)


def _check_channel(channel: int, n_channels: int) -> None:
    if not 0 <= channel < n_channels:
        raise SettingsError(
            f"The channel must lie between 0 and {n_channels - 1}. "
            "Received: {channel}",
            channel=channel,
        )
