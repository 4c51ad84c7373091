"""Undo and redo of a labels layer, and how many of its corrections stand.

The one place that reads napari's undo history, which announces neither undo nor redo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.plugin.shared.result_maps import unwrapped

if TYPE_CHECKING:
    from napari.layers import Labels


class UndoWatch:
    """Notices what was undone and redone in a layer.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer as it is.
    """

    def __init__(self, layer: Labels) -> None:
        self._n_to_undo, self._n_to_redo = _history(layer)

    def n_redone(self, layer: Labels) -> int:
        """Return how many corrections were redone since; negative if undone."""
        n_to_undo, n_to_redo = self._n_to_undo, self._n_to_redo
        self._n_to_undo, self._n_to_redo = _history(layer)
        n_undone = self._n_to_redo - n_to_redo
        if n_undone < 0:  # redone, or forgotten because a slider or a brush moves
            return max(self._n_to_undo - n_to_undo, 0)
        return -n_undone


class CorrectionCount:
    """Counts the corrections of a layer; undone ones only once they are redone.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer as it is before the first correction that counts.
    """

    def __init__(self, layer: Labels) -> None:
        self.n = 0
        self._undo = UndoWatch(layer)

    def note_correction(self, layer: Labels) -> None:
        """Count one more."""
        self.n += 1
        self._undo = UndoWatch(layer)

    def note_redraw(self, layer: Labels) -> bool:
        """Count what was undone or redone since, if anything was.

        Returns
        -------
        bool
            Whether the count has changed.
        """
        before = self.n
        self.n = max(self.n + self._undo.n_redone(layer), 0)
        return self.n != before


def _history(layer: Labels) -> tuple[int, int]:
    """Return how many corrections can be undone, and how many redone."""
    layer = unwrapped(layer)
    return len(layer._undo_history), len(layer._redo_history)
