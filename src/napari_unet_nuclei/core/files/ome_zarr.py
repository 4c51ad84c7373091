"""OME-Zarr 0.4 and 0.5: images that are read part by part.

Labels are written in :mod:`~napari_unet_nuclei.core.files.ome_zarr_labels`.

References
----------
Moore et al.: OME-Zarr: a cloud-optimized bioimaging file format, Histochem. Cell Biol.
2023, doi:10.1007/s00418-023-02209-1
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.extras import import_extra
from napari_unet_nuclei.core.images.big_image import BigImage, identify
from napari_unet_nuclei.core.images.calibration import Calibration, calibrate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

VERSIONS = {2: "0.4", 3: "0.5"}
"""Version of OME-Zarr by version of Zarr."""

_MARKERS = ("zarr.json", ".zgroup", ".zattrs", ".zarray")
_AXES = frozenset("tczyx")
_MOST_REDUCED = 16  # times; a nucleus of 20 px is still a pixel
_MOST_NAMED = 3


def is_zarr(path: Path) -> bool:
    """Say whether a folder is a Zarr group or array, or is called so."""
    if any((path / name).is_file() for name in _MARKERS):
        return True
    return path.suffix == ".zarr" and path.is_dir()


def open_ome_zarr(
    path: Path, *, level: int = 0, channel: int | None = None
) -> BigImage:
    """Open an image of OME-Zarr; no pixels are read.

    Parameters
    ----------
    path : Path
        Folder of the image.
    level : int
        Which of its resolutions, 0 is the finest.
    channel : int, optional
        Channel that shows the nuclei.

    Returns
    -------
    BigImage
        With the pixel size of that level, and a smaller level to find background in.

    Raises
    ------
    ImageError
        If there is no such image or level, it is a plate, or its metadata are
        malformed.
    """
    zarr = import_extra("zarr", "OME-Zarr")
    group = _open_group(zarr, path)
    multiscale = _multiscale(group.attrs.asdict(), path)
    try:
        datasets = multiscale["datasets"]
        names = [str(each["path"]) for each in datasets]
        axes = [str(each["name"]).lower() for each in multiscale["axes"]]
        if not names:
            raise _malformed(path, "it has no levels")
        if not 0 <= level < len(names):
            raise ImageError(
                f"Expected a level from 0 to {len(names) - 1} of {path}. Received: "
                "{level}",
                level=level,
            )
        _check_axes(axes, path)
        arrays = [_open_array(group, name, path) for name in names]
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise _malformed(path, str(error)) from error
    coarse, reduction = _coarse(arrays, level, axes)
    pixels = arrays[level]
    described = json.dumps([multiscale, level], sort_keys=True, default=str)
    fingerprint = sha256(described.encode()).hexdigest()
    return BigImage(
        pixels=pixels,
        axes="".join(axes).upper(),
        channel=channel,
        calibration=_calibration(multiscale, level, axes),
        identity=identify(path.name, pixels, level, channel, fingerprint),
        coarse=coarse,
        reduction=reduction,
        n_levels=len(names),
    )


def _open_group(zarr: Any, path: Path) -> Any:
    try:
        return zarr.open_group(path, mode="r")
    except Exception as error:  # zarr has many kinds
        if not path.is_dir():
            raise ImageError(
                f"Expected an OME-Zarr image. Received: {path}, which is not there. "
                "Check its name."
            ) from error
        raise _malformed(path, _first_line(error)) from error


def _multiscale(attributes: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    ome = attributes.get("ome", attributes)
    if not isinstance(ome, dict):
        raise _malformed(path, "'ome' is no object")
    if "plate" in ome:
        raise ImageError(
            f"Expected an image. Received: the plate {path}. Name one of its fields, "
            f"such as {path / _first_well(ome['plate']) / '0'}."
        )
    multiscales = ome.get("multiscales")
    if isinstance(multiscales, list) and multiscales:
        chosen = multiscales[0]
        if isinstance(chosen, dict):
            return chosen
    parts = [each.name for each in path.iterdir() if each.is_dir()][:_MOST_NAMED]
    inside = f" It holds {', '.join(sorted(parts))}; name one of them." if parts else ""
    raise ImageError(
        f"Expected an OME-Zarr image, which has multiscales. Received: {path} without."
        f"{inside}"
    )


def _first_well(plate: Any) -> str:
    try:
        return str(plate["wells"][0]["path"])
    except (KeyError, IndexError, TypeError):
        return "A/1"


def _check_axes(axes: Sequence[str], path: Path) -> None:
    if not (set(axes) <= _AXES and {"y", "x"} <= set(axes)):
        raise ImageError(
            f"Expected an image with axes among t, c, z, y and x. Received: {path} "
            f"with {', '.join(axes)}."
        )


def _open_array(group: Any, name: str, path: Path) -> Any:
    try:
        return group[name]
    except KeyError as error:
        raise ImageError(
            f"Expected the level {name!r} of {path}. Received: none, though its "
            "metadata name it. Copy the image again."
        ) from error
    except Exception as error:
        raise _malformed(path, _first_line(error)) from error


def _coarse(
    arrays: Sequence[Any], level: int, axes: Sequence[str]
) -> tuple[Any | None, int]:
    """Return the smallest level in which a nucleus is still seen."""
    y, x = axes.index("y"), axes.index("x")
    height, width = arrays[level].shape[y], arrays[level].shape[x]
    best: tuple[Any | None, int] = None, 1
    for array in arrays[level + 1 :]:
        reductions = {round(height / array.shape[y]), round(width / array.shape[x])}
        reduction = max(reductions)
        if best[1] < reduction <= _MOST_REDUCED and len(reductions) == 1:
            best = array, reduction
    return best


def _calibration(
    multiscale: Mapping[str, Any], level: int, axes: Sequence[str]
) -> Calibration:
    """Return pixel sizes; none where the metadata give no scale or no unit."""
    scales = [1.0] * len(axes)
    steps = (
        multiscale["datasets"][level].get("coordinateTransformations") or [],
        multiscale.get("coordinateTransformations") or [],
    )
    for step in [*steps[0], *steps[1]]:
        if isinstance(step, dict) and step.get("type") == "scale":
            factors = step.get("scale") or []
            if len(factors) == len(axes):
                scales = [
                    old * float(new) for old, new in zip(scales, factors, strict=True)
                ]
    return calibrate(
        {
            name.upper(): (scale, axis.get("unit"))
            for name, scale, axis in zip(axes, scales, multiscale["axes"], strict=True)
            if name != "c"
        }
    )


def _malformed(path: Path, reason: str) -> ImageError:
    return ImageError(
        f"Expected an OME-Zarr image of version 0.4 or 0.5. Received: {path}, which "
        f"is none ({reason.rstrip('.')})."
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
