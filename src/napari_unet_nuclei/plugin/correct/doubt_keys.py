"""Keys of *Next doubtful*: they act in the layer that is corrected."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.layers import Labels
    from qtpy.QtCore import QObject


class Step(StrEnum):
    """What a key or a button does."""

    NEXT = "next"
    ACCEPT = "accept"
    DELETE = "delete"
    BACK = "back"


KEYS = {
    Step.NEXT: ("N",),
    Step.ACCEPT: ("Y",),
    Step.DELETE: ("Delete", "Backspace"),
    Step.BACK: ("U",),
}
"""None of them is one of napari's own for labels."""


class DoubtKeys:
    """Gives one labels layer the keys, and takes them from the one before.

    Parameters
    ----------
    actions : mapping of Step to callable
        What each does.
    owner : QObject
        The keys end with it.
    """

    def __init__(
        self, actions: Mapping[Step, Callable[[], object]], owner: QObject
    ) -> None:
        self._actions = actions
        self._layer: Labels | None = None
        owner.destroyed.connect(self._end)

    def move_to(self, layer: Labels | None) -> None:
        """Let the keys act in another layer, or nowhere."""
        if self._layer is not None:
            for keys in KEYS.values():
                for key in keys:
                    self._layer.bind_key(key, None)
        self._layer = layer
        if layer is None:
            return
        for step, keys in KEYS.items():
            action = self._actions[step]
            for key in keys:
                layer.bind_key(key, lambda _, do=action: do(), overwrite=True)

    def _end(self) -> None:
        self.move_to(None)
