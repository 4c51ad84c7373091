from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.datasets.folder_files import FolderFiles
from napari_unet_nuclei.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

FILES = {
    "train/a/images/a.png": b"image a",
    "train/a/masks/1.png": b"mask 1",
    "train/a/masks/2.png": b"mask 2",
    "train/b/images/b.png": b"image b",
}


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def files(names: Any) -> Any:
    return sorted(name for name in names if not name.endswith("/"))


def test_folder_gives_names_two_levels_down(folder: Path) -> None:
    assert files(FolderFiles(folder).names()) == sorted(FILES)


def test_folder_gives_names_one_level_down(folder: Path) -> None:
    names = files(FolderFiles(folder / "train").names())
    assert names == sorted(name.removeprefix("train/") for name in FILES)


def test_folder_gives_empty_folders_too(folder: Path) -> None:
    (folder / "train/b/masks").mkdir()
    assert "train/b/masks/" in set(FolderFiles(folder).names())


def test_folder_can_be_limited_to_one_sample(folder: Path) -> None:
    names = FolderFiles(folder / "train", "b").names()
    assert files(names) == ["b/images/b.png"]


def test_folder_reads_by_name(folder: Path) -> None:
    for name, content in FILES.items():
        assert FolderFiles(folder).read(name) == content


def test_files_elsewhere_in_a_folder_are_left_out(folder: Path) -> None:
    (folder / "train/readme.txt").touch()
    (folder / "train/a/extra").mkdir()
    (folder / "train/a/extra/c.png").touch()
    (folder / "train/a/images/deeper").mkdir()
    assert files(FolderFiles(folder).names()) == sorted(FILES)


def test_unreadable_files_of_a_folder_are_named(folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"readable files in .*gone\.png \(FileNot"):
        FolderFiles(folder).read("train/a/images/gone.png")


def test_unreadable_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"readable files in .*no\. .* a folder \(FileNot"
    ):
        list(FolderFiles(tmp_path / "no").names())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_circles_of_links_are_left_out(folder: Path) -> None:
    os.mkfifo(folder / "train/a/images/pipe.png")
    (folder / "train/a/masks/circle.png").symlink_to("circle.png")
    (folder / "train/circle").symlink_to("circle")
    assert files(FolderFiles(folder).names()) == sorted(FILES)


@pytest.mark.parametrize("root", ["", "train/"])
@pytest.mark.parametrize("closed", ["a/masks/", "a/"])
def test_a_folder_that_cannot_be_listed_spoils_its_sample_only(
    folder: Path, close_folder: Callable[..., Any], root: Any, closed: Any
) -> None:
    close_folder(folder / "train" / closed)
    members = FolderFiles(folder / root)
    prefix = "" if root else "train/"
    names = files(members.names())
    samples = {name.removeprefix(prefix).split("/")[:-1][0] for name in names}
    assert samples == {"a", "b"}
    assert {name.removeprefix(prefix).count("/") for name in names} == {2}
    (masks,) = (name for name in names if name.startswith(f"{prefix}a/masks/"))
    reason = rf"Received: {prefix}a/masks/ \(PermissionError: .*Permission denied"
    with pytest.raises(DatasetError, match=reason):
        members.read(masks)
    assert members.read(f"{prefix}b/images/b.png") == b"image b"
