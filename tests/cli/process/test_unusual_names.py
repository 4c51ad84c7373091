"""Names and arguments that a terminal or a file system does not take."""

from __future__ import annotations

import csv
import json
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="names and devices are Linux's own"
)

PROGRAM = (sys.executable, "-m", "napari_unet_nuclei")
LATIN = os.fsdecode(b"caf\xe9")
FORGED = "核\x1b[31m\nError: all is lost"


def test_wrong_arguments_forge_no_messages(call: Any, tmp_path: Path) -> None:
    result = call(tmp_path, "segment", f"--{FORGED}[/]")
    assert result.returncode == 2
    assert "\x1b" not in result.stderr
    assert "\nError: all is lost" not in result.stderr
    assert "No such option: --核" in result.stderr


def test_a_name_that_is_no_utf8_meets_its_nuclei(
    call: Any, annotated: Any, tmp_path: Path
) -> None:
    result = call(
        annotated.parent,
        *("segment", "annotated", "-o", tmp_path / "out", "--model", "classic"),
        *("--format", "rle,tiff,features,dsb2018,overlay"),
    )
    assert result.returncode == 0, result.stderr
    with open(tmp_path / "out" / "predictions.csv", encoding="utf-8") as file:
        names = {row["ImageId"] for row in csv.DictReader(file)}
    assert names == {"a", "b", r"caf\xe9"}
    assert (tmp_path / "out" / f"{LATIN}.tif").exists()

    result = call(
        annotated.parent,
        *("evaluate", "annotated", tmp_path / "out" / "predictions.csv"),
        *("--json", tmp_path / "scores.json", "--worst", "3"),
        *("-o", tmp_path / "worst"),
    )
    assert result.returncode == 0, result.stderr
    assert r"caf\xe9: DSB2018" in result.stdout
    scores = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert [image["name"] for image in scores["images"]] == ["a", "b", r"caf\xe9"]
    assert len(list((tmp_path / "worst").iterdir())) == 3

    (tmp_path / "ids.txt").write_text("caf\\xe9\n", encoding="utf-8")
    for command in ("segment", "insights"):
        result = call(
            annotated.parent,
            *(command, "annotated", "-o", tmp_path / command),
            *("--ids", tmp_path / "ids.txt"),
        )
        assert result.returncode == 0, result.stderr
    assert [path.name for path in (tmp_path / "segment").iterdir()] == [f"{LATIN}.tif"]
    found = (tmp_path / "insights" / "insights.json").read_text(encoding="utf-8")
    assert json.loads(found)["images"][0]["sample_id"] == r"caf\xe9"


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        ("absolute", "Error: Expected a place to write to"),
        ("relative.png", "Error: Expected a current folder"),
    ],
)
def test_a_folder_that_is_gone_is_named(
    tmp_path: Path, photos: Any, photo: Any, message: str
) -> None:
    photo = str(photos / "a.png") if photo == "absolute" else f"../{photo}"
    (tmp_path / "relative.png").symlink_to(photos / "a.png")
    gone = tmp_path / "gone"
    gone.mkdir()
    result = subprocess.run(
        [
            "/bin/bash",
            "-c",
            f"rmdir {shlex.quote(str(gone))}; exec "
            + shlex.join([*PROGRAM, "segment", photo, "-o", "out"]),
        ],
        cwd=gone,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith(message)


def test_many_failures_are_listed_a_line_each(
    call: Any, tmp_path: Path, photos: Any
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(100):
        (many / f"{'n' * 200}{number}.png").touch()
    result = call(
        tmp_path,
        "segment",
        "many",
        "-o",
        "out",
        "--model",
        "classic",
        environment={"COLUMNS": "40"},
    )
    assert result.returncode == 1
    assert sum("nnn" in line for line in result.stderr.splitlines()) == 100
    assert np.all([len(line) > 200 for line in result.stderr.splitlines()[2:]])
