from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.datasets.splits import read_ids, read_split
from napari_unet_nuclei.core.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path


def test_ids_are_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("\ufeff# chosen\nb\n\n  a b \r\nc", encoding="utf-8")
    assert read_ids(path) == ("b", "a b", "c")


def test_ids_that_are_no_utf8_are_names_of_files(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_bytes(b"caf\xe9\nb\n")
    assert read_ids(path) == ("caf\udce9", "b")
    path.write_bytes("b\n".encode("utf-16"))
    with pytest.raises(DatasetError, match=r"list of ids.*no UTF-8 text"):
        read_ids(path)


def test_a_file_without_ids_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("# none\n")
    with pytest.raises(DatasetError, match=r"ids, one a line. Received: .*ids\.txt"):
        read_ids(path)


def test_a_missing_file_of_ids_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"a list of ids. Received: .*no\.txt"):
        read_ids(tmp_path / "no.txt")


@pytest.fixture
def split(tmp_path: Path) -> Path:
    path = tmp_path / "split.json"
    content = {
        "about": "fixed",
        "train": ["b", "a"],
        "val": ["c"],
        "modality": {"a": "x"},
        "sizes": [2, 1],
    }
    path.write_text(json.dumps(content))
    return path


def test_a_part_of_a_split_is_read_in_order(split: Path) -> None:
    assert read_split(f"{split}:train") == ("b", "a")
    assert read_split(f"{split}:val") == ("c",)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no colons in file names")
def test_the_last_colon_separates_the_part(split: Path) -> None:
    path = split.rename(split.with_name("C:split.json"))
    assert read_split(f"{path}:val") == ("c",)


@pytest.mark.parametrize(
    "text",
    ["split.json", "split.json:", ":val", "", r"C:\data\split.json", "C:/s.json"],
)
def test_a_split_without_part_is_refused(text: str) -> None:
    with pytest.raises(DatasetError, match=r"Expected a split as FILE:PART. Received"):
        read_split(text)


def test_a_missing_split_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"Expected a split file\. .*no\.json \(.*No "
    ):
        read_split(f"{tmp_path / 'no.json'}:val")


@pytest.mark.parametrize("content", [b"train: a", b"", b"{", b"[" * 100_000])
def test_a_split_that_is_no_json_is_refused(split: Path, content: bytes) -> None:
    split.write_bytes(content)
    reason = r"split file in JSON. .*split\.json \((Expecting|maximum recursion)"
    with pytest.raises(DatasetError, match=reason):
        read_split(f"{split}:val")


def test_a_split_that_is_no_text_is_refused(split: Path) -> None:
    split.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match=r"a split file. .*split\.json \('utf-8' "):
        read_split(f"{split}:val")


def test_an_absent_part_is_answered_with_the_present_ones(split: Path) -> None:
    with pytest.raises(DatasetError, match=r"split\.json: train, val. .*: test\."):
        read_split(f"{split}:test")


def test_a_json_without_parts_has_none(split: Path) -> None:
    split.write_text('["a"]')
    with pytest.raises(DatasetError, match=r"split\.json: none. Received: val"):
        read_split(f"{split}:val")


@pytest.mark.parametrize(
    ("part", "kind"),
    [("about", "str"), ("modality", "dict"), ("sizes", "a list with int")],
)
def test_a_part_that_is_no_list_of_ids_is_refused(
    split: Path, part: str, kind: str
) -> None:
    reason = rf"ids in the part {part} of .*split\.json.* Received: {kind}\. Add"
    with pytest.raises(DatasetError, match=reason):
        read_split(f"{split}:{part}")


def test_an_empty_part_is_refused(split: Path) -> None:
    """It would stand for all samples, or for none."""
    split.write_text('{"val": []}')
    reason = r"ids in the part val of .*split\.json.* Received: an empty list"
    with pytest.raises(DatasetError, match=reason):
        read_split(f"{split}:val")
