from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    from pathlib import Path


def test_the_file_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.suffix == ".txt"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_earlier_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "no folder").touch()
    path = tmp_path / "no folder" / "a.txt"
    with (
        pytest.raises(OutputError, match=r"place to write to. Received: .*a\.txt \("),
        replacing(path) as temporary,
    ):
        temporary.write_text("")


def test_our_own_errors_pass_unchanged(tmp_path: Path) -> None:
    error = OutputError("too many nuclei")
    with (
        pytest.raises(OutputError, match="too many nuclei") as caught,
        replacing(tmp_path / "a.txt"),
    ):
        raise error
    assert caught.value is error


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_file_never_takes_the_place_of_a_pipe_or_device(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe.json", tmp_path / "link.json"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with (
            pytest.raises(OutputError, match=r"Received: .*, which is a pipe or"),
            replacing(path) as temporary,
        ):
            temporary.write_text("new")
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_appears_meanwhile_stays_where_none_may_be_replaced(
    has_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_links:

        def refuse(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "a.txt"

    def write() -> None:
        with replacing(path, may_replace=False) as temporary:
            temporary.write_text("new")

    path.write_text("by somebody else")
    with pytest.raises(OutputError, match=r"a\.txt, which appeared during the run"):
        write()
    assert path.read_text() == "by somebody else"
    path.unlink()
    write()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
