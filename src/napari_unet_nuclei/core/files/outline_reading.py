"""Files of outlines, whichever their format is: ROIs of ImageJ or GeoJSON."""

from __future__ import annotations

import io
import os
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files.geojson_reading import read_geojson
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.files.roi_reading import (
    ROI_SUFFIX,
    is_zip_of_rois,
    read_rois,
)

if TYPE_CHECKING:
    from napari_unet_nuclei.core.files.stored_outlines import StoredOutlines

    Source = str | os.PathLike[str] | bytes

OUTLINE_SUFFIXES = frozenset({".geojson", ROI_SUFFIX, ".zip"})
"""Endings of files of outlines; a zip may hold something else."""

_MAX_BYTES = 2**31


def is_outline_file(source: Source, name: str | None = None) -> bool:
    """Return whether a file is one of outlines: by its name, and a zip by its list.

    Parameters
    ----------
    source : path or bytes
        Anything, or the content of a file.
    name : str, optional
        The file name that goes with ``bytes``.

    Returns
    -------
    bool
        False for zips of anything but ROIs, and for what is no file.
    """
    suffix = PurePath(_name(source, name)).suffix.lower()
    if suffix != ".zip":
        is_file = isinstance(source, bytes) or os.path.isfile(source)
        return suffix in OUTLINE_SUFFIXES and is_file
    if isinstance(source, bytes):
        return is_zip_of_rois(io.BytesIO(source))
    return os.path.isfile(source) and is_zip_of_rois(source)


def read_outlines(source: Source, name: str | None = None) -> StoredOutlines:
    """Return the outlines in a file.

    Parameters
    ----------
    source : path or bytes
        GeoJSON, a ROI of ImageJ or a zip of them, or the content of such a file.
    name : str, optional
        The file name that goes with ``bytes``.

    Returns
    -------
    StoredOutlines
        As from `read_geojson` or `read_rois`.

    Raises
    ------
    LabelsError
        If the file cannot be read, or is none of these.
    """
    name = _name(source, name)
    content = source if isinstance(source, bytes) else _read(source, name)
    is_roi = content[:2] == b"PK" or content[:4] == b"Iout"
    if is_roi or PurePath(name).suffix.lower() in (ROI_SUFFIX, ".zip"):
        return read_rois(content, name)
    return read_geojson(content, name)


def _name(source: Source, name: str | None) -> str:
    return name or ("outlines" if isinstance(source, bytes) else os.fspath(source))


def _read(path: str | os.PathLike[str], name: str) -> bytes:
    try:
        check_regular(path, _MAX_BYTES)
        return Path(path).read_bytes()
    except OSError as error:
        raise LabelsError(
            f"Expected a file of outlines. Received: {name}, which cannot be read: "
            f"{error.strerror or error}. Check the path."
        ) from error
