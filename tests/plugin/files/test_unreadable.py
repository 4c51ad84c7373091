"""What is ours but cannot be opened is explained in one sentence."""

from __future__ import annotations

import shutil
import struct
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.errors import DatasetError, ImageError
from napari_unet_nuclei.plugin.files.reader import get_reader

if TYPE_CHECKING:
    from typing import Any

IMAGE = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
LABELS = np.zeros((6, 8), np.int32)
LABELS[1:3, 1:4] = 1
LABELS[4:, 5:] = 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Data set of three samples."""
    path = tmp_path / "stage1_train"
    for sample_id in "abc":
        write_dsb2018_sample(path, sample_id, IMAGE, LABELS)
    return path


def read(path: Path) -> Any:
    """Read as npe2 does once a path is ours, which it finds by its name alone."""
    return get_reader(str(path))(str(path))


def zip_folder(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder.parent, folder.name))


def write_text(path: Path) -> None:
    path.write_text("Dear colleague")


def test_an_incomplete_sample_is_explained(folder: Path) -> None:
    shutil.rmtree(folder / "b/masks")
    write_text(folder / "b/images/b.png")
    with pytest.raises(ImageError, match=r"b/images/b\.png, which holds text"):
        read(folder / "b")


def test_a_data_set_without_a_good_sample_is_explained(folder: Path) -> None:
    for sample_id in "abc":
        write_text(folder / sample_id / f"images/{sample_id}.png")
    with pytest.raises(ImageError, match=r"a/images/a\.png, which holds text"):
        read(folder)


def test_two_data_sets_in_one_folder_are_explained(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("stage1_test"))
    with pytest.raises(DatasetError, match="Expected one DSB2018 data set"):
        read(folder.parent)


def test_a_damaged_mask_is_named(folder: Path) -> None:
    write_text(folder / "b/masks/b_0002.png")
    with pytest.raises(ImageError, match=r"b/masks/b_0002\.png, which holds text"):
        read(folder / "b")


def test_a_zip_that_broke_off_is_explained(folder: Path) -> None:
    path = zip_folder(folder)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DatasetError, match=r"stage1_train\.zip \(File is not a zip"):
        read(path)


def test_a_zip_with_a_password_is_explained(folder: Path) -> None:
    path = zip_folder(folder)
    content = path.read_bytes()
    locked = bytearray(content)
    start = 0
    while (start := content.find(b"PK\1\2", start)) >= 0:
        locked[start + 8] |= 1  # the bit that says "encrypted"
        start += 1
    path.write_bytes(locked)
    with pytest.raises(DatasetError, match=r"stage1_train\.zip, where .* is encrypted"):
        read(path)


def test_a_zip_that_would_write_elsewhere_is_explained(
    folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.write(folder / "a/images/a.png", "../../a/images/a.png")
    with pytest.raises(DatasetError, match=r"inside of it. Received: .*evil\.zip"):
        read(path)


def test_a_header_without_pixels_is_explained(folder: Path) -> None:
    path = folder / "b/images/b.png"
    path.write_bytes(huge_png_header())
    with pytest.raises(ImageError, match=r"b/images/b\.png .*3600000000 pixels"):
        read(folder / "b")


def huge_png_header() -> bytes:
    """60,000 × 60,000 grey pixels, as a PNG says it, and no pixel."""
    chunks = (b"IHDR" + struct.pack(">2I5B", 60_000, 60_000, 8, 0, 0, 0, 0), b"IDAT")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )
