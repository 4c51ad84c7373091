"""What the commands say of files that are no model, table or split."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from napari_unet_nuclei.core.models.store import find_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Run = Callable[..., Result]


def cut(path: Path) -> None:
    content = find_model("classic").read_bytes()
    path.write_bytes(content[: len(content) // 2])


def text(path: Path) -> None:
    path.write_text("Dear colleague")


def image(path: Path) -> None:
    Image.new("L", (9, 9)).save(path, "PNG")


def other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.txt", "Dear colleague")


def newer(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model.json", json.dumps({"format": 2}))


def with_a_wrong_byte(path: Path) -> None:
    content = bytearray(find_model("classic").read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


BAD_MODELS = {
    cut: "which is not one or is damaged (File is not a zip file)",
    text: "which is not one or is damaged (File is not a zip file)",
    image: "which is not one or is damaged (File is not a zip file)",
    other_zip: "There is no item named 'model.json'",
    newer: "was written by a newer version of this package; update",
    with_a_wrong_byte: "which is not one or is damaged (",
}


@pytest.mark.parametrize("command", ["segment", "train"])
@pytest.mark.parametrize(
    ("damage", "reason"),
    BAD_MODELS.items(),
    ids=[damage.__name__ for damage in BAD_MODELS],
)
def test_a_file_that_is_no_model_is_named(
    run: Run,
    labelled: Path,
    tmp_path: Path,
    command: str,
    damage: Callable[[Path], None],
    reason: str,
) -> None:
    model, out = tmp_path / "bad.unetnuclei", tmp_path / "out.unetnuclei"
    damage(model)
    option = "--model" if command == "segment" else "--from"
    result = run(command, labelled, "-o", out, option, model)
    assert result.exit_code == 1
    (line,) = (line for line in result.output.splitlines() if "Error: " in line)
    assert str(model) in line
    assert reason in line
    assert not out.exists()


RLE_COLUMNS = "ImageId,EncodedPixels\n"

BAD_TABLES = {
    "a text": ("Dear colleague\n", "with Dear colleague."),
    "other columns": ("ImageId,Pixels\naa,1 2\n", "with ImageId, Pixels. Choose"),
    "outside": (f"{RLE_COLUMNS}aa,16384 2\n", "an image of 16,384 pixels. Rec"),
    "half a pair": (f"{RLE_COLUMNS}aa,1 2 3\n", "runs as pairs of start and length"),
    "no numbers": (f"{RLE_COLUMNS}aa,here\n", "runs as pairs of start and length"),
    "no id": (f"{RLE_COLUMNS},1 2\n", "with a row without one"),
    "no text": ("\0\x80", "'utf-8' codec"),
}


@pytest.mark.parametrize("side", ["truth", "prediction"])
@pytest.mark.parametrize(("content", "reason"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_table_that_holds_no_runs_is_named(
    run: Run, dsb2018: Path, tmp_path: Path, side: str, content: str, reason: str
) -> None:
    table, ids = tmp_path / "bad.csv", tmp_path / "ids.txt"
    table.write_bytes(content.encode("latin-1"))
    ids.write_text("aa")
    both = (table, dsb2018) if side == "truth" else (dsb2018, table)
    result = run("evaluate", *both, "--ids", ids)
    assert result.exit_code == 1
    (line,) = (line for line in result.output.splitlines() if "Error: " in line)
    assert str(table) in line
    assert reason in line
    assert line.startswith("Error: Image aa: ") == ("runs" in line)


def test_overlapping_runs_are_scored_as_the_first_keeps_them(
    run: Run, tmp_path: Path
) -> None:
    apart, over = tmp_path / "apart.csv", tmp_path / "over.csv"
    apart.write_text("ImageId,EncodedPixels,Height,Width\na,1 5,9,9\na,6 3,9,9\n")
    over.write_text(f"{RLE_COLUMNS}a,1 5\na,3 6\n")
    scores = tmp_path / "scores.json"
    result = run("evaluate", apart, over, "--json", scores)
    assert result.exit_code == 0, result.output
    assert json.loads(scores.read_text())["all"]["dsb2018"] == 1


BAD_SPLITS = {
    "a text": ("Dear colleague", "(Expecting value: line 1"),
    "cut off": ('{"train": ["aa", "b', "(Unterminated string"),
    "no parts": ('["aa"]', "Received: {part}. Choose a part that the file has"),
    "one id": (
        '{"train": "aa", "val": "aa"}',
        "ids in the part {part} of {path}, a list of strings. Received: str",
    ),
    "no ids": (
        '{"train": [], "val": []}',
        "ids in the part {part} of {path}, a list of strings. Received: an empty list",
    ),
}


@pytest.mark.parametrize("command", ["segment", "train", "evaluate", "insights"])
@pytest.mark.parametrize(("content", "reason"), BAD_SPLITS.values(), ids=BAD_SPLITS)
def test_a_file_that_is_no_split_is_named(
    run: Run, dsb2018: Path, tmp_path: Path, command: str, content: str, reason: str
) -> None:
    split, out = tmp_path / "split.json", tmp_path / "out.unetnuclei"
    split.write_text(content)
    more = (dsb2018,) if command == "evaluate" else ("-o", out)
    part = "train" if command == "train" else "val"
    value = split if command == "train" else f"{split}:val"
    result = run(command, dsb2018, *more, "--split", value)
    assert result.exit_code == 1
    (line,) = (line for line in result.output.splitlines() if "Error: " in line)
    assert str(split) in line
    assert reason.replace("{part}", part).replace("{path}", str(split)) in line
    assert not out.exists()
