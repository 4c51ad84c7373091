"""Plates of OME-Zarr: which images there are in their wells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.extras import import_extra
from napari_unet_nuclei.core.files.ome_zarr import is_zarr

if TYPE_CHECKING:
    from pathlib import Path


def find_fields(path: Path) -> list[str]:
    """List the images of a plate, or of one of its wells.

    Parameters
    ----------
    path : Path
        Any image.

    Returns
    -------
    list of str
        Paths within it, such as ``"B/3/0"``, in the order of wells and fields; one
        empty path for what is no plate and no well.

    Raises
    ------
    ImageError
        If the metadata of a plate are malformed, or name a well that is not there.
    """
    if not is_zarr(path):
        return [""]
    zarr = import_extra("zarr", "OME-Zarr")
    described = _described(zarr, path)
    try:
        if "plate" in described:
            wells = [str(each["path"]) for each in described["plate"]["wells"]]
            found = [
                f"{well}/{field}"
                for well in map(_inside, wells)
                for field in _fields(_described(zarr, path / well))
            ]
            return list(dict.fromkeys(found))
        if "well" in described:
            return _fields(described)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ImageError(
            f"Expected a plate of OME-Zarr. Received: {path}, whose metadata are "
            f"malformed ({error})."
        ) from error
    return [""]


def _fields(described: dict[str, Any]) -> list[str]:
    return [_inside(str(each["path"])) for each in described["well"]["images"]]


def _inside(path: str) -> str:
    """Refuse a path that leads out of the plate, where results would follow it."""
    parts = path.split("/")
    if not all(parts) or {".", ".."} & set(parts) or set("\\:\0") & set(path):
        raise ValueError(f"{path!r} is no path within it")
    return path


def _described(zarr: Any, path: Path) -> dict[str, Any]:
    """Return what a group says of itself; nothing where there is none."""
    try:
        attributes = zarr.open_group(path, mode="r").attrs.asdict()
    except Exception:  # noqa: BLE001 - zarr has many kinds; whoever opens it says which
        return {}
    described = attributes.get("ome", attributes)
    return described if isinstance(described, dict) else {}
