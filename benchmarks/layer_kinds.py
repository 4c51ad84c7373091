"""What comes of every kind of image layer: understood, shown, placed or refused.

Usage: python benchmarks/layer_kinds.py [--model classic] [--write FILE]

Prints a table with a row for each kind.  Each image has the same three nuclei in every
plane; a result counts as placed where its centres, taken to the world and back into
the image, are the centres of these.  ``tests/plugin/segment/test_layer_kinds.py``
walks the same way with a network that only takes brightness for nuclei.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

CENTRES = ((30, 25), (62, 64), (34, 100))
SHAPE = (96, 128)
RADIUS = 10
NEAR = 1.5  # px


def draw(dtype: Any = np.uint8, low: float = 20, high: float = 200) -> Any:
    """Draw the three nuclei."""
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    plane = np.full(SHAPE, low, float)
    for row, column in CENTRES:
        distance = np.hypot(y - row, x - column)
        plane = np.maximum(
            plane, low + (high - low) * np.clip(RADIUS + 0.5 - distance, 0, 1)
        )
    return plane.astype(dtype)


def stack(*lengths: int, dtype: Any = np.uint8) -> Any:
    """Repeat the plane along leading axes."""
    return np.broadcast_to(draw(dtype), (*lengths, *SHAPE)).copy()


def channels_first(n: int, *lengths: int) -> Any:
    """Show the nuclei in the middle channel of n, nothing in the others."""
    image = np.zeros((n, *lengths, *SHAPE), np.uint8)
    image[n // 2] = stack(*lengths)
    return image


def colour(dtype: Any = np.uint8, n: int = 3) -> Any:
    """Draw them in pink; an alpha channel is opaque."""
    high = 255 if np.issubdtype(dtype, np.integer) else 1
    shares = np.array([1, 0.8, 0.9, 0][:n])
    image = draw(float)[..., np.newaxis] / 255 * shares * high
    if n == 4:
        image[..., 3] = high
    return image.astype(dtype)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of layer and what should come of it.

    Parameters
    ----------
    make : callable
        Makes data and keyword arguments of the layer.
    axes : str
        What the axes should be taken for.
    n : int
        Nuclei to find.
    refusal : str
        Part of the sentence that is said instead.
    doubt : str
        Part of what is said about axes that may be others.
    before, meanwhile : callable
        What the user does to viewer, layer and widget before the run, or during it.
    nothing : bool
        Whether no labels should come, though nothing is refused.
    """

    make: Callable[[], tuple[Any, dict[str, Any]]]
    axes: str
    n: int = 3
    refusal: str = ""
    doubt: str = ""
    before: Callable[[Any, Any, Any], object] = lambda *_: None
    meanwhile: Callable[[Any, Any], object] = lambda *_: None
    nothing: bool = False


@dataclass
class Row:
    """What came of a layer."""

    understood: str = ""
    shown: str = ""
    n: int | None = None
    labels_shape: tuple[int, ...] = ()
    is_placed: bool = False
    is_possible: bool = True


def walk(kind: Kind, widget: Any, viewer: Any, wait: Callable[[Any], None]) -> Row:
    """Add a layer of a kind, press Segment and look at what comes of it.

    Parameters
    ----------
    kind : Kind
        What to add and do.
    widget : SegmentWidget
        The widget of the viewer.
    viewer : napari.components.ViewerModel
        An empty viewer.
    wait : callable
        Waits until the widget is idle.

    Returns
    -------
    Row
        What was understood, shown and placed.
    """
    from napari.layers import Labels

    data, kwargs = kind.make()
    try:
        layer = viewer.add_image(data, **{"name": "cells", **kwargs})
    except NotImplementedError:  # complex numbers, as of napari 0.9
        return Row(shown="napari itself shows no such image", is_possible=False)
    kind.before(viewer, layer, widget)
    row = Row(understood=str(widget.axes.words.value))
    widget.panel.run_button.native.click()
    kind.meanwhile(viewer, layer)
    wait(widget)
    row.shown = str(widget.panel.status.value)
    results = [each for each in viewer.layers if isinstance(each, Labels)]
    if results:
        labels = results[-1]
        row.labels_shape = labels.data.shape
        row.n = len(np.unique(labels.data)) - 1
        row.is_placed = row.n == 0 or is_placed(layer, labels, kind.axes)
    return row


