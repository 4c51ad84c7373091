from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from napari_unet_nuclei.core.datasets.set_splits import assign_splits, read_set_splits
from napari_unet_nuclei.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

SETS = [("cells", ["a", "b", "c"]), ("organs", ["x", "y"])]
CELLS = {"train": ["a", "b"], "val": ["c"]}
ORGANS = {"train": ["x"], "val": ["y"]}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_json(content: Any, name: str = "split.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return path

    return write_json


def assign(*paths: Path, sets: Any = SETS) -> list[Any]:
    splits = [each for path in paths for each in read_set_splits(path)]
    return [
        each and (each.train, each.validation) for each in assign_splits(splits, sets)
    ]


CELLS_FOUND, ORGANS_FOUND = (("a", "b"), ("c",)), (("x",), ("y",))


def test_a_file_may_name_the_data_sets(write: Write) -> None:
    path = write({"organs": ORGANS, "cells": CELLS, "about": "what it is"})
    assert assign(path) == [CELLS_FOUND, ORGANS_FOUND]


def test_each_data_set_may_have_a_file(write: Write) -> None:
    cells = write({**CELLS, "modality": {"a": "dark"}}, "cells.json")
    assert assign(cells, write(ORGANS, "organs.json")) == [CELLS_FOUND, ORGANS_FOUND]


def test_a_folder_may_be_renamed(write: Write) -> None:
    path = write({"bitdepth_organs": ORGANS, "other": {"train": ["q"], "val": ["r"]}})
    cells = write(CELLS, "cells.json")
    assert assign(path, cells) == [CELLS_FOUND, ORGANS_FOUND]


def test_a_name_counts_more_than_the_same_ids(write: Write) -> None:
    sets = [("cells", ["0", "1"]), ("organs", ["0", "1"])]
    one, other = {"train": ["0"], "val": ["1"]}, {"train": ["1"], "val": ["0"]}
    path = write({"cells": one, "organs": other})
    assert assign(path, sets=sets) == [(("0",), ("1",)), (("1",), ("0",))]


def test_a_set_that_no_split_is_about_has_none(write: Write) -> None:
    assert assign(write(CELLS)) == [CELLS_FOUND, None]
    assert assign(sets=SETS) == [None, None]


def test_one_split_is_that_of_one_set_even_if_it_knows_none_of_its_samples(
    write: Write,
) -> None:
    assert assign(write(ORGANS), sets=SETS[:1]) == [ORGANS_FOUND]


def test_two_splits_of_a_set_are_refused(write: Write) -> None:
    paths = write(CELLS, "one.json"), write(CELLS, "two.json")
    with pytest.raises(DatasetError, match=r"one split of cells\. Received: 2, in"):
        assign(*paths)


def test_a_split_of_nothing_is_refused(write: Write) -> None:
    paths = write(CELLS), write({"train": ["q"], "val": ["r"]}, "other.json")
    with pytest.raises(DatasetError, match=r"other\.json, which names none of their"):
        assign(*paths)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"train": ["a"]}, "Received: val. Choose a part"),
        ({"cells": {"train": ["a"]}}, "Expected one of the parts"),
        ([1], "Expected one of the parts"),
        ({"train": ["a"], "val": []}, "Received: an empty list"),
    ],
)
def test_a_file_without_both_parts_is_refused(
    write: Write, content: Any, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        read_set_splits(write(content))
