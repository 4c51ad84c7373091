"""What need not be searched for garbage each time an image makes place for the next.

napari collects garbage whenever a layer is removed, which takes a sixth of a second and
more: it visits every object of every program that is loaded, none of which has changed.
"""

from __future__ import annotations

import gc


class SparedObjects:
    """Leaves the objects there are now out of garbage collection, until `end`."""

    def __init__(self) -> None:
        self._are_spared = False

    def begin(self) -> None:
        """Spare what there is now; a second call changes nothing."""
        if not self._are_spared:
            self._are_spared = True
            gc.freeze()

    def end(self) -> None:
        """Collect everything again that has become garbage."""
        if self._are_spared:
            self._are_spared = False
            gc.unfreeze()
