"""What the axes of an image mean, by their names and lengths.

Axes as text, which the user types and reads, are in ``axes_text``, the axes of a layer
in ``layer_axes``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_AXES_BY_NAME = {
    "t": "T",
    "time": "T",
    "z": "Z",
    "depth": "Z",
    "plane": "Z",
    "c": "C",
    "ch": "C",
    "channel": "C",
    "channels": "C",
    "y": "Y",
    "row": "Y",
    "x": "X",
    "column": "X",
}
_UNNAMED_AXES = "TZYX"  # meaning of axes without a name, from the last one
_COLOURS = (3, 4)
_MOST_CHANNELS = 5  # an axis without a name that is longer holds planes
_MIN_SIDE = 30  # px, above which napari, too, reads a last axis of 3 as colours


class ChannelChoice(StrEnum):
    """Which channel is segmented, where it is not one of a fixed number."""

    SHOWN = "shown"
    COLOURS = "colours"


@dataclass(frozen=True, kw_only=True)
class UnderstoodAxes:
    """What the axes of an image are understood to mean.

    Parameters
    ----------
    axes : str
        One letter an axis out of T, Z, C, Y, X.
    doubt : str
        A sentence that says what else they could be; empty where they are clear.
    """

    axes: str
    doubt: str = ""


def axes_by_name(labels: Sequence[str], *, is_rgb: bool = False) -> str | None:
    """Name axes by their labels, those without a known one by their position.

    Parameters
    ----------
    labels : sequence of str
        Such as ``("time", "y", "x")``; labels that contradict each other count as
        none.
    is_rgb : bool
        Whether a last axis of colours comes after these.

    Returns
    -------
    str or None
        One letter an axis; ``None`` where there are too many.

    Examples
    --------
    >>> axes_by_name(["time", "-2", "-1"])
    'TYX'
    """
    if is_rgb:
        axes = axes_by_name(labels)
        return None if axes is None or "C" in axes else f"{axes}C"
    known = [_known(label) for label in labels]
    for named in (known, [None] * len(known)):
        axes = _fill(named)
        if axes is not None:
            return axes
    return None


def named_axes(labels: Sequence[str], axes: str) -> str | None:
    """Name axes by their labels alone, where these name the same axes in any order."""
    known = [_known(label) or "?" for label in labels]
    return "".join(known) if sorted(known) == sorted(axes) else None


def understand_axes(
    labels: Sequence[str], shape: Sequence[int], *, is_rgb: bool = False
) -> UnderstoodAxes | None:
    """Return what the axes of an image mean.

    Names decide.  Where no axis has a known name, a short last axis behind two long
    ones holds channels; all else is a stack of planes.

    Parameters
    ----------
    labels : sequence of str
        Names of the axes, without that of colours.
    shape : sequence of int
        Length of each axis, with that of colours.
    is_rgb : bool
        Whether napari shows the last axis as colours.

    Returns
    -------
    UnderstoodAxes or None
        ``None`` where the axes could be anything.

    Examples
    --------
    >>> understand_axes(["-3", "-2", "-1"], (512, 512, 3)).axes
    'YXC'
    """
    by_name = axes_by_name(labels, is_rgb=is_rgb)
    if is_rgb:
        return None if by_name is None else UnderstoodAxes(axes=by_name)
    if not any(_known(label) for label in labels) and _has_channels_last(shape):
        doubt = ""
        if shape[-1] not in (1, *_COLOURS):
            doubt = f"Its last axis is short, so it is read as {shape[-1]} channels."
        return UnderstoodAxes(axes=f"{'TZ'[5 - len(shape) :]}YXC", doubt=doubt)
    if by_name is None:
        return _with_single_axis(shape)
    return UnderstoodAxes(axes=by_name, doubt=_doubt(by_name, labels, shape))


def n_channels(axes: str, shape: Sequence[int]) -> int:
    """Return how many channels an image of these axes has; 0 for one without."""
    return dict(zip(axes, shape, strict=True)).get("C", 0)


def default_channel(axes: str, shape: Sequence[int]) -> ChannelChoice:
    """Return which channel is meant if the user has not chosen one.

    Channels after Y and X are colours, those before them have a slider.
    """
    is_colour = axes.endswith("C") and n_channels(axes, shape) in (1, *_COLOURS)
    return ChannelChoice.COLOURS if is_colour else ChannelChoice.SHOWN


def can_be_colours(n: int) -> bool:
    """Return whether this many channels can be the colours of one image."""
    return n in _COLOURS


def _known(label: str) -> str | None:
    return _AXES_BY_NAME.get(label.strip().lower())


def _has_channels_last(shape: Sequence[int]) -> bool:
    return (
        3 <= len(shape) <= 5
        and 1 <= shape[-1] <= _MOST_CHANNELS
        and min(shape[-3:-1]) > _MIN_SIDE
    )


def _with_single_axis(shape: Sequence[int]) -> UnderstoodAxes | None:
    """Read an axis of length 1 as the channels of five axes without names."""
    leading = list(shape[:-2])
    if len(leading) != 3 or 1 not in leading:
        return None
    where = 1 if leading[1] == 1 else leading.index(1)  # ImageJ's order is T, Z, C
    where = 2 if leading[2] == 1 else where
    letters = ["T", "Z"]
    letters.insert(where, "C")
    return UnderstoodAxes(axes="".join(letters) + "YX")


def _doubt(axes: str, labels: Sequence[str], shape: Sequence[int]) -> str:
    """Return which short axes without a name may be channels, in a sentence."""
    if "C" in axes or not axes.endswith("YX"):
        return ""
    readings = []
    for index, (label, length) in enumerate(zip(labels[:-2], shape, strict=False)):
        is_short = 2 <= length <= _MOST_CHANNELS
        if is_short and re.fullmatch(r"(axis )?-?\d*", label.strip()):
            others = axes[:index] + axes[index + 1 :]
            if _known(labels[1 - index]) is None:
                others = others.replace("T", "Z")
            readings.append((length, f"{others[:index]}C{others[index:]}"))
    if not readings:
        return ""
    choices = " or ".join(
        f"{reading} if the axis of length {n} holds channels" for n, reading in readings
    )
    return f"An axis has no name: write {choices}."


def _fill(named: Sequence[str | None]) -> str | None:
    """Give axes without a name one of those left, from the last one backwards."""
    free = [axis for axis in _UNNAMED_AXES if axis not in named]
    if named.count(None) > len(free):
        return None
    axes = [axis or free.pop() for axis in reversed(named)]
    is_valid = len(set(axes)) == len(axes) and {"Y", "X"} <= set(axes)
    return "".join(reversed(axes)) if is_valid else None
