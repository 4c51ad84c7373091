from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.models.store import user_models
from napari_unet_nuclei.core.writing.atomic_files import (
    replacing,
    replacing_together,
    scratch_folder,
)
from napari_unet_nuclei.core.writing.leftovers import (
    clear_leftovers,
    is_abandoned,
    temporary_name,
)

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def name_of_a_dead_process(suffix: str = "") -> str:
    program = (
        "import sys\n"
        "from napari_unet_nuclei.core.writing.leftovers import temporary_name\n"
        "print(temporary_name(sys.argv[1]))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, suffix],
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout.strip()


@pytest.fixture(scope="module")
def dead() -> str:
    return name_of_a_dead_process(".tif")


def test_a_name_is_hidden_short_and_unlike_any_other() -> None:
    names = {temporary_name(".tif") for _ in range(9)}
    assert len(names) == 9
    assert all(n.startswith(".") and n.endswith(".tif") for n in names)
    assert max(map(len, names)) < 100
    assert len(temporary_name("." + "x" * 250)) < 100


def test_files_of_dead_processes_are_abandoned(tmp_path: Path, dead: str) -> None:
    assert is_abandoned(tmp_path / dead)
    assert not is_abandoned(tmp_path / temporary_name(".tif"))


def test_another_process_with_the_number_of_a_dead_one_is_not_taken_for_it(
    tmp_path: Path,
) -> None:
    name = temporary_name()
    parts = name.split("-")
    parts[-2] = str(int(parts[-2]) - 100)
    assert is_abandoned(tmp_path / "-".join(parts))


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        ".0123456789abcdef0123456789abcdef.tif",
        ".napari-unet-nuclei",
        ".napari-unet-nuclei-settings.tif",
        "napari-unet-nuclei-00000000-1-1-000000000000.tif",
    ],
)
def test_what_is_not_ours_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (0, 0))
    clear_leftovers(tmp_path)
    assert (tmp_path / name).exists()


@pytest.mark.parametrize(("age", "stays"), [(3_600, True), (100_000, False)])
def test_what_other_machines_write_stays_for_a_day(
    tmp_path: Path, dead: str, age: int, stays: bool
) -> None:
    parts = dead.split("-")
    parts[3] = "00000000"
    path = tmp_path / "-".join(parts)
    path.touch()
    then = path.stat().st_mtime - age
    os.utime(path, (then, then))
    clear_leftovers(tmp_path)
    assert path.exists() == stays


def test_the_next_writer_in_a_folder_clears_it(tmp_path: Path, dead: str) -> None:
    (tmp_path / dead).write_text("half")
    (tmp_path / dead.replace(".tif", "")).mkdir()
    (tmp_path / dead.replace(".tif", "") / "half").touch()
    living = tmp_path / temporary_name()
    living.touch()
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", living.name}


def test_a_link_is_removed_and_not_followed(tmp_path: Path, dead: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").touch()
    (tmp_path / dead).symlink_to(tmp_path / "mine")
    clear_leftovers(tmp_path)
    assert (tmp_path / "mine/file").exists()
    assert not os.path.lexists(tmp_path / dead)


def test_a_half_model_is_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: str
) -> None:
    monkeypatch.setattr(
        "napari_unet_nuclei.core.models.store.user_model_folder", lambda: tmp_path
    )
    (tmp_path / dead.replace(".tif", ".unetnuclei")).write_text("half")
    (tmp_path / "mine.unetnuclei").write_text("whole")
    assert list(user_models()) == ["mine"]


def broken_off(folder: Path, dead: str, new: list[str], old: list[str]) -> Path:
    """Lay out what an exchange of ``a`` and ``b`` leaves when it is killed."""
    holder = folder / dead.replace(".tif", "")
    for kind, names in (("new", new), ("old", old)):
        (holder / kind).mkdir(parents=True)
        for name in names:
            (holder / kind / name).write_text(kind)
    (holder / "names.json").write_text(json.dumps(["a", "b"]))
    return holder


@pytest.mark.parametrize(
    ("new", "old", "there", "expected"),
    [
        ("ab", "", {"a": "old", "b": "old"}, {"a": "old", "b": "old"}),
        ("ab", "a", {"b": "old"}, {"a": "old", "b": "old"}),
        ("ab", "ab", {}, {"a": "old", "b": "old"}),
        ("a", "ab", {"b": "new"}, {"a": "new", "b": "new"}),
        ("", "ab", {"a": "new", "b": "new"}, {"a": "new", "b": "new"}),
        ("", "ab", {"a": "new"}, {"a": "new"}),  # b was removed by somebody since
        ("ab", "ab", {"a": "hers"}, {"a": "hers", "b": "old"}),
        ("a", "ab", {"a": "hers", "b": "new"}, {"a": "hers", "b": "new"}),
    ],
)
def test_an_exchange_is_undone_or_finished(
    tmp_path: Path,
    dead: str,
    new: str,
    old: str,
    there: dict[Any, Any],
    expected: dict[str, str],
) -> None:
    holder = broken_off(tmp_path, dead, [*new], [*old])
    for name, content in there.items():
        (tmp_path / name).write_text(content)
    clear_leftovers(tmp_path)
    assert not holder.exists()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == expected


def test_files_are_exchanged_together(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with replacing_together(tmp_path, ["a", "deep/er/b"]) as temporary:
        (temporary / "a").write_text("new")
        (temporary / "deep/er/b").write_text("new")
        assert (tmp_path / "a").read_text() == "old"
    assert (tmp_path / "a").read_text() == "new"
    assert (tmp_path / "deep/er/b").read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"a", "deep"}


def test_what_was_not_made_leaves_the_old(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with (
        pytest.raises(OutputError, match=r"place to write to\. Received: .*a \("),
        replacing_together(tmp_path, ["a", "b"]) as temporary,
    ):
        (temporary / "a").write_text("new")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}


def test_a_scratch_folder_is_gone_at_the_end(
    tmp_path: Path, dead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / dead).touch()
    with scratch_folder() as folder:
        (folder / "a").touch()
        assert list(tmp_path.iterdir()) == [folder]
    assert list(tmp_path.iterdir()) == []
