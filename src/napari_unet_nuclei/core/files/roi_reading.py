"""Outlines in ImageJ's ROIs, one of them or a zip of the ROI Manager.

They are written in ``imagej_rois``.
"""

from __future__ import annotations

import io
import zipfile
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files.roi_shapes import roi_rings
from napari_unet_nuclei.core.files.stored_outlines import (
    ObjectNotes,
    StoredOutline,
    StoredOutlines,
)
from napari_unet_nuclei.core.files.untrusted import (
    DECODING_ERRORS,
    check_zip,
    read_from_zip,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROI_SUFFIX = ".roi"
_MAX_BYTES = 2**31  # of all ROIs, unpacked
_MAX_ROIS = 1_000_000
_DAMAGED = "Damaged, so left out"
_NO_AREA = "Lines, points, text or pictures, which have no area, so left out"
_SPLINE = "Splines, of which the corners were joined by straight lines"


def read_rois(content: bytes, name: str) -> StoredOutlines:
    """Return the ROIs that have an area.

    Parameters
    ----------
    content : bytes
        A ROI, or a zip of them; other files in the zip do not count.
    name : str
        What messages call the file.

    Returns
    -------
    StoredOutlines
        In the order of the zip, which is that of the ROI Manager.

    Raises
    ------
    LabelsError
        If it is neither a ROI nor a zip of ROIs.
    """
    import roifile

    notes, outlines = ObjectNotes(), []
    for number, read in enumerate(_iter_stored(content, name), 1):
        try:
            roi = roifile.ImagejRoi.frombytes(read())
            outline = _as_outline(roi, number, notes)
        except DECODING_ERRORS as error:
            if content[:2] != b"PK":
                raise _no_roi(name, error) from error
            notes.add(_DAMAGED, number)
            continue
        if outline is None:
            notes.add(_NO_AREA, number)
        else:
            outlines.append(outline)
    return StoredOutlines(outlines=tuple(outlines), notes=notes.sentences())


def is_zip_of_rois(file: Any) -> bool:
    """Return whether a zip holds ROIs and no images, from its list of files.

    Parameters
    ----------
    file : path or binary file
        Anything; what cannot be read is none.

    Returns
    -------
    bool
        True for an empty zip too, as this package writes of an image without nuclei.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except DECODING_ERRORS:
        return False
    return all(map(_is_roi, filter(_counts, names)))


def _no_roi(name: str, reason: object) -> LabelsError:
    return LabelsError(
        f"Expected a ROI of ImageJ, or a zip of them. Received: {name}, which cannot "
        f"be read: {reason}. Save it again with More ▸ Save… in the ROI Manager."
    )


def _is_roi(name: str) -> bool:
    return PurePath(name).suffix.lower() == ROI_SUFFIX


def _counts(name: str) -> bool:
    """Leave out folders and what macOS adds."""
    return not name.endswith("/") and "__MACOSX" not in name


def _iter_stored(content: bytes, name: str) -> Iterator[Callable[[], bytes]]:
    """Yield what reads each ROI."""
    if content[:2] != b"PK":
        yield lambda: content
        return
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        check_zip(archive, max_bytes=_MAX_BYTES, max_files=_MAX_ROIS)
    except DECODING_ERRORS as error:
        raise _no_roi(name, error) from error
    with archive:
        rois = [each for each in archive.namelist() if _counts(each) and _is_roi(each)]
        if not rois and archive.namelist():
            raise _no_roi(name, "it holds no file that ends in .roi")
        for each in rois:
            yield partial(read_from_zip, archive, each, _MAX_BYTES)


def _as_outline(roi: Any, number: int, notes: ObjectNotes) -> StoredOutline | None:
    import roifile

    rings = roi_rings(roi)
    if not rings:
        return None
    if roi.options & roifile.ROI_OPTIONS.SPLINE_FIT:
        notes.add(_SPLINE, number)
    place = {
        axis: position - 1
        for axis, position in (("T", roi.t_position), ("Z", roi.z_position))
        if position > 0
    }
    if not place and roi.c_position <= 0 and roi.position > 1:
        place = {"Z": roi.position - 1}  # of a plain stack
    return StoredOutline(number=number, name=roi.name, pieces=(rings,), place=place)