def is_placed(image: Any, labels: Any, axes: str) -> bool:
    """Tell whether every nucleus of labels lies on one of the image in the world."""
    data = np.asarray(labels.data)
    shape = image.data.shape
    if not image.rgb:  # the pixels may have been replaced by those of other axes
        axes = axes.rjust(image.ndim, "?")[-image.ndim :]
    for number in np.unique(data)[1:]:
        centre = np.argwhere(data == number).mean(axis=0)
        # napari aligns layers at their last axes.
        world = np.array(image.data_to_world(np.zeros(image.ndim)), float)
        n_shared = min(image.ndim, labels.ndim)
        world[-n_shared:] = labels.data_to_world(centre)[-n_shared:]
        found = dict(zip(axes, image.world_to_data(world), strict=False))
        is_near = any(
            np.hypot(found["Y"] - row, found["X"] - column) < NEAR
            for row, column in CENTRES
        )
        is_inside = all(
            -0.5 < found[axis] < length - 0.5
            for axis, length in zip(axes, shape, strict=False)
            if axis in found
        )
        is_whole = all(
            abs(place - round(place)) < 1e-6
            for axis, place in found.items()
            if axis in "TZ"
        )
        if not (is_near and is_inside and is_whole):
            return False
    return True


def _named(axes: str, **kwargs: Any) -> dict[str, Any]:
    return {"axis_labels": tuple(axes.lower()), "rgb": False, **kwargs}


def _with(value: float) -> Any:
    image = draw(np.float32)
    image[:10, :20] = value
    return image


def _dask(array: Any, chunks: Any = -1) -> Any:
    import dask.array

    return dask.array.from_array(array, chunks=chunks)


def _zarr(array: Any) -> Any:
    import zarr

    return zarr.array(array)


def _hdf5(array: Any) -> Any:
    import h5py

    file = h5py.File("layer_kinds", "w", driver="core", backing_store=False)
    return file.create_dataset("image", data=array)


def _memmap() -> Any:
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "image.npy")
    np.save(path, draw())
    return np.load(path, mmap_mode="r")


def _read_only() -> Any:
    image = draw()
    image.setflags(write=False)
    return image


def _levels(array: Any) -> list[Any]:
    return [_dask(array), _dask(array[::2, ::2])]


def _type(text: str) -> Callable[[Any, Any, Any], object]:
    def type_axes(_viewer: Any, _layer: Any, widget: Any) -> None:
        widget.axes.field.value = text

    return type_axes


def _as_colours(viewer: Any, layer: Any, widget: Any) -> None:
    widget.axes.field.value = "cyx"
    widget.axes.channel.value = "colours"


def _turned(n: int, angle: float = 30) -> Any:
    """Rotate Y and X of n axes."""
    matrix = np.eye(n)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    matrix[-2:, -2:] = [[c, -s], [s, c]]
    return matrix


def _set(what: str, name: str, value: Any) -> Callable[[Any, Any, Any], object]:
    def set_it(viewer: Any, layer: Any, _widget: Any) -> None:
        setattr(layer if what == "layer" else viewer.dims, name, value)

    return set_it


def _only_plane(viewer: Any, _layer: Any, widget: Any) -> None:
    viewer.dims.set_point(0, 2)
    widget.only_plane.value = True


def _add_second(viewer: Any, layer: Any, _widget: Any) -> None:
    viewer.add_image(np.zeros(SHAPE, np.uint8), name=layer.name)
    viewer.layers.selection.active = layer


_AFFINE = np.array([[1.1, 0.2, 5], [-0.1, 0.9, 6], [0, 0, 1]])
_RGB = {"rgb": True}
_GREY = {"rgb": False}

