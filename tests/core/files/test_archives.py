from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.files.archives import read_member

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, compression: int) -> zipfile.ZipFile:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("a.txt", b"nuclei" * 10)
    return zipfile.ZipFile(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_usual_members_are_read(tmp_path, compression):
    with write(tmp_path / "a.zip", compression) as archive:
        assert read_member(archive, "a.txt", 60) == b"nuclei" * 10


def test_large_members_are_not_unpacked(tmp_path):
    with (
        write(tmp_path / "a.zip", zipfile.ZIP_DEFLATED) as archive,
        pytest.raises(ValueError, match=r"a\.txt is larger than 59 bytes"),
    ):
        read_member(archive, "a.txt", 59)


def test_members_that_are_missing_are_named(tmp_path):
    with (
        write(tmp_path / "a.zip", zipfile.ZIP_STORED) as archive,
        pytest.raises(KeyError, match=r"b\.txt"),
    ):
        read_member(archive, "b.txt", 60)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_refused(tmp_path, compression):
    with (
        write(tmp_path / "a.zip", compression) as archive,
        pytest.raises(ValueError, match="compressed in an unknown way"),
    ):
        read_member(archive, "a.txt", 60)
