"""Labels of OME-Zarr: arrays that are filled block by block, then described.

Written with ``zarr`` itself: the library ``ome-zarr`` writes labels that are at hand as
one array, and knows of no resume.  A reader sees the labels once they are complete,
because their metadata come last.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.files.extras import import_extra
from napari_unet_nuclei.core.files.ome_zarr import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_unet_nuclei.core.images.calibration import Calibration

LARGEST_CHUNK = 1024
"""Side of the largest chunks that labels are stored in, in px."""

_SMALLEST_LEVEL = 512  # px; a pyramid ends where both sides are no larger
_UNITS = {"um": "micrometer", "nm": "nanometer", "mm": "millimeter", "m": "meter"}
_N_COLOURS = 12
_PROVENANCE = "napari-unet-nuclei"


def label_chunk(side: int) -> int:
    """Return the largest chunk that blocks of a side consist of, in px."""
    return max(n for n in range(1, LARGEST_CHUNK + 1) if side % n == 0)


class OmeZarrLabels:
    """The labels of an image in an OME-Zarr group, level by level.

    Parameters
    ----------
    path : Path
        The group: that of the image, or one of its own, which is made if missing.
    name : str
        What the labels are called.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._zarr = import_extra("zarr", "OME-Zarr")
        self.path, self.name = path, name

    def provenance(self) -> Mapping[str, Any] | None:
        """Return what finished labels of this name say of their run, if any are."""
        try:
            group = self._zarr.open_group(self._folder, mode="r")
        except Exception:  # noqa: BLE001 - zarr has many kinds; there are no labels
            return None
        said = group.attrs.get(_PROVENANCE)
        return said if isinstance(said, dict) else None

    def exist(self) -> bool:
        """Whether there are labels of this name, of whomever."""
        return self._folder.exists()

    def create(
        self,
        shape: tuple[int, int],
        chunk: int,
        dtype: np.dtype[Any],
        n_levels: int | None = None,
    ) -> Any:
        """Make the arrays of all levels, which are empty, and return the largest.

        Parameters
        ----------
        shape : tuple of int
            Height and width, in px.
        chunk : int, in px
            Side of the chunks.
        dtype : numpy.dtype
            Type of the numbers.
        n_levels : int, optional
            Levels to make, as many as an image has that they belong to; by default as
            many as the size asks for.

        Returns
        -------
        Zarr array
            (Y, X)

        Raises
        ------
        OutputError
            If they cannot be made.
        """
        root = self._open_root()
        labels = root.require_group("labels").create_group(self.name, overwrite=True)
        arrays = []
        for number, size in enumerate(pyramid_shapes(shape, n_levels)):
            arrays.append(
                labels.create_array(
                    str(number),
                    shape=size,
                    chunks=tuple(min(chunk, length) for length in size),
                    dtype=dtype,
                    fill_value=0,
                    **self._names_of_axes(labels),
                )
            )
        return arrays[0]

    def iter_pyramid(self) -> Iterator[int]:
        """Fill the smaller levels, each with every second pixel of the one before.

        Yields
        ------
        int
            Rows of a level that are done.
        """
        labels = self._zarr.open_group(self._folder, mode="r+")
        number = 1
        while str(number) in labels:
            fine, coarse = labels[str(number - 1)], labels[str(number)]
            step = coarse.chunks[0]
            for top in range(0, coarse.shape[0], step):
                check_cancelled()
                bottom = min(top + step, coarse.shape[0])
                for left in range(0, coarse.shape[1], coarse.chunks[1]):
                    right = min(left + coarse.chunks[1], coarse.shape[1])
                    part = fine[2 * top : 2 * bottom, 2 * left : 2 * right]
                    coarse[top:bottom, left:right] = part[::2, ::2]
                yield bottom
            number += 1

    def describe(
        self, calibration: Calibration, provenance: Mapping[str, Any], *, in_image: bool
    ) -> None:
        """Write the metadata, with which the labels are complete.

        Parameters
        ----------
        calibration : Calibration
            How large a pixel is.
        provenance : mapping
            How the labels were made.
        in_image : bool
            Whether the group is that of the image.
        """
        labels = self._zarr.open_group(self._folder, mode="r+")
        version = VERSIONS[labels.metadata.zarr_format]
        label: dict[str, Any] = {"version": version, "colors": _colours()}
        if in_image:
            label["source"] = {"image": "../../"}
        n_levels = sum(1 for _ in labels.array_keys())
        multiscale = {
            "version": version,
            "name": self.name,
            "axes": _axes(calibration),
            "datasets": [
                {"path": str(number), "coordinateTransformations": steps}
                for number, steps in enumerate(_transformations(calibration, n_levels))
            ],
            "type": "nearest",
        }
        if version == "0.5":
            multiscale.pop("version")
            label.pop("version")
            described: dict[str, Any] = {
                "ome": {
                    "version": version,
                    "multiscales": [multiscale],
                    "image-label": label,
                }
            }
        else:
            described = {"multiscales": [multiscale], "image-label": label}
        labels.attrs.update({**described, _PROVENANCE: dict(provenance)})
        self._list(version)

    def _list(self, version: str) -> None:
        """Name the labels among those of the image."""
        parent = self._zarr.open_group(self.path / "labels", mode="r+")
        attributes = parent.attrs.asdict()
        listing = attributes.get("ome", {}) if version == "0.5" else attributes
        names = [each for each in listing.get("labels", []) if each != self.name]
        listed = {**listing, "labels": [*names, self.name]}
        if version == "0.5":
            listed = {"ome": {"version": version, **listed}}
        parent.attrs.update(listed)

    def _open_root(self) -> Any:
        try:
            if (self.path / ".zgroup").is_file() or (self.path / "zarr.json").is_file():
                return self._zarr.open_group(self.path, mode="r+")
            self.path.mkdir(parents=True, exist_ok=True)
            return self._zarr.open_group(self.path, mode="a", zarr_format=3)
        except Exception as error:
            raise OutputError(
                f"Expected a place to write OME-Zarr to. Received: {self.path} "
                f"({str(error).partition(chr(10))[0]}). Choose another name."
            ) from error

    @property
    def _folder(self) -> Path:
        return self.path / "labels" / self.name

    @staticmethod
    def _names_of_axes(labels: Any) -> dict[str, Any]:
        if labels.metadata.zarr_format == 3:
            return {"dimension_names": ("y", "x")}
        return {"chunk_key_encoding": {"name": "v2", "separator": "/"}}