KINDS: dict[str, Kind] = {
    "2-D uint8": Kind(make=lambda: (draw(), {}), axes="YX"),
    "uint16": Kind(make=lambda: (draw(np.uint16, 90, 4000), {}), axes="YX"),
    "uint64": Kind(make=lambda: (draw(np.uint64, 9, 2**40), {}), axes="YX"),
    "int16 below zero": Kind(make=lambda: (draw(np.int16, -900, -100), {}), axes="YX"),
    "float16": Kind(make=lambda: (draw(np.float16, 0, 1), {}), axes="YX"),
    "float32": Kind(make=lambda: (draw(np.float32, 0, 1), {}), axes="YX"),
    "bool": Kind(make=lambda: (draw() > 100, {}), axes="YX"),
    "NaN in a corner": Kind(make=lambda: (_with(np.nan), {}), axes="YX"),
    "inf in a corner": Kind(make=lambda: (_with(-np.inf), {}), axes="YX"),
    "complex": Kind(
        make=lambda: (draw(np.complex64), {}),
        axes="YX",
        refusal="Expected an image of integers or real numbers",
    ),
    "constant": Kind(make=lambda: (np.full(SHAPE, 7, np.uint8), {}), axes="YX", n=0),
    "empty": Kind(
        make=lambda: (np.zeros((0, 50), np.uint8), {"visible": False}),
        axes="YX",
        refusal="at least one pixel",
    ),
    "1 px": Kind(make=lambda: (np.ones((1, 1), np.uint8), {}), axes="YX", n=0),
    "big-endian": Kind(make=lambda: (draw(">u2"), {}), axes="YX"),
    "Fortran order": Kind(make=lambda: (np.asfortranarray(draw()), {}), axes="YX"),
    "strides below zero": Kind(
        make=lambda: (draw()[::-1, ::-1][::-1, ::-1], {}), axes="YX"
    ),
    "read-only": Kind(make=lambda: (_read_only(), {}), axes="YX"),
    "memmap": Kind(make=lambda: (_memmap(), {}), axes="YX"),
    "dask": Kind(make=lambda: (_dask(draw(), 50), {}), axes="YX"),
    "zarr": Kind(make=lambda: (_zarr(draw()), {}), axes="YX"),
    "HDF5": Kind(make=lambda: (_hdf5(draw()), {}), axes="YX"),
    "RGB": Kind(make=lambda: (colour(), _RGB), axes="YXC"),
    "RGBA": Kind(make=lambda: (colour(n=4), _RGB), axes="YXC"),
    "RGB float": Kind(make=lambda: (colour(np.float32), _RGB), axes="YXC"),
    "RGB stack": Kind(make=lambda: (np.stack([colour()] * 4), _RGB), axes="ZYXC", n=12),
    "YXC uint8, not RGB": Kind(make=lambda: (colour(), _GREY), axes="YXC"),
    "YXC uint16": Kind(make=lambda: (colour(np.uint16), _GREY), axes="YXC"),
    "YXC of 5": Kind(
        make=lambda: (np.moveaxis(channels_first(5), 0, -1), _GREY),
        axes="YXC",
        doubt="read as 5 channels",
        before=_set("dims", "point", (0, 0, 2)),
    ),
    "YX1": Kind(make=lambda: (draw()[..., np.newaxis], _GREY), axes="YXC"),
    "ZYXC, not RGB": Kind(
        make=lambda: (np.stack([colour()] * 4), _GREY), axes="ZYXC", n=12
    ),
    "CYX": Kind(make=lambda: (channels_first(3), _named("cyx")), axes="CYX"),
    "planar RGB": Kind(
        make=lambda: (np.moveaxis(colour(), -1, 0), _GREY),
        axes="ZYX",
        n=9,
        doubt="write CYX if the axis of length 3 holds channels",
    ),
    "planar RGB, typed CYX, as colours": Kind(
        make=lambda: (np.moveaxis(colour(), -1, 0), _GREY),
        axes="CYX",
        before=_as_colours,
    ),
    "ZYX": Kind(make=lambda: (stack(7), {}), axes="ZYX", n=21),
    "ZYX, only the shown plane": Kind(
        make=lambda: (stack(7), {}), axes="ZYX", before=_only_plane
    ),
    "1YX": Kind(make=lambda: (stack(1), {}), axes="ZYX"),
    "TYX": Kind(make=lambda: (stack(7), _named("tyx")), axes="TYX", n=21),
    "TZYX": Kind(make=lambda: (stack(6, 7), {}), axes="TZYX", n=126),
    "CZYX": Kind(
        make=lambda: (channels_first(3, 7), _named("czyx")), axes="CZYX", n=21
    ),
    "CZYX without names": Kind(
        make=lambda: (channels_first(3, 7), {}),
        axes="CZYX",
        n=21,
        before=_type("czyx"),
    ),
    "ZCYX": Kind(
        make=lambda: (channels_first(3, 7).swapaxes(0, 1), _named("zcyx")),
        axes="ZCYX",
        n=21,
    ),
    "TCZYX": Kind(
        make=lambda: (np.stack([channels_first(3, 7)] * 2), _named("tczyx")),
        axes="TCZYX",
        n=42,
    ),
    "five axes, one of length 1": Kind(
        make=lambda: (stack(2, 1, 7), {}), axes="TCZYX", n=42
    ),
    "five long axes": Kind(
        make=lambda: (stack(2, 6, 7), {}),
        axes="",
        refusal="Name them in the field Axes",
    ),
    "five long axes, typed": Kind(
        make=lambda: (np.stack([channels_first(3, 7)] * 2), {}),
        axes="TCZYX",
        n=42,
        before=_type("tczyx"),
    ),
    "axes typed too short": Kind(
        make=lambda: (stack(7), {}),
        axes="",
        before=_type("zy"),
        refusal="a letter for each of the 3 axes",
    ),
    "dask stack": Kind(
        make=lambda: (_dask(stack(7), (1, 50, 50)), {}), axes="ZYX", n=21
    ),
    "multiscale": Kind(make=lambda: (_levels(draw()), {"multiscale": True}), axes="YX"),
    "multiscale RGB": Kind(
        make=lambda: (_levels(colour()), {"multiscale": True, **_RGB}), axes="YXC"
    ),
    "scaled in µm": Kind(
        make=lambda: (draw(), {"scale": (0.5, 0.5), "units": ("um", "um")}), axes="YX"
    ),
    "mixed units": Kind(
        make=lambda: (
            stack(7),
            {"scale": (30, 500, 0.5), "units": ("s", "nm", "um"), **_named("tyx")},
        ),
        axes="TYX",
        n=21,
    ),
    "moved": Kind(make=lambda: (draw(), {"translate": (-300, 40.5)}), axes="YX"),
    "rotated": Kind(make=lambda: (draw(), {"rotate": 30}), axes="YX"),
    "rotated YXC": Kind(
        make=lambda: (
            colour(),
            {"rotate": _turned(3)[[1, 2, 0]][:, [1, 2, 0]], **_GREY},
        ),
        axes="YXC",
    ),
    "rotated stack, scaled": Kind(
        make=lambda: (stack(7), {"rotate": _turned(3), "scale": (4, 0.5, 0.25)}),
        axes="ZYX",
        n=21,
    ),
    "sheared": Kind(make=lambda: (draw(), {"shear": [0.4]}), axes="YX"),
    "affine": Kind(
        make=lambda: (draw(), {"affine": _AFFINE, "scale": (2, 3)}), axes="YX"
    ),
    "mirrored": Kind(
        make=lambda: (draw(), {"scale": (-1, 1), "translate": (95, 0)}), axes="YX"
    ),
    "transposed, named XY": Kind(
        make=lambda: (draw().T, _named("xy", scale=(2, 3))), axes="XY"
    ),
    "YXZ": Kind(
        make=lambda: (np.moveaxis(stack(7), 0, -1), _named("yxz")), axes="YXZ", n=21
    ),
    "dims transposed": Kind(
        make=lambda: (draw(), {}), axes="YX", before=_set("dims", "order", (1, 0))
    ),
    "dims rolled": Kind(
        make=lambda: (stack(7), {}),
        axes="ZYX",
        n=21,
        before=_set("dims", "order", (1, 2, 0)),
    ),
    "3-D view": Kind(
        make=lambda: (stack(7), {}),
        axes="ZYX",
        n=21,
        before=_set("dims", "ndisplay", 3),
    ),
    "hidden": Kind(
        make=lambda: (draw(), {}), axes="YX", before=_set("layer", "visible", False)
    ),
    "renamed during the run": Kind(
        make=lambda: (draw(), {}),
        axes="YX",
        meanwhile=lambda _, layer: setattr(layer, "name", "renamed"),
    ),
    "removed during the run": Kind(
        make=lambda: (draw(), {}),
        axes="YX",
        nothing=True,
        meanwhile=lambda viewer, layer: viewer.layers.remove(layer),
    ),
    "pixels replaced during the run": Kind(
        make=lambda: (draw(), {}),
        axes="YX",
        meanwhile=lambda _, layer: setattr(layer, "data", draw()[::-1]),
    ),
    "replaced by a stack during the run": Kind(
        make=lambda: (draw(), {}),
        axes="YX",
        meanwhile=lambda _, layer: setattr(layer, "data", stack(7)),
    ),
    "replaced by a plane during the run": Kind(
        make=lambda: (stack(7), {"scale": (4, 1, 1)}),
        axes="ZYX",
        n=21,
        meanwhile=lambda _, layer: setattr(layer, "data", draw()),
    ),
    "another image activated during the run": Kind(
        make=lambda: (draw(), {}),
        axes="YX",
        meanwhile=lambda viewer, _: viewer.add_image(np.zeros((9, 9)), name="other"),
    ),
    "axes that contradict each other": Kind(
        make=lambda: (stack(7), {"axis_labels": ("y", "y", "x")}), axes="ZYX", n=21
    ),
    "axes of other names": Kind(
        make=lambda: (stack(7), {"axis_labels": ("position", "row", "column")}),
        axes="ZYX",
        n=21,
    ),
    "two images of one name": Kind(
        make=lambda: (draw(), {}), axes="YX", before=_add_second
    ),
}


