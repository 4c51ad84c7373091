"""The labels of planes become those of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.axes import PlaneStack


class StackLabels:
    """Takes the labels of one plane after the other, so that no number occurs in two.

    Parameters
    ----------
    stack : PlaneStack
        What the labels are made of.
    """

    def __init__(self, stack: PlaneStack) -> None:
        self.n_planes = 0
        self._shape = (*stack.leading_shape, *stack.plane_shape)
        self._is_stack = len(stack) != 1
        self._n_nuclei = 0
        n_numbered = len(stack) if self._is_stack else 0
        self._numbered = np.zeros((n_numbered, *stack.plane_shape), np.int32)

    def append(self, labels: NDArray[np.int32]) -> None:
        """Take the labels of the next plane.

        Parameters
        ----------
        labels : (Y, X) ndarray of int32
            Numbered from 1.
        """
        if self._is_stack:
            place = self._numbered[self.n_planes]
            np.add(labels, self._n_nuclei, out=place, where=labels > 0)
            self._n_nuclei = max(self._n_nuclei, int(place.max(initial=0)))
        else:
            self._numbered = labels
        self.n_planes += 1

    def to_array(self) -> NDArray[np.int32]:
        """Give back the labels of all planes.

        Returns
        -------
        (…, Y, X) ndarray of int32
            Those of a single plane are not copied.
        """
        return self._numbered.reshape(self._shape)
