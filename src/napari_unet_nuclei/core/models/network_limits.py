"""Arguments of networks that may come from anybody, bounded before any is built.

Keras makes room for what arguments ask for, however much that is.  What they mean is
checked by the shapes in :mod:`~napari_unet_nuclei.core.networks`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

_MAX_DEPTH = 8
_MAX_VALUES = 200_000
_MAX_NUMBER = 8192  # widths, and whatever is counted
_MAX_TEXT = 256  # characters
_MAX_LEVELS = 16
_MAX_BLOCKS = 64  # convolutions or residual blocks of a level
_COUNTS = (
    "encoder_convolutions",
    "decoder_convolutions",
    "encoder_blocks",
    "decoder_blocks",
)
_SLACK = 4


def check_arguments(arguments: Mapping[str, Any], n_weights: int) -> None:
    """Refuse arguments that would build far more than there are weights for.

    Parameters
    ----------
    arguments : mapping
        Keyword arguments of a network's builder, as JSON gives them.
    n_weights : int
        Weights that come with them.

    Raises
    ------
    ValueError
        If a value is nested too deep, too long or too large, or the network would
        have several times as many weights.
    """
    left = _MAX_VALUES
    waiting: list[tuple[Any, int]] = [(arguments, 0)]
    n_needed = 0
    while waiting:
        value, depth = waiting.pop()
        left -= 1
        if left < 0 or depth > _MAX_DEPTH:
            raise ValueError("arguments are too many or nested too deep")
        if isinstance(value, Mapping):
            n_needed += _count_least_weights(value)
            waiting.extend((part, depth + 1) for part in value.values())
        elif isinstance(value, list | tuple):
            waiting.extend((part, depth + 1) for part in value)
        else:
            _check_value(value)
    if n_needed > _SLACK * n_weights + _MAX_NUMBER:
        raise ValueError(
            f"arguments ask for {n_needed:,} weights or more, and there are "
            f"{n_weights:,}"
        )


def _check_value(value: object) -> None:
    is_right = value is None or isinstance(value, bool)
    if isinstance(value, str):
        is_right = len(value) <= _MAX_TEXT
    elif isinstance(value, int | float):
        is_right = math.isfinite(value) and abs(value) <= _MAX_NUMBER
    if not is_right:
        raise ValueError(f"arguments hold {str(value)[:40]}")


def _count_least_weights(arguments: Mapping[str, Any]) -> int:
    """Weights that the levels of a U-Net have at least: 3x3 kernels between them."""
    widths = arguments.get("widths", ())
    if not isinstance(widths, Sequence) or len(widths) > _MAX_LEVELS:
        raise ValueError(f"widths are not those of at most {_MAX_LEVELS} levels")
    if any(type(width) is not int or width < 1 for width in widths):
        raise ValueError("widths are no positive integers")
    n_repeated = max(map(_count_blocks, (arguments.get(name, 1) for name in _COUNTS)))
    between = sum(a * b for a, b in zip(widths[1:], widths[:-1], strict=True))
    within = sum(width**2 for width in widths)
    return int(9 * (between + (n_repeated - 1) * min(within, between)))


def _count_blocks(counts: object) -> int:
    """Smallest number of blocks that a level has, once each is checked."""
    each = counts if isinstance(counts, list | tuple) else [counts]
    for count in each:
        if type(count) is not int or not 0 <= count <= _MAX_BLOCKS:
            raise ValueError(f"a level has {str(count)[:40]} blocks")
    return max(1, min(each, default=1))
