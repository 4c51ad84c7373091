"""Which image comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def next_index(
    current: int | None,
    step: int,
    n_images: int,
    is_skipped: Callable[[int], bool] = lambda _: False,
) -> int | None:
    """Return the position of the next image to look at.

    Parameters
    ----------
    current : int, optional
        Position of the image on show; ``None`` before the first.
    step : {1, -1}
        Forwards or backwards.
    n_images : int
        How many there are.
    is_skipped : callable
        Whether the image at a position is passed over.

    Returns
    -------
    int or None
        ``None`` where there is none in this direction.

    Examples
    --------
    >>> next_index(0, 1, 3), next_index(2, 1, 3), next_index(None, -1, 3)
    (1, None, 2)
    >>> next_index(0, 1, 4, is_skipped=lambda index: index == 1)
    2
    """
    if current is None:
        current = -1 if step > 0 else n_images
    index = current + step
    while 0 <= index < n_images:
        if not is_skipped(index):
            return index
        index += step
    return None
