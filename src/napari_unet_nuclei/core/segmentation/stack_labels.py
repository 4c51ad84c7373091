"""The labels of planes become those of a stack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.images.axes import leading_axes
from napari_unet_nuclei.core.linking.planes import PlaneLinker
from napari_unet_nuclei.core.linking.rule import THROUGH_TIME, LinkRule
from napari_unet_nuclei.core.settings.choices import Link

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings


class StackLabels:
    """Takes the labels of one plane after the other, and numbers those of all.

    No number occurs in two planes, unless nuclei are linked from plane to plane.

    Parameters
    ----------
    stack : PlaneStack
        What the labels are made of.
    settings : SegmentationSettings
        Whether and how nuclei are linked.
    spacing : float, optional
        Distance between depths, in pixels.

    Raises
    ------
    SettingsError
        If nuclei are to be linked along an axis that the stack has not.
    """

    def __init__(
        self,
        stack: PlaneStack,
        settings: SegmentationSettings,
        spacing: float | None = None,
    ) -> None:
        self.n_planes = 0
        self._leading = leading_axes(stack.axes)
        self._shape = (*stack.leading_shape, *stack.plane_shape)
        self._is_stack = len(stack) != 1
        self._n_nuclei = 0
        n_numbered = len(stack) if self._is_stack else 0
        self._numbered = np.zeros((n_numbered, *stack.plane_shape), np.int32)
        self._settings = settings
        self._linker = self._make_linker(spacing)

    def _make_linker(self, spacing: float | None) -> PlaneLinker | None:
        link, min_planes = self._settings.link, self._settings.min_planes
        if link in (Link.NONE, Link.MAPS) or not self._leading:
            return None
        if link.value.upper() not in self._leading:
            raise SettingsError(
                f"Expected a stack with an axis {link.value.upper()}, to link nuclei "
                f"along it with {{link}}. Received: axes {self._leading}YX.",
                link=link.value,
            )
        if not self._is_stack:
            return None
        if link is Link.T:
            return PlaneLinker(replace(THROUGH_TIME, min_planes=min_planes or 1))
        drops_border = self._settings.drop_border
        return PlaneLinker(
            LinkRule(min_planes=min_planes, spacing=spacing, drops_border=drops_border)
        )

    @property
    def plane_settings(self) -> SegmentationSettings:
        """How planes are split before they are handed over.

        What the border cuts of a nucleus in some of its depths is left for the others.
        """
        if self._linker is None or self._settings.link is not Link.Z:
            return self._settings
        return replace(self._settings, drop_border=False)

    def append(self, labels: NDArray[np.int32]) -> None:
        """Take the labels of the next plane.

        Parameters
        ----------
        labels : (Y, X) ndarray of int32
            Numbered from 1.
        """
        if self._linker is not None:
            self._linker.append(labels, self._row())
        if self._is_stack:
            place = self._numbered[self.n_planes]
            np.add(labels, self._n_nuclei, out=place, where=labels > 0)
            self._n_nuclei = max(self._n_nuclei, int(place.max(initial=0)))
        else:
            self._numbered = labels
        self.n_planes += 1

    def _row(self) -> tuple[int, ...]:
        """Place of the next plane along the axes that nuclei are not linked along."""
        place = np.unravel_index(self.n_planes, self._shape[:-2])
        linked = self._settings.link.value.upper()
        return tuple(
            int(at)
            for axis, at in zip(self._leading, place, strict=True)
            if axis != linked
        )

    def to_array(self) -> NDArray[np.int32]:
        """Give back the labels of all planes, once all are there.

        Returns
        -------
        (…, Y, X) ndarray of int32
            Those of a single plane are not copied.
        """
        if self._linker is not None:
            numbers = self._linker.finish()
            self._linker = None
            for plane in self._numbered:
                np.take(numbers, plane, out=plane)
        return self._numbered.reshape(self._shape)
