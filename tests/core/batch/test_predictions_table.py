from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.batch.predictions_table import (
    PredictionsTable,
    read_earlier_rows,
)
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.rle import read_rle_csv, write_runs_csv

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def test_rows_are_saved_now_and_then(tmp_path: Path) -> None:
    path, now = tmp_path / "predictions.csv", [100.0]
    table = PredictionsTable(path, {}, lambda: now[0])
    table.add("a", ["1 2"])
    assert not path.exists()
    now[0] += 31
    table.add("b", [])
    assert read_rle_csv(path) == {"a": ["1 2"], "b": []}
    now[0] += 29
    table.add("c", ["3 4"])
    assert list(read_rle_csv(path)) == ["a", "b"]
    table.save()
    assert list(read_rle_csv(path)) == ["a", "b", "c"]


def test_without_new_rows_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    table = PredictionsTable(path, {"a": ["1 2"]})
    table.save()
    table.finish()
    assert not path.exists()
    PredictionsTable(path, {}).save()
    assert not path.exists()
    PredictionsTable(path, {}).finish()
    assert read_rle_csv(path) == {}


def test_earlier_rows_stay(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    assert read_earlier_rows(path) == {}
    rows = {"a": ["1 2", "4 1"], "b": []}
    write_runs_csv(path, rows)
    assert read_earlier_rows(path) == rows
    table = PredictionsTable(path, read_earlier_rows(path))
    table.add("c", ["7 1"])
    table.finish()
    assert read_rle_csv(path) == {**rows, "c": ["7 1"]}


@pytest.mark.parametrize("header", ["ImageId,EncodedPixels,Height,Width", "my,table"])
def test_a_csv_with_more_in_it_is_not_added_to(tmp_path: Path, header: Any) -> None:
    path = tmp_path / "predictions.csv"
    path.write_text(f"{header}\n")
    with pytest.raises(DatasetError, match=r"ImageId,EncodedPixels to add .*Move it"):
        read_earlier_rows(path)


def test_a_csv_of_excel_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    path.write_bytes(b"\xef\xbb\xbfImageId,EncodedPixels\r\na,1 2\r\n")
    assert read_earlier_rows(path) == {"a": ["1 2"]}
