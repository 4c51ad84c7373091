from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.untrusted import check_announced_size, read_from_zip

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("n_bytes", "n_stored"),
    [(0, 0), (2**28, 100), (2**32, 2**32), (2**33, 2**33 // 8256 + 1)],
)
def test_what_a_file_can_hold_is_believed(n_bytes: int, n_stored: int) -> None:
    check_announced_size((1, n_bytes), n_bytes, n_stored, "a.png")


@pytest.mark.parametrize(("n_bytes", "n_stored"), [(2**28 + 1, 100), (2**34, 2**20)])
def test_what_a_file_cannot_hold_is_refused(n_bytes: int, n_stored: int) -> None:
    reason = rf"header of a\.png announces, 3 × 5,000\. .* a file of {n_stored:,} bytes"
    with pytest.raises(ImageError, match=reason):
        check_announced_size((3, 5000), n_bytes, n_stored, "a.png")


def write(path: Path, compression: int) -> zipfile.ZipFile:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("a.txt", b"nuclei" * 10)
    return zipfile.ZipFile(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_usual_members_are_read(tmp_path: Path, compression: int) -> None:
    with write(tmp_path / "a.zip", compression) as archive:
        assert read_from_zip(archive, "a.txt", 60) == b"nuclei" * 10


def test_large_members_are_not_unpacked(tmp_path: Path) -> None:
    with (
        write(tmp_path / "a.zip", zipfile.ZIP_DEFLATED) as archive,
        pytest.raises(ValueError, match=r"a\.txt is larger than 59 bytes"),
    ):
        read_from_zip(archive, "a.txt", 59)


def test_members_that_are_missing_are_named(tmp_path: Path) -> None:
    with (
        write(tmp_path / "a.zip", zipfile.ZIP_STORED) as archive,
        pytest.raises(KeyError, match=r"b\.txt"),
    ):
        read_from_zip(archive, "b.txt", 60)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_refused(tmp_path: Path, compression: int) -> None:
    with (
        write(tmp_path / "a.zip", compression) as archive,
        pytest.raises(ValueError, match="compressed in an unknown way"),
    ):
        read_from_zip(archive, "a.txt", 60)
