"""Which nuclei of a labels layer are locked: corrected by hand, and left as they are.

Their numbers are part of the layer's metadata, so that copies keep them.  Who follows
the edits of a layer locks nuclei; sliders and new runs leave locked ones alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from napari.utils.events import EventEmitter

from napari_unet_nuclei.plugin.shared.result_maps import unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari.layers import Labels
    from numpy.typing import NDArray

LOCKED = "locked_nuclei"
"""Key of the metadata; a sorted list of numbers."""

unlocked = EventEmitter(type_name="unlocked")
"""Emitted with a layer whose nuclei the user has unlocked."""

accepted = EventEmitter(type_name="accepted")
"""Emitted with a layer, a ``number``, and whether it ``is_accepted`` now."""


_erased: WeakKeyDictionary[Any, NDArray[np.integer]] = WeakKeyDictionary()


def note_erased(layer: Labels, pixels: NDArray[np.integer]) -> None:
    """Know which pixels of a layer were erased by hand, and stay background.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    pixels : (N,) ndarray of int
        Indices into the raveled labels, in place of those of before.
    """
    _erased[unwrapped(layer)] = pixels


def erased_pixels(layer: Labels) -> NDArray[np.integer] | None:
    """Return what `note_erased` was told, ``None`` if nobody has followed the layer."""
    return _erased.get(unwrapped(layer))


def is_erased(layer: Labels, index: Sequence[int]) -> bool:
    """Whether a pixel was erased by hand, as far as anybody has followed that."""
    pixels = erased_pixels(layer)
    if pixels is None:
        return False
    return bool((pixels == np.ravel_multi_index(index, layer.data.shape)).any())


def locked_ids(metadata: Mapping[str, Any]) -> frozenset[int]:
    """Return the numbers of the locked nuclei of a layer, by its metadata."""
    known = metadata.get(LOCKED)
    if not isinstance(known, list):  # a file may hold anything
        return frozenset()
    return frozenset(each for each in known if isinstance(each, int) and each > 0)


def locking_metadata(
    metadata: Mapping[str, Any], locked: Iterable[int]
) -> dict[str, Any]:
    """Return metadata that name these nuclei as locked.

    Parameters
    ----------
    metadata : mapping
        Metadata of a labels layer.
    locked : iterable of int
        Numbers of all locked nuclei.

    Returns
    -------
    dict
        The same, without the key where nothing is locked.
    """
    described = {name: value for name, value in metadata.items() if name != LOCKED}
    numbers = sorted(int(number) for number in locked)
    return described | ({LOCKED: numbers} if numbers else {})


def unlock(layer: Labels) -> None:
    """Let sliders and new runs change all nuclei of a layer again."""
    layer.metadata = locking_metadata(layer.metadata, ())
    _erased.pop(unwrapped(layer), None)
    unlocked(value=layer)


def accept(layer: Labels, number: int, *, is_accepted: bool = True) -> None:
    """Lock a nucleus that the user finds right as it is, or unlock it again.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    number : int
        The nucleus.
    is_accepted : bool
        False to take the acceptance back.
    """
    numbers = locked_ids(layer.metadata) - {number}
    if is_accepted:
        numbers |= {number}
    layer.metadata = locking_metadata(layer.metadata, numbers)
    accepted(value=layer, number=number, is_accepted=is_accepted)
