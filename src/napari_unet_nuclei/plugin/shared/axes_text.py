"""Axes as text: what the user types, and what is segmented in words.

What axes mean is in ``axes_choice``, the field to type them in ``axes_control``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.images.axes import check_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOUNS = {"T": ("time point", "time points"), "Z": ("plane", "planes")}
_MAX_LETTERS = 5  # of a wrong text that a message repeats


def read_typed_axes(text: str, shape: Sequence[int], *, is_rgb: bool = False) -> str:
    """Return the axes that a user has typed.

    Parameters
    ----------
    text : str
        Letters in either case; spaces and commas between them do not count.
    shape : sequence of int
        Length of each axis.
    is_rgb : bool
        Whether napari shows the last axis as colours.

    Returns
    -------
    str
        In capitals.

    Raises
    ------
    SettingsError
        If they do not fit the image.

    Examples
    --------
    >>> read_typed_axes("z, y, x", (12, 512, 512))
    'ZYX'
    """
    letters = re.sub(r"[\s,;]+", "", text).upper()
    unknown = sorted(set(letters) - set("TZCSYX"))
    if unknown:
        raise SettingsError(
            "Axes are letters out of T, Z, C, Y and X. Received: "
            f"{_list_letters(unknown)}; write Z or T for a stack, C for channels."
        )
    if len(letters) != len(shape):
        lengths = " × ".join(f"{length:,}" for length in shape)
        raise SettingsError(
            f"Expected a letter for each of the {len(shape)} axes ({lengths}). "
            f"Received: {len(letters)}, {_shorten(letters)}."
        )
    axes = check_axes(letters, len(shape))
    if is_rgb and not axes.endswith("C"):
        raise SettingsError(
            "napari shows the last axis of this image as colours, so its axes end in "
            f"C. Received: {axes}."
        )
    return axes


def describe_axes(
    axes: str, shape: Sequence[int], channel: int | None, *, is_rgb: bool = False
) -> str:
    """Describe what is segmented of an image.

    Parameters
    ----------
    axes : str
        One letter an axis.
    shape : sequence of int
        Length of each axis.
    channel : int, optional
        The channel that is segmented, from 0; ``None`` for all of them as colours.
    is_rgb : bool
        Whether napari shows the last axis as colours.

    Returns
    -------
    str
        Such as ``"CZYX, 12 planes of 512 × 512 px; channel 2 of 3"``.

    Examples
    --------
    >>> describe_axes("CZYX", (3, 12, 512, 512), 1)
    'CZYX, 12 planes of 512 × 512 px; channel 2 of 3'
    """
    length = dict(zip(axes, shape, strict=True))
    counts = [
        f"{length[axis]:,} {_NOUNS[axis][length[axis] != 1]}"
        for axis in axes
        if axis in _NOUNS
    ]
    size = f"{length['Y']:,} × {length['X']:,} px"
    text = f"{axes}, {' of '.join([*counts, size])}"
    n_channels = length.get("C")
    if n_channels is None:
        return text
    if channel is not None:
        return f"{text}; channel {channel + 1} of {n_channels}"
    if n_channels == 1:
        return f"{text}; 1 channel"
    return f"{text}; {'in colour' if is_rgb else f'{n_channels} channels as colours'}"


def _list_letters(letters: Sequence[str]) -> str:
    listed = ", ".join(letters[:_MAX_LETTERS])
    n_more = len(letters) - _MAX_LETTERS
    return listed if n_more <= 0 else f"{listed} and {n_more:,} more"


def _shorten(letters: str) -> str:
    is_short = len(letters) <= 2 * _MAX_LETTERS
    return letters if is_short else f"{letters[:_MAX_LETTERS]}…"
