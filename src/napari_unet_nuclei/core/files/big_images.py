"""Images that are read part by part, by what their path is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.lazy_tiff import open_big_tiff
from napari_unet_nuclei.core.files.ome_zarr import is_zarr, open_ome_zarr
from napari_unet_nuclei.core.files.tiff import TIFF_SIGNATURES

if TYPE_CHECKING:
    import os

    from napari_unet_nuclei.core.images.big_image import BigImage


def open_big_image(
    path: str | os.PathLike[str], *, level: int = 0, channel: int | None = None
) -> BigImage:
    """Open an image that may be larger than memory; no pixels are read.

    Parameters
    ----------
    path : path
        An OME-Zarr image or a TIFF.
    level : int
        Which of its resolutions, 0 is the finest.
    channel : int, optional
        Channel that shows the nuclei.

    Returns
    -------
    BigImage
        The image.

    Raises
    ------
    ImageError
        If it is neither, or cannot be used.
    """
    path = Path(path)
    if is_zarr(path) or (path.suffix == ".zarr" and not path.exists()):
        return open_ome_zarr(path, level=level, channel=channel)
    try:
        with path.open("rb") as file:
            is_tiff = file.read(4) in TIFF_SIGNATURES
    except OSError as error:
        raise ImageError(
            f"Expected an OME-Zarr image or a TIFF. Received: {path} "
            f"({error.strerror}). Check its name."
        ) from error
    if not is_tiff:
        raise ImageError(
            "Expected an OME-Zarr image or a TIFF, to be read in blocks. Received: "
            f"{path}. Convert it, or leave out what asks for blocks."
        )
    return open_big_tiff(path, level=level, channel=channel)
