from __future__ import annotations

import threading
import zipfile

import pytest

from napari_unet_nuclei.core import members
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.members import FolderMembers, ZipMembers

FILES = {
    "train/a/images/a.png": b"image a",
    "train/a/masks/1.png": b"mask 1",
    "train/a/masks/2.png": b"mask 2",
    "train/b/images/b.png": b"image b",
}


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "train.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in FILES.items():
            file.writestr(name, content)
    return path


def files(names):
    return sorted(name for name in names if not name.endswith("/"))


def test_folder_gives_names_two_levels_down(folder):
    assert files(FolderMembers(folder).names()) == sorted(FILES)


def test_folder_gives_names_one_level_down(folder):
    names = files(FolderMembers(folder / "train").names())
    assert names == sorted(name.removeprefix("train/") for name in FILES)


def test_folder_gives_empty_folders_too(folder):
    (folder / "train/b/masks").mkdir()
    assert "train/b/masks/" in set(FolderMembers(folder).names())


def test_folder_can_be_limited_to_one_sample(folder):
    names = FolderMembers(folder / "train", "b").names()
    assert files(names) == ["b/images/b.png"]


def test_folder_reads_by_name(folder):
    for name, content in FILES.items():
        assert FolderMembers(folder).read(name) == content


def test_files_elsewhere_in_a_folder_are_left_out(folder):
    (folder / "train/readme.txt").touch()
    (folder / "train/a/extra").mkdir()
    (folder / "train/a/extra/c.png").touch()
    (folder / "train/a/images/deeper").mkdir()
    assert files(FolderMembers(folder).names()) == sorted(FILES)


def test_unreadable_files_of_a_folder_are_named(folder):
    with pytest.raises(DatasetError, match=r"readable files in .*gone\.png \(FileNot"):
        FolderMembers(folder).read("train/a/images/gone.png")


def test_unreadable_folders_are_named(tmp_path):
    with pytest.raises(
        DatasetError, match=r"readable files in .*no\. .* a folder \(FileNot"
    ):
        list(FolderMembers(tmp_path / "no").names())


def test_zip_gives_names_and_reads_them(archive):
    zipped = ZipMembers(archive)
    assert files(zipped.names()) == sorted(FILES)
    for name, content in FILES.items():
        assert zipped.read(name) == content


def test_names_that_point_out_of_the_zip_are_left_out(tmp_path):
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("../a/images/a.png", "/b/images/b.png", "c/../d/images/e.png"):
            file.writestr(name, b"")
        file.writestr("f..g/images/h.png", b"")
    assert list(ZipMembers(path).names()) == ["f..g/images/h.png"]


def test_a_zip_can_be_read_from_several_threads(archive):
    zipped = ZipMembers(archive)
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


def test_what_is_no_zip_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(
        DatasetError, match=r"DSB2018 folder or zip. Received: .*a\.zip"
    ):
        ZipMembers(path)


def test_encrypted_members_are_refused(archive):
    content = bytearray(archive.read_bytes())
    entry = content.find(b"PK\x01\x02")
    content[entry + 8] |= 1  # the bit that says "encrypted"
    archive.write_bytes(content)
    zipped = ZipMembers(archive)
    with pytest.raises(DatasetError, match=r"without a password. Received.*a/images"):
        zipped.read("train/a/images/a.png")


def test_members_of_absurd_size_are_refused(archive, monkeypatch):
    monkeypatch.setattr(members, "_LARGEST_MEMBER", 3)
    with pytest.raises(DatasetError, match=r"files of at most 3 bytes. Received"):
        ZipMembers(archive).read("train/a/images/a.png")


def test_damaged_members_are_named(archive):
    archive.write_bytes(archive.read_bytes().replace(b"mask 2", b"mask 3"))
    with pytest.raises(DatasetError, match=r"masks/2\.png \(BadZipFile: Bad CRC"):
        ZipMembers(archive).read("train/a/masks/2.png")