def main() -> None:
    """Walk with a real network and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="classic")
    parser.add_argument("--write", type=Path, help="a Markdown file for the table")
    arguments = parser.parse_args()
    os.environ.setdefault("NAPARI_CONFIG", "")
    from napari.components import ViewerModel
    from qtpy.QtWidgets import QApplication

    from napari_unet_nuclei.plugin.segment.widget import SegmentWidget

    app = QApplication([])

    def wait(widget: Any) -> None:
        while widget.panel.is_running or not widget._splitting.is_idle:
            app.processEvents()
            time.sleep(0.002)  # leaves the processor to the threads waited for

    lines = ["| kind | understood | shown | placed |", "| --- | --- | --- | --- |"]
    for name, kind in KINDS.items():
        viewer = ViewerModel()
        widget = SegmentWidget(viewer)
        widget.model.value = arguments.model
        try:
            row = walk(kind, widget, viewer, wait)
        except ImportError as error:
            lines.append(f"| {name} | not tried: {error} | | |")
            continue
        placed = ""
        if row.n:
            placed = "on the nuclei" if row.is_placed else "**elsewhere**"
        shown = row.shown.partition(" in ")[0] if row.n else row.shown
        lines.append(f"| {name} | {row.understood} | {shown} | {placed} |")
        widget.native.close()
    table = "\n".join(lines)
    print(table)
    if arguments.write is not None:
        arguments.write.write_text(f"{table}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
