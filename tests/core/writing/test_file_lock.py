from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.writing.file_lock import hold_lock
from napari_unet_nuclei.core.writing.leftovers import clear_leftovers

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import sys
from napari_unet_nuclei.core.writing.file_lock import hold_lock
with hold_lock(sys.argv[1], "train"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_only_one_holds_a_lock_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.unetnuclei"
    with hold_lock(path, "train"):
        with (
            pytest.raises(OutputError, match=r"only one to train .*a\.unetnuclei"),
            hold_lock(path, "train"),
        ):
            pass
        with hold_lock(path.with_name("b.unetnuclei"), "train"):
            pass
        assert not path.exists()
    assert list(path.parent.iterdir()) == []
    with hold_lock(path, "train"):
        pass


def test_the_lock_of_a_process_that_was_killed_refuses_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.unetnuclei"
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="another process"), hold_lock(path, "x"):
            pass
        process.kill()
        process.wait()
    with hold_lock(path, "train"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_lock_goes_with_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="oops"), hold_lock(tmp_path / "a", "train"):
        raise ValueError("oops")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(OutputError, match=r"place to write to. Received: .*file"),
        hold_lock(tmp_path / "file" / "a", "train"),
    ):
        pass


def test_files_of_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.unetnuclei"
    (tmp_path / ".a.lock").touch()
    with hold_lock(path, "train"):
        (ours,) = set(tmp_path.iterdir()) - {tmp_path / ".a.lock"}
        clear_leftovers(tmp_path)
        assert ours.exists()
    ours.write_text("notes of somebody")
    with hold_lock(path, "train"):
        pass
    assert {*tmp_path.iterdir()} == {tmp_path / ".a.lock", ours}
    assert ours.read_text() == "notes of somebody"


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links are followed")
def test_a_link_is_no_lock(tmp_path: Path) -> None:
    path, other = tmp_path / "a.unetnuclei", tmp_path / "other"
    with hold_lock(path, "train"):
        (ours,) = tmp_path.iterdir()
    ours.symlink_to(other)
    with pytest.raises(OutputError, match="a place to"), hold_lock(path, "train"):
        pass
    assert not other.exists()


def test_a_file_with_the_longest_name_has_a_lock(tmp_path: Path) -> None:
    with hold_lock(tmp_path / ("x" * 244 + ".unetnuclei"), "train"):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
