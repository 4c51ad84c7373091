"""The labels of planes become those of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.progress import PlaneDone

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.axes import PlaneStack


def iter_stack_labels(
    stack: PlaneStack, planes: Iterable[NDArray[np.int32]]
) -> Generator[PlaneDone, None, NDArray[np.int32]]:
    """Put the labels of planes together, so that no number occurs in two.

    Parameters
    ----------
    stack : PlaneStack
        What the labels were made of.
    planes : iterable of (Y, X) ndarray of int32
        Labels of each plane, numbered from 1.

    Yields
    ------
    PlaneDone
        After each plane.

    Returns
    -------
    (…, Y, X) ndarray of int32
        Labels of the stack; those of a single plane without a copy.
    """
    shape = (*stack.leading_shape, *stack.plane_shape)
    if len(stack) == 1:
        (labels,) = planes
        yield PlaneDone(1, 1)
        return labels.reshape(shape)
    numbered = np.zeros((len(stack), *stack.plane_shape), np.int32)
    n_nuclei = 0
    for n_done, labels in enumerate(planes, start=1):
        place = numbered[n_done - 1]
        np.add(labels, n_nuclei, out=place, where=labels > 0)
        n_nuclei = max(n_nuclei, int(place.max(initial=0)))
        yield PlaneDone(n_done, len(stack))
    return numbered.reshape(shape)