def pyramid_shapes(
    shape: tuple[int, int], n_levels: int | None = None
) -> list[tuple[int, int]]:
    """Return the shapes of all levels, each half of the one before.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the first, in px.
    n_levels : int, optional
        How many; by default until both sides are 512 px or less.

    Returns
    -------
    list of tuple of int
        The first one first.

    Examples
    --------
    >>> pyramid_shapes((1500, 700))
    [(1500, 700), (750, 350), (375, 175)]
    """
    shapes = [shape]
    while (
        max(shapes[-1]) > _SMALLEST_LEVEL
        if n_levels is None
        else len(shapes) < n_levels
    ):
        height, width = shapes[-1]
        shapes.append((math.ceil(height / 2), math.ceil(width / 2)))
    return shapes


def _axes(calibration: Calibration) -> list[dict[str, str]]:
    axes = [{"name": name, "type": "space"} for name in "yx"]
    unit = calibration.unit
    if calibration.pixel_size() is not None and unit is not None:
        for axis in axes:
            axis["unit"] = _UNITS.get(unit, unit)
    return axes


def _transformations(
    calibration: Calibration, n_levels: int
) -> list[list[dict[str, Any]]]:
    """Return scale and translation of each level; pixels are places, not squares."""
    size = calibration.pixel_size() or (1.0, 1.0)
    return [
        [{"type": "scale", "scale": [each * 2**number for each in size]}]
        for number in range(n_levels)
    ]


def _colours() -> list[dict[str, Any]]:
    """Return colours of the background and of a few nuclei; readers make up others."""
    hues = np.arange(_N_COLOURS) * 0.618 % 1
    colours = [{"label-value": 0, "rgba": [0, 0, 0, 0]}]
    for number, hue in enumerate(hues, start=1):
        shades = 0.5 + 0.5 * np.cos(2 * np.pi * (hue - np.arange(3) / 3))
        rgba = [*np.rint(255 * shades).astype(int).tolist(), 255]
        colours.append({"label-value": number, "rgba": rgba})
    return colours
