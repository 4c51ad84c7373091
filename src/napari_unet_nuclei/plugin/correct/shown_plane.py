"""The plane of a labels layer that the canvas shows, and what changes its pixels.

The one place that knows how a correction becomes an entry of napari's undo history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.editing.edit import EditError
from napari_unet_nuclei.plugin.shared.result_maps import maps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari.components import Dims
    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.editing.edit import Edit
    from napari_unet_nuclei.core.instances.maps import Maps


@dataclass(frozen=True, kw_only=True, eq=False)
class ShownPlane:
    """A plane of a labels layer.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    index : tuple of int
        Where the plane lies along each axis of the layer; 0 along the two it has.
    axes : tuple of int
        The two axes of the layer that the plane has, ascending.
    """

    layer: Labels
    index: tuple[int, ...]
    axes: tuple[int, int]

    @classmethod
    def of(cls, layer: Labels, dims: Dims) -> ShownPlane:
        """Find the plane that is shown.

        Parameters
        ----------
        layer : napari.layers.Labels
            The layer.
        dims : napari.components.Dims
            The sliders of the viewer.

        Raises
        ------
        EditError
            If the layer cannot be corrected, or shows no plane.
        """
        check_editable(layer)
        if dims.ndisplay != 2:
            raise EditError("Corrections need the 2D view: switch off the 3D view.")
        n_missing = dims.ndim - layer.ndim
        axes = sorted(axis - n_missing for axis in dims.displayed)
        if axes[0] < 0:
            raise EditError(f"“{layer.name}” lies across the plane that is shown.")
        at = np.floor(np.asarray(layer.world_to_data(dims.point)) + 0.5).astype(int)
        index = [0 if axis in axes else int(n) for axis, n in enumerate(at)]
        shape = layer.data.shape
        if not all(0 <= n < length for n, length in zip(index, shape, strict=True)):
            raise EditError(f"“{layer.name}” has no pixels in the plane that is shown.")
        return cls(layer=layer, index=tuple(index), axes=(axes[0], axes[1]))

    @property
    def labels(self) -> NDArray[np.integer]:
        """The labels of the plane, (Y, X); a view."""
        key = [
            slice(None) if axis in self.axes else n for axis, n in enumerate(self.index)
        ]
        plane: NDArray[np.integer] = self.layer.data[tuple(key)]
        return plane

    @property
    def key(self) -> tuple[int, ...]:
        """What the plane is known by among all planes of the layer."""
        return (*self.index, *self.axes)

    @property
    def maps(self) -> Maps | None:
        """The maps of the plane, if it is one that was segmented."""
        known = maps_of(self.layer)
        if known is None or self.axes != (self.layer.ndim - 2, self.layer.ndim - 1):
            return None
        maps = known.at(self.index)
        is_fitting = maps is not None and maps.foreground.shape == self.labels.shape
        return maps if is_fitting else None

    def labels_up_to(self, number: int) -> NDArray[np.integer]:
        """Return the labels of the plane in a type that can hold a number."""
        labels = self.labels
        fits = number <= np.iinfo(labels.dtype).max
        return labels if fits else labels.astype(np.int64)

    def place(self, positions: Iterable[Sequence[float]]) -> NDArray[np.float64]:
        """Return where positions in the world lie in the plane.

        Parameters
        ----------
        positions : iterable of sequences of float
            Positions of the mouse.

        Returns
        -------
        (N, 2) ndarray of float64
            Rows and columns, in pixels.
        """
        points = [self.layer.world_to_data(position) for position in positions]
        return np.asarray(points, float)[:, list(self.axes)]

    def apply(self, edit: Edit) -> bool:
        """Change the pixels of the layer, as one entry of its undo history.

        Returns
        -------
        bool
            Whether any pixel has changed.

        Raises
        ------
        EditError
            If the layer cannot hold a new number.
        """
        rows, columns, values = edit.changes(self.labels)
        if not rows.size:
            return False
        dtype = self.layer.data.dtype
        check_number(self.layer, int(values.max()))
        indices = [np.full(rows.size, n) for n in self.index]
        indices[self.axes[0]], indices[self.axes[1]] = rows, columns
        self.layer.data_setitem(tuple(indices), values.astype(dtype))
        return True

    def free_number(self) -> int:
        """Return a number that no nucleus of the layer has."""
        return max(int(self.layer.data.max(initial=0)), 0) + 1


def check_number(layer: Labels, number: int) -> None:
    """Check whether a layer can hold a number.

    Raises
    ------
    EditError
        If it cannot; the message says what to do.
    """
    most = np.iinfo(layer.data.dtype).max
    if number > most:
        raise EditError(
            f"“{layer.name}” holds no more than {most} nuclei: "
            "right-click it in the layer list and convert its data type to int32."
        )


def check_editable(layer: Labels) -> None:
    """Check whether the pixels of a layer can be changed.

    Raises
    ------
    EditError
        If they cannot; the message says why, and what to do.
    """
    duplicate = "duplicate the layer and correct the copy"
    if layer.multiscale:
        raise EditError(
            f"“{layer.name}” has several resolutions, of which none can be corrected: "
            "open the finest one alone."
        )
    if not isinstance(layer.data, np.ndarray):
        kind = type(layer.data).__module__.partition(".")[0]
        raise EditError(
            f"“{layer.name}” is not in memory but an array of {kind}, which cannot be "
            "corrected: load it into memory first."
        )
    if not layer.data.flags.writeable:
        raise EditError(f"The pixels of “{layer.name}” are read-only: {duplicate}.")
    if not layer.editable:
        raise EditError(f"“{layer.name}” is locked in napari's layer list: unlock it.")
