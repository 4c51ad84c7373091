"""Corrections that were not saved are on disk, whole, or not at all."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.files import correction_journal
from napari_unet_nuclei.core.files.correction_journal import (
    JournalNote,
    find_journals,
    journal_path,
    prune_journals,
    read_labels,
    read_note,
    remove_journal,
    write_journal,
)

if TYPE_CHECKING:
    from pathlib import Path

NOTE = JournalNote(n_corrections=12, seconds=time.time(), session="a")


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(correction_journal, "journal_folder", lambda: tmp_path / "own")


def test_a_journal_comes_back_and_goes() -> None:
    labels = np.arange(24, dtype=np.int32).reshape(2, 3, 4)
    path = journal_path("cells.tif 3 4 (2, 3, 4)")
    assert path != journal_path("cells.tif 3 5 (2, 3, 4)")
    assert read_note(path) is None
    write_journal(path, labels, NOTE)
    assert read_note(path) == NOTE
    restored = read_labels(path)
    assert restored is not None
    assert restored.dtype == np.int32
    np.testing.assert_array_equal(restored, labels)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    remove_journal(path)
    remove_journal(path)
    assert read_note(path) is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no zip", b"x" * 99])
def test_a_damaged_journal_is_none(content: bytes) -> None:
    path = journal_path("x")
    path.parent.mkdir()
    path.write_bytes(content)
    assert read_note(path) is None
    assert read_labels(path) is None


def test_a_cut_journal_and_one_of_something_else_are_none() -> None:
    path = journal_path("x")
    write_journal(path, np.ones((64, 64), np.int32), NOTE)
    path.write_bytes(path.read_bytes()[:-40])
    assert read_note(path) is None
    with path.open("wb") as file:
        np.savez(file, labels=np.ones((3, 3)))
    assert read_note(path) is None
    assert read_labels(path) is None


def test_a_note_says_how_many_and_when() -> None:
    now = time.localtime()
    today = time.mktime((*now[:3], 10, 32, 0, 0, 0, -1))
    assert JournalNote(n_corrections=12, seconds=today, session="").words == (
        "12 corrections of 10:32"
    )
    before = time.mktime((2001, 2, 3, 4, 5, 6, 0, 0, -1))
    words = JournalNote(n_corrections=1, seconds=before, session="").words
    assert words.startswith("1 correction of 03 ")
    assert words.endswith(", 04:05")


def test_each_layer_of_an_image_has_a_file_and_the_newest_is_first() -> None:
    assert find_journals("x") == []
    layers = ("", "a nuclei", "b nuclei")
    paths = [journal_path("x", layer) for layer in layers]
    for number, path in enumerate(paths):
        write_journal(path, np.full((2, 2), number), NOTE)
        os.utime(path, (number, number))
    write_journal(journal_path("y"), np.ones((2, 2), int), NOTE)
    assert find_journals("x") == paths[::-1]
    labels = [read_labels(path) for path in paths]
    assert [int(each.max()) for each in labels if each is not None] == [0, 1, 2]


def test_old_journals_and_too_many_are_removed() -> None:
    day, now = 24 * 3600, time.time()
    paths = [journal_path("x", str(age)) for age in range(5)]
    for age, path in zip((0, 0.5, 2, 4, 6), paths, strict=True):
        write_journal(path, np.ones((2, 2), int), NOTE)
        os.utime(path, (now - age * day, now - age * day))
    prune_journals()
    assert all(path.exists() for path in paths)
    prune_journals(max_days=5)
    assert [path.exists() for path in paths] == [True] * 4 + [False]
    size = paths[0].stat().st_size
    prune_journals(max_bytes=int(3.5 * size))
    assert [path.exists() for path in paths] == [True] * 3 + [False] * 2
    prune_journals(max_bytes=0)  # the last day stays whatever it takes
    assert [path.exists() for path in paths] == [True] * 2 + [False] * 3
