from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.writing import outputs
from napari_unet_nuclei.core.writing.outputs import (
    check_distinct,
    check_outputs,
    find_existing,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("precious")
    return path


def test_new_files_are_allowed_and_inputs_not_even_listed(tmp_path: Path) -> None:
    def inputs() -> Iterator[Any]:
        pytest.fail("nothing exists that could be one of them")
        yield

    check_outputs([tmp_path / "a", tmp_path / "new" / "b"], inputs())


def test_one_that_exists_is_named_and_several_are_counted(tmp_path: Path) -> None:
    a, b = touch(tmp_path / "a"), touch(tmp_path / "b")
    with pytest.raises(OutputError, match=r"Received: .*a, which exists.*replace it,"):
        check_outputs([a, tmp_path / "c"])
    with pytest.raises(OutputError, match=r"2 that exist, the first is .*replace them"):
        check_outputs([a, tmp_path / "c", b])
    check_outputs([a, b], overwrite=True)


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_input_is_no_output_whatever_it_is_called(
    tmp_path: Path, overwrite: bool
) -> None:
    raw = touch(tmp_path / "in" / "raw")
    (tmp_path / "linked").symlink_to(tmp_path / "in")
    (tmp_path / "soft").symlink_to(raw)
    (tmp_path / "hard").hardlink_to(raw)
    for name in ("in/raw", "in/../in/raw", "linked/raw", "soft", "hard"):
        with pytest.raises(OutputError, match="which is part of the input"):
            check_outputs([tmp_path / name], [raw], overwrite=overwrite)


def test_a_link_that_leads_nowhere_exists(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(OutputError, match="link, which exists"):
        check_outputs([tmp_path / "link"], [tmp_path / "gone"])


def test_a_folder_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{number}.tif" for number in range(100)]
    touch(paths[7])
    listed, asked = [], []
    scandir, lexists = os.scandir, os.path.lexists
    monkeypatch.setattr(
        os, "scandir", lambda path: listed.append(path) or scandir(path)
    )
    monkeypatch.setattr(
        os.path, "lexists", lambda path: asked.append(path) or lexists(path)
    )
    assert find_existing(paths) == [paths[7]]
    assert (listed, asked) == ([tmp_path], [paths[7]])


def test_a_folder_that_cannot_be_listed_hides_nothing(
    tmp_path: Path, close_folder: Callable[..., Any]
) -> None:
    paths = [touch(tmp_path / "a"), tmp_path / "b"]
    close_folder(tmp_path)
    assert find_existing(paths) == [tmp_path / "a"]


def test_a_file_in_the_place_of_a_folder_holds_nothing(tmp_path: Path) -> None:
    touch(tmp_path / "file")
    assert find_existing([tmp_path / "file" / "a", tmp_path / "file" / "b"]) == []


def test_two_results_of_one_path_are_refused() -> None:
    check_distinct([(Path("o/x.tif"), "x"), (Path("o/X.tif"), "X")])
    with pytest.raises(OutputError, match=r"'x' and 'y', .* written to o.a\.png"):
        check_distinct(
            [
                (Path("o/A.png"), "z"),
                (Path("o/a.png"), "x"),
                (Path("o/b.png"), "x"),
                (Path("o/a.png"), "y"),
            ]
        )


def test_on_some_disks_case_makes_no_difference(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(outputs, "ignores_case", lambda folder: folder == tmp_path)
    with pytest.raises(OutputError, match="'x' and 'X'"):
        check_distinct([(tmp_path / "x.tif", "x"), (tmp_path / "X.tif", "X")])


def test_a_disk_is_asked_whether_case_makes_a_difference(tmp_path: Path) -> None:
    folder = tmp_path / "Case"
    folder.mkdir()
    assert outputs.ignores_case(folder) == os.path.exists(tmp_path / "cASE")
    if not os.path.exists(tmp_path / "cASE"):
        (tmp_path / "cASE").symlink_to(folder)
    assert outputs.ignores_case(folder / "new")
