"""What napari says about painting: where pixels change, and the mouse button.

Everything that depends on how napari's labels layer paints is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.plugin.segment.edited_labels import whole_box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.layers import Labels

    from napari_unet_nuclei.plugin.segment.edited_labels import Box


class Strokes:
    """What the user paints in a labels layer.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    on_paint : callable
        Gets what napari knows of the pixels it is about to change; see
        `painted_boxes`.
    on_release : callable
        Called when the mouse button is released.
    """

    def __init__(
        self,
        layer: Labels,
        on_paint: Callable[[Any], object],
        on_release: Callable[[], object],
    ) -> None:
        self._layer = layer
        self._on_paint = on_paint
        self._on_release = on_release
        self.is_under_way = False
        layer.events.paint.connect(self._note_paint)
        layer.mouse_drag_callbacks.append(self._note_drag)

    def stop(self) -> None:
        """Stop listening."""
        self._layer.events.paint.disconnect(self._note_paint)
        if self._note_drag in self._layer.mouse_drag_callbacks:
            self._layer.mouse_drag_callbacks.remove(self._note_drag)

    def _note_paint(self, event: Any) -> None:
        self._on_paint(event.value)

    def _note_drag(self, _: Labels, event: Any) -> Iterator[None]:
        self.is_under_way = True
        yield
        while event.type == "mouse_move":
            yield
        self.is_under_way = False
        self._on_release()


def painted_boxes(atoms: Any, shape: tuple[int, ...]) -> list[Box]:
    """Return where an event of paint says that pixels change.

    An atom of napari 0.9 has a ``slice_key``; before, and after ``data_setitem``, it
    begins with an index array for each axis.  Anything else may be anywhere.

    Parameters
    ----------
    atoms : iterable
        Value of the event.
    shape : tuple of int
        Shape of the labels.

    Returns
    -------
    list of tuples of slices
        Boxes that hold all these pixels.
    """
    boxes = []
    for atom in atoms:
        box = getattr(atom, "slice_key", None)
        if box is None:
            try:
                box = tuple(
                    slice(int(np.min(index)), int(np.max(index)) + 1)
                    for index in atom[0]
                )
            except (TypeError, ValueError, IndexError):
                box = ()
        if len(box) != len(shape):
            return [whole_box(shape)]
        boxes.append(box)
    return boxes
