from __future__ import annotations

import threading
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.datasets.zip_files import ZipFiles, is_broken_zip
from napari_unet_nuclei.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

FILES = {
    "train/a/images/a.png": b"image a",
    "train/a/masks/1.png": b"mask 1",
    "train/a/masks/2.png": b"mask 2",
    "train/b/images/b.png": b"image b",
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "train.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in FILES.items():
            file.writestr(name, content)
    return path


def files(names: Iterator[Any]) -> list[str]:
    return sorted(name for name in names if not name.endswith("/"))


def test_zip_gives_names_and_reads_them(archive: Path) -> None:
    zipped = ZipFiles(archive)
    assert files(zipped.names()) == sorted(FILES)
    for name, content in FILES.items():
        assert zipped.read(name) == content


def write_zip(path: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, name)
    return path


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("../a/images/a.png", "a/images/a.png"),
        ("/b/images/b.png", "b/images/b.png"),
        ("c/../d/images/e.png", "c/d/images/e.png"),
        (r"..\..\a\images\a.png", "a/images/a.png"),
        (r"\\server\a\images\a.png", "server/a/images/a.png"),
        (r"C:\a\images\a.png", "a/images/a.png"),
        ("a/masks/..", "a/masks"),
    ],
)
def test_names_that_point_out_of_the_zip_are_refused(
    tmp_path: Path, name: str, inside: str
) -> None:
    zipped = ZipFiles(write_zip(tmp_path / "bad.zip", ["a/images/b.png", name]))
    assert list(zipped.names()) == ["a/images/b.png", inside]
    with pytest.raises(DatasetError, match=r"stay inside .*bad\.zip with ") as caught:
        zipped.check_names()
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("f..g/images/...png", "f..g/images/...png"),
        ("./a/images/a.png", "a/images/a.png"),
        (r"a\images\a.png", "a/images/a.png"),
        ("a//masks/", "a/masks/"),
    ],
)
def test_other_names_are_harmless(tmp_path: Path, name: str, plain: str) -> None:
    zipped = ZipFiles(write_zip(tmp_path / "good.zip", [name]))
    zipped.check_names()
    assert list(zipped.names()) == [plain]
    assert zipped.read(plain) == name.encode()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_files_of_one_name_the_later_counts(tmp_path: Path) -> None:
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a/images/a.png", b"old")
        file.writestr("a/images/a.png", b"new")
    zipped = ZipFiles(path)
    assert list(zipped.names()) == ["a/images/a.png"]
    assert zipped.read("a/images/a.png") == b"new"


def test_a_name_that_is_not_in_the_zip_is_named(archive: Path) -> None:
    with pytest.raises(DatasetError, match=r"train\.zip\. Received: gone\.png \(KeyEr"):
        ZipFiles(archive).read("gone.png")


def test_a_zip_that_is_cut_off_is_refused(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(DatasetError, match=r"train\.zip \(File is not a zip file\)"):
        ZipFiles(archive)


@pytest.mark.parametrize(
    ("name", "length", "expected"),
    [
        ("a.zip", 200, True),
        ("a.ZIP", 4, True),
        ("a.zip", None, False),
        ("a.zip", 3, False),
        ("a.txt", 200, False),
        ("gone.zip", 0, False),
        ("n" * 300 + ".zip", 0, False),
    ],
)
def test_a_zip_that_broke_off_is_recognised(
    archive: Path, name: str, length: int | None, expected: bool
) -> None:
    path = archive.with_name(name)
    if length != 0:
        path.write_bytes(archive.read_bytes()[:length])
    assert is_broken_zip(path) is expected
    assert is_broken_zip(str(path)) is expected


def test_a_member_is_unpacked_no_further_than_it_claims(tmp_path: Path) -> None:
    """64 MiB of zeros behind headers that speak of ten bytes."""
    path = tmp_path / "bomb.zip"
    n_bytes = 1 << 26
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/images/a.png", bytes(n_bytes))
    claim, truth = ((size).to_bytes(4, "little") for size in (10, n_bytes))
    content = path.read_bytes()
    assert content.count(truth) == 2
    path.write_bytes(content.replace(truth, claim))
    tracemalloc.start()
    try:
        reason = r"bomb\.zip. Received: a/images/a\.png \(BadZipFile: Bad CRC"
        with pytest.raises(DatasetError, match=reason):
            ZipFiles(path).read("a/images/a.png")
        assert tracemalloc.get_traced_memory()[1] < n_bytes / 10
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_damage_of_rarer_compressions_is_named(tmp_path: Path, kind: int) -> None:
    path = tmp_path / "rare.zip"
    with zipfile.ZipFile(path, "w", kind) as file:
        file.writestr("a.png", bytes(5000))
    assert ZipFiles(path).read("a.png") == bytes(5000)
    content = bytearray(path.read_bytes())
    content[45:55] = bytes(10)
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"rare\.zip\. Received: a\.png \("):
        ZipFiles(path).read("a.png")


def test_a_zip_can_be_read_from_several_threads(archive: Path) -> None:
    zipped = ZipFiles(archive)
    wrong: list[str] = []

    def read() -> None:
        for _ in range(50):
            wrong.extend(name for name in FILES if zipped.read(name) != FILES[name])

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"no zip")
    reason = r"DSB2018 folder or zip. Received: .*a\.zip \(File is not a zip file\)"
    with pytest.raises(DatasetError, match=reason):
        ZipFiles(path)


def test_encrypted_members_are_refused(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    entry = content.find(b"PK\x01\x02")
    content[entry + 8] |= 1  # the bit that says "encrypted"
    archive.write_bytes(content)
    zipped = ZipFiles(archive)
    with pytest.raises(
        DatasetError, match=r"out a password. .*train\.zip, where .*a/im"
    ):
        zipped.read("train/a/images/a.png")


def test_members_of_absurd_size_are_refused(archive: Path) -> None:
    reason = r"at most 3 bytes in a zip. Received: .*train\.zip, where .*a\.png has 7"
    with pytest.raises(DatasetError, match=reason):
        ZipFiles(archive, largest=3).read("train/a/images/a.png")


def test_damaged_members_are_named(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes().replace(b"mask 2", b"mask 3"))
    reason = r"train\.zip. Received: train/a/masks/2\.png \(BadZipFile: Bad CRC"
    with pytest.raises(DatasetError, match=reason):
        ZipFiles(archive).read("train/a/masks/2.png")
