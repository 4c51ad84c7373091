"""The way through the images of a list: which is on show, and which comes next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.browsing.walking import next_index

if TYPE_CHECKING:
    from napari_unet_nuclei.plugin.browse.image_model import ImageModel


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where the user wants to go; ``step`` is the direction past unreadable images."""

    index: int
    step: int


class Way:
    """Where the user is, and where to.

    Parameters
    ----------
    model : ImageModel
        The list.
    """

    def __init__(self, model: ImageModel) -> None:
        self._model = model
        self.current: int | None = None
        self.target: Target | None = None
        self.skips_done = False

    def begin(self) -> None:
        """Go to the first image of a list that is not done."""
        rows = self._model.rows
        to_do = (n for n, each in enumerate(rows) if not each.progress.is_done)
        self.current, self.target = None, Target(index=next(to_do, 0), step=1)

    def next(self, step: int) -> int | None:
        """Return the position of the next image in a direction, if there is one."""
        start = self.current if self.target is None else self.target.index
        return next_index(start, step, len(self._model.rows), self._is_skipped)

    def aim(self, index: int, step: int) -> None:
        """Go to an image."""
        self.target = Target(index=index, step=step)

    def arrive(self, index: int) -> bool:
        """Note that an image can be shown, and return whether the user waits for it."""
        if self.target is None or self.target.index != index:
            return False
        self.current, self.target = index, None
        return True

    def pass_over(self, index: int, reason: str) -> bool:
        """Note that an image cannot be read, and go on in the same direction.

        Parameters
        ----------
        index : int
            Its position.
        reason : str
            Why it cannot be read.

        Returns
        -------
        bool
            Whether the user waits for this image.
        """
        self._model.set_problem(index, reason)
        target = self.target
        if target is None or target.index != index:
            return False
        rows = len(self._model.rows)
        after = next_index(index, target.step, rows, self._is_skipped)
        self.target = None if after is None else replace(target, index=after)
        return True

    def _is_skipped(self, index: int) -> bool:
        row = self._model.rows[index]
        return row.problem is not None or (self.skips_done and row.progress.is_done)
