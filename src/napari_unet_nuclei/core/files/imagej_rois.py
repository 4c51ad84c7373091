"""Outlines of nuclei as a zip of ROIs for ImageJ's ROI Manager.

Each ROI is named by the label of its nucleus and lies in its plane of a stack.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.files.outlined_planes import iter_outlines
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.files.outlined_planes import OutlinedNucleus

_MOVE, _LINE, _CLOSE = 0, 1, 4  # parts of a path, as Java counts them
_LARGEST_WHOLE = 32_000  # px, up to which ImageJ keeps corners as short integers


def write_rois(
    path: str | os.PathLike[str],
    labels: NDArray[np.integer],
    *,
    axes: str = "YX",
    outlines: Sequence[OutlinedNucleus] | None = None,
    may_replace: bool = True,
) -> None:
    """Write the outline of each nucleus as a ROI into a zip.

    Parameters
    ----------
    path : path
        The zip to write; what was there is replaced once all is written.
    labels : ndarray of integers
        Label image or stack of them, 0 = background.
    axes : str
        Its axes, out of T, Z, Y and X; Y and X last.
    outlines : sequence of OutlinedNucleus, optional
        Outlines of these labels, where `iter_outlines` has found them already.
    may_replace : bool
        Whether what is there is replaced.

    Raises
    ------
    LabelsError
        If the labels are no label images.
    OutputError
        If the file cannot be written, or is there and may not be replaced.
    """
    names: dict[str, int] = {}
    with (
        replacing(path, may_replace=may_replace) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for nucleus in outlines or iter_outlines(labels, axes):
            name = _distinct_name(str(nucleus.label), names)
            archive.writestr(zipfile.ZipInfo(f"{name}.roi"), _as_roi(nucleus, name))


def _distinct_name(name: str, n_used: dict[str, int]) -> str:
    """Return a name that no other ROI has: a nucleus may go through several planes."""
    n_used[name] = n_used.get(name, 0) + 1
    return name if n_used[name] == 1 else f"{name}-{n_used[name]}"


def _as_roi(nucleus: OutlinedNucleus, name: str) -> bytes:
    import roifile

    rings = [
        ring[:, ::-1]  # x before y
        for polygon in nucleus.polygons
        for ring in (polygon.outer, *polygon.holes)
    ]
    place = {axis.lower(): place for axis, place in nucleus.place.items()}
    points = np.concatenate(rings)
    if points.max() > _LARGEST_WHOLE:
        points = points.astype(np.float32)
    roi = roifile.ImagejRoi.frompoints(points, name=name, **place)
    roi.roitype = roifile.ROI_TYPE.TRACED
    roi.right, roi.bottom = roi.right - 1, roi.bottom - 1  # of corners, not of pixels
    if len(nucleus.place) == 1:
        roi.position = next(iter(nucleus.place.values())) + 1
    if len(rings) > 1:
        _make_composite(roi, rings)
    content: bytes = roi.tobytes()
    return content


def _make_composite(roi: Any, rings: list[NDArray[np.intp]]) -> None:
    """Make one ROI of several rings; what lies in two of them lies outside of it."""
    import roifile

    path = []
    for ring in rings:
        for number, (x, y) in enumerate(ring.tolist()):
            path += [_LINE if number else _MOVE, x, y]
        path.append(_CLOSE)
    roi.roitype = roifile.ROI_TYPE.RECT
    roi.multi_coordinates = np.array(path, np.float32)
    roi.shape_roi_size = len(path)
    roi.integer_coordinates = roi.subpixel_coordinates = None
    roi.n_coordinates = 0
