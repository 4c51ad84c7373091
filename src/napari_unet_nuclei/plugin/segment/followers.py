"""Which labels layers are followed, across all widgets: each by one table.

If two tables followed one layer, each would mistake the other's results for
corrections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.events import EventEmitter

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari.layers import Labels
    from qtpy.QtCore import QObject

edited = EventEmitter(type_name="edited")
"""Emitted with a table after it has followed an edit."""

released = EventEmitter(type_name="released")
"""Emitted with a layer whose widget is gone; its ``owner`` is that widget."""

_followed: set[Hashable] = set()


def claim(layer: Labels) -> None:
    """Note that a layer is followed."""
    _followed.add(layer.unique_id)


def give_up(layer: Labels) -> None:
    """Note that a layer is no longer followed."""
    _followed.discard(layer.unique_id)


def is_followed(layer: Labels) -> bool:
    """Whether a table of any widget follows a layer."""
    return layer.unique_id in _followed


def release(layer: Labels, owner: QObject) -> None:
    """Leave a layer to another widget, if one is open.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    owner : QObject
        The widget that is gone.
    """
    give_up(layer)
    released(value=layer, owner=owner)
