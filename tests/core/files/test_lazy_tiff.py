from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.big_images import open_big_image
from napari_unet_nuclei.core.files.extras import import_extra

if TYPE_CHECKING:
    from pathlib import Path

GREY = np.arange(300 * 200, dtype=np.uint16).reshape(300, 200)
BOX = ((10, 290), (50, 199))


def test_plain_pixels_are_mapped_without_zarr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zarr", None)
    path = tmp_path / "plain.tif"
    tifffile.imwrite(
        path, GREY, resolution=(2, 2), metadata={"unit": "um"}, imagej=True
    )
    image = open_big_image(path)
    assert isinstance(image.pixels, np.memmap)
    assert np.array_equal(image.read(BOX), GREY[10:290, 50:199])
    assert image.calibration.pixel_size() == (0.5, 0.5)


def test_compressed_tiles_and_levels_are_read_in_parts(tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    colours = np.stack([GREY % 251, GREY % 241, GREY % 239], -1).astype(np.uint8)
    path = tmp_path / "tiled.ome.tif"
    with tifffile.TiffWriter(path) as writer:
        options = {"tile": (64, 64), "compression": "zlib", "photometric": "rgb"}
        writer.write(colours, subifds=1, **options)
        writer.write(colours[::2, ::2], subfiletype=1, **options)
    image = open_big_image(path)
    assert image.chunk_side == 64
    assert np.array_equal(image.read(BOX), colours[10:290, 50:199])
    coarse = open_big_image(path, level=1)
    assert np.array_equal(coarse.read(((0, 9), (0, 9))), colours[:18:2, :18:2])
    with pytest.raises(ImageError, match=r"a level from 0 to 1.*level=2"):
        open_big_image(path, level=2)


def test_what_cannot_be_read_in_parts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "palette.tif"
    palette = np.zeros((3, 256), np.uint16)
    tifffile.imwrite(
        path, GREY.astype(np.uint8), photometric="palette", colormap=palette
    )
    with pytest.raises(ImageError, match=r"with PALETTE\. Convert it to RGB"):
        open_big_image(path)
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(
        stack, np.zeros((5, 40, 40), np.uint8), imagej=True, metadata={"axes": "ZYX"}
    )
    with pytest.raises(ImageError, match=r"one plane\. Received: 5 along Z"):
        open_big_image(stack)
    (tmp_path / "damaged.tif").write_bytes(b"II*\0damaged")
    with pytest.raises(ImageError, match="cannot be read"):
        open_big_image(tmp_path / "damaged.tif")


def test_a_missing_package_says_which_extra_it_is_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ImageError, match=r"the package zarr.*nuclei\[big\]"):
        import_extra("zarr", "OME-Zarr")
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(ImageError, match=r"which OME-Zarr needs"):
        open_big_image(tmp_path / "a.zarr")
