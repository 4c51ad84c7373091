"""One plane of an image that is read part by part, because memory may not hold it.

Which files give one belongs in :mod:`~napari_unet_nuclei.core.files`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import ImageError, SettingsError
from napari_unet_nuclei.core.images.axes import check_axes, leading_axes
from napari_unet_nuclei.core.images.calibration import Calibration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.lazy import ArrayLike

Box = tuple[tuple[int, int], tuple[int, int]]

_COLOURS = (3, 4)  # channels that are seen together


def identify(
    name: str, pixels: ArrayLike, level: int, channel: int | None, fingerprint: str
) -> dict[str, Any]:
    """Say in text and numbers which image this is.

    Parameters
    ----------
    name : str
        Of its file or folder.
    pixels : array_like
        The image.
    level, channel : int
        Which of its resolutions and channels.
    fingerprint : str
        Changes where the image does.

    Returns
    -------
    dict
        The ``identity`` of a `BigImage`.
    """
    return {
        "name": name,
        "shape": list(map(int, pixels.shape)),
        "type": str(pixels.dtype),
        "level": level,
        "channel": channel,
        "fingerprint": fingerprint,
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class BigImage:
    """A plane of an image, of which parts are read.

    Parameters
    ----------
    pixels : array_like
        The image, which reads what is indexed.
    axes : str
        What its axes mean, such as ``"TCZYX"`` or ``"YXS"``; all but C, S, Y and X
        are of length 1.
    channel : int, optional
        Channel to read, from 0; must be chosen unless there are 1, 3 or 4.
    calibration : Calibration
        How large a pixel is.
    identity : mapping
        What tells it from other images, of text and numbers.
    coarse : array_like, optional
        The same image, smaller.
    reduction : int
        How much smaller that is.
    n_levels : int
        Resolutions that it is stored in.

    Raises
    ------
    ImageError
        If this is a stack, or a channel must be chosen.
    SettingsError
        If there is no such channel.

    Examples
    --------
    >>> image = BigImage(pixels=np.zeros((2, 64, 80), np.uint8), axes="CYX", channel=1)
    >>> image.shape, image.read(((0, 8), (40, 80))).shape
    ((64, 80), (8, 40))
    """

    pixels: ArrayLike
    axes: str
    channel: int | None = None
    calibration: Calibration = field(default_factory=Calibration)
    identity: Mapping[str, Any] = field(default_factory=dict)
    coarse: ArrayLike | None = None
    reduction: int = 1
    n_levels: int = 1

    def __post_init__(self) -> None:
        check_axes(self.axes.replace("S", "C"), len(self.pixels.shape))
        for axis in leading_axes(self.axes.replace("S", "C")):
            if self._lengths[axis] > 1:
                raise ImageError(
                    "Expected an image of one plane. Received: "
                    f"{self._lengths[axis]} along {axis}; write the plane that you "
                    "want to a file of its own."
                )
        n_channels = self._lengths.get(self._colour_axis, 1)
        if self.channel is None and n_channels not in (1, *_COLOURS):
            raise ImageError(
                f"This image has {n_channels} channels; choose the one that shows "
                f"the nuclei, {{channel}} … {n_channels - 1}.",
                channel=0,
            )
        if self.channel is not None and not 0 <= self.channel < n_channels:
            raise SettingsError(
                f"The channel must lie between 0 and {n_channels - 1}. "
                "Received: {channel}",
                channel=self.channel,
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, in px."""
        return self._lengths["Y"], self._lengths["X"]

    @property
    def chunk_side(self) -> int:
        """Largest side of the chunks, or shards, that it is stored in; 1 if unknown."""
        stored = getattr(self.pixels, "shards", None)
        stored = stored or getattr(self.pixels, "chunks", None)
        if stored is None:
            return 1
        sides = dict(zip(self.axes, stored, strict=True))
        return max(int(sides["Y"]), int(sides["X"]))

    def read(self, box: Box) -> NDArray[Any]:
        """Read a part of the plane.

        Parameters
        ----------
        box : ((int, int), (int, int))
            First and one past the last row, and the same of columns.

        Returns
        -------
        (Y, X) or (Y, X, 3 or 4) ndarray
            Its pixels, of the dtype they are stored in; uint8 for bool.

        Raises
        ------
        ImageError
            If they cannot be read, naming where they lie.
        """
        return self._read(self.pixels, tuple(slice(*span) for span in box))

    def sample(self, step: int) -> NDArray[Any]:
        """Read each n-th row and column of all; of little use where that is much."""
        return self._read(self.pixels, (slice(None, None, step),) * 2)

    def read_coarse(self) -> NDArray[Any] | None:
        """Read all of the smaller image; ``None`` where there is none."""
        if self.coarse is None:
            return None
        return self._read(self.coarse, (slice(None), slice(None)))

    def _read(self, pixels: ArrayLike, window: tuple[slice, ...]) -> NDArray[Any]:
        rows, columns = window
        if self.channel is None:
            colours: int | slice = slice(None)
            if self._lengths.get(self._colour_axis, 1) == 1:
                colours = 0
        else:
            colours = self.channel
        places = {"Y": rows, "X": columns, "C": colours, "S": colours}
        index = tuple(places.get(axis, 0) for axis in self.axes)
        try:
            part = np.asarray(pixels[index])
        except MemoryError:
            raise
        except Exception as error:  # each kind of array has errors of its own
            reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
            raise ImageError(
                "Expected pixels that can be read. Received: damaged or missing ones "
                f"in rows {rows.start or 0} to {rows.stop or self.shape[0]}, columns "
                f"{columns.start or 0} to {columns.stop or self.shape[1]} ({reason}). "
                "Copy the image again."
            ) from error
        left = [
            axis
            for axis, each in zip(self.axes, index, strict=True)
            if isinstance(each, slice)
        ]
        order = [left.index(axis) for axis in "YXCS" if axis in left]
        if part.dtype == np.bool_:
            part = part.astype(np.uint8)
        return part.transpose(order)

    @property
    def _lengths(self) -> dict[str, int]:
        return dict(zip(self.axes, map(int, self.pixels.shape), strict=True))

    @property
    def _colour_axis(self) -> str:
        return "S" if "S" in self.axes else "C"
