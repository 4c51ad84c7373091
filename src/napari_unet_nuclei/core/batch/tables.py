"""The table of the nuclei of an image: a row for each outline, or for each volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.images.axes import leading_axes
from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.core.instances.volumes import measure_volumes
from napari_unet_nuclei.core.linking.divisions import find_parents
from napari_unet_nuclei.core.settings.choices import Link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.batch.writers import ImageResult
    from napari_unet_nuclei.core.instances.measurements import Features

Index = tuple[int, ...]


def make_table(result: ImageResult) -> Features:
    """Measure the nuclei of an image or a stack.

    Parameters
    ----------
    result : ImageResult
        The nuclei, and what they were found in.

    Returns
    -------
    dict of str to (N,) ndarray
        As `measure_nuclei`, of each plane of a stack, with columns ``z`` and ``t``:
        the tracks of nuclei that are linked through time, with the number of the track
        that one has come from in ``parent``, else 0.  Of nuclei that are linked
        through depth, as `measure_volumes`.
    """
    shape = result.stack.leading_shape
    axes = leading_axes(result.stack.axes)
    tables = {index: _measure(result, index) for index in np.ndindex(shape)}
    if result.link in (Link.Z, Link.MAPS) and "Z" in axes:
        return _join(_measure_volumes(result, tables, axes.index("Z")))
    rows = _join([_placed(table, axes, index) for index, table in tables.items()])
    if result.link is Link.T and "T" in axes:
        rows["parent"] = _find_parents(result, axes.index("T"), rows["label"])
    order = np.argsort(rows["label"], kind="stable")
    return {name: column[order] for name, column in rows.items()}


def _find_parents(
    result: ImageResult, time: int, label: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return the track that each one has come from, by row of the table."""
    movies = np.moveaxis(result.segmentation.labels, time, -3)
    parents: dict[int, int] = {}
    for place in np.ndindex(movies.shape[:-3]):
        parents |= find_parents(movies[place])
    return np.array([parents.get(number, 0) for number in label.tolist()], np.int32)


def _measure(result: ImageResult, index: Index) -> Features:
    """Measure the outlines of a plane."""
    number = 0
    if index:
        number = int(np.ravel_multi_index(index, result.stack.leading_shape))
    return measure_nuclei(
        result.segmentation.labels[index],
        result.stack.plane(index),
        result.segmentation.maps[number].foreground,
        calibration=result.calibration,
        settings=result.measurements,
        channels={name: each.plane(index) for name, each in result.channels.items()},
    )


def _measure_volumes(
    result: ImageResult, tables: dict[Index, Features], depth: int
) -> list[Features]:
    """Measure the volumes of each place along the other axes."""
    axes = leading_axes(result.stack.axes)
    other_axes = axes.replace("Z", "")
    others = [n for at, n in enumerate(result.stack.leading_shape) if at != depth]
    measured = []
    for place in np.ndindex(*others):
        own = [
            table
            for index, table in tables.items()
            if index[:depth] + index[depth + 1 :] == place
        ]
        labels = np.moveaxis(result.segmentation.labels, depth, -3)[place]
        volumes = measure_volumes(labels, own, calibration=result.calibration)
        measured.append(_placed(volumes, other_axes, place))
    return measured


def _placed(table: Features, axes: str, place: Index) -> Features:
    """Say in which plane nuclei lie."""
    n_nuclei = table["label"].size
    columns = zip(axes.lower(), place, strict=True)
    return table | {axis: np.full(n_nuclei, position) for axis, position in columns}


def _join(tables: Sequence[Features]) -> Features:
    """Put tables with the same columns below each other."""
    if not tables:
        return {"label": np.zeros(0, np.int32), "area": np.zeros(0, np.int64)}
    return {name: np.concatenate([each[name] for each in tables]) for name in tables[0]}
