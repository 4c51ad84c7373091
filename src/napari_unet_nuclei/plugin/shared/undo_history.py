"""Undo and redo of a labels layer, and how many of its corrections stand.

The one place that knows napari's undo history, which announces neither undo nor redo
and stays as it is where labels are replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.plugin.shared.result_maps import unwrapped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from napari.layers import Labels
    from numpy.typing import NDArray


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


def carry_history(
    layer: Labels,
    labels: NDArray[np.integer],
    numbers: NDArray[np.integer],
    locked: Collection[int],
) -> None:
    """Keep of the history what can still be undone once labels are replaced.

    That is each correction whose pixels stay as they are, back to the first whose
    pixels do not.  A nucleus that an undo would bring back gets another number where
    its own is now that of another nucleus.  What was undone cannot be redone.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer, before its labels are replaced.
    labels : ndarray of int
        What replaces them, of the same shape.
    numbers : (N,) ndarray of int
        The nuclei in it.
    locked : collection of int
        Those of them that are the same nuclei as before.
    """
    layer = unwrapped(layer)
    layer._redo_history.clear()
    current = layer.data
    kept: list[list[Any]] = []
    for step in reversed(layer._undo_history):
        if current.shape != labels.shape or not all(
            np.array_equal(_pixels(atom, current), _pixels(atom, labels))
            for atom in step
        ):
            break
        kept.append(step)
    layer._undo_history.clear()
    brought_back = _numbers_before(kept) - set(locked)
    others = sorted(brought_back.intersection(numbers.tolist()))
    first = max([int(numbers.max(initial=0)), *brought_back, *locked]) + 1
    if first + len(others) <= np.iinfo(labels.dtype).max:
        renamed = {number: first + n for n, number in enumerate(others)}
        for step in reversed(kept):
            layer._undo_history.append([_rename(atom, renamed) for atom in step])


def _pixels(atom: Any, labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the pixels that a part of a step has changed."""
    if not hasattr(atom, "slice_key"):
        return np.asarray(labels[atom[0]])
    box = np.asarray(labels[atom.slice_key])
    return box if atom.mask is None else box[atom.mask]


def _numbers_before(steps: Iterable[list[Any]]) -> set[int]:
    """Return the nuclei that undoing some steps writes."""
    found: set[int] = set()
    for step in steps:
        for atom in step:
            before = atom.old_values if hasattr(atom, "slice_key") else atom[1]
            found |= set(np.unique(before).tolist())
    return found - {0}


def _rename(atom: Any, renamed: dict[int, int]) -> Any:
    """Return a step with other numbers; one of napari 0.9 paints a single number."""
    if not renamed:
        return atom
    if hasattr(atom, "slice_key"):
        return atom._replace(
            old_values=_renumbered(atom.old_values, renamed),
            new_value=renamed.get(int(atom.new_value), atom.new_value),
        )
    indices, before, after = atom
    return indices, _renumbered(before, renamed), _renumbered(after, renamed)


def _renumbered(values: Any, renamed: dict[int, int]) -> Any:
    before = np.asarray(values)
    after = before.copy()
    for old, new in renamed.items():
        after[before == old] = new
    return after


def _history(layer: Labels) -> tuple[int, int]:
    """Return how many corrections can be undone, and how many redone."""
    layer = unwrapped(layer)
    return len(layer._undo_history), len(layer._redo_history)
