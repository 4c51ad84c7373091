"""What the planes of a stack are called, each being a sample of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLANE = re.compile(r"(?P<stack>.+)\[\d+(,\d+)*\]", re.DOTALL)


def plane_names(stack: str, leading_shape: Sequence[int]) -> list[str]:
    """Name the planes of a stack.

    Parameters
    ----------
    stack : str
        Name of the stack.
    leading_shape : sequence of int
        Lengths of the axes before Y and X.

    Returns
    -------
    list of str
        One for each plane, in order; the stack's own for a single plane.

    Examples
    --------
    >>> plane_names("a", (2,)), plane_names("a", ())
    (['a[0]', 'a[1]'], ['a'])
    """
    if not leading_shape:
        return [stack]
    indices = np.ndindex(*leading_shape)
    return [f"{stack}[{','.join(map(str, index))}]" for index in indices]


def stack_of(name: str) -> str | None:
    """Return the name of the stack that a plane is of.

    Parameters
    ----------
    name : str
        Name of a sample.

    Returns
    -------
    str or None
        None for what is not called like a plane.
    """
    match = _PLANE.fullmatch(name)
    return None if match is None else match["stack"]
