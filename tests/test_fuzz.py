"""The script that damages ten thousand files still runs, and finds what it should."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="limits of memory exist on Unix only")

SCRIPT = Path(__file__).parents[1] / "tools/fuzz/fuzz.py"
FAULTS = ("foreign exception", "crash", "hang", "warning")


def fuzz(*arguments: object) -> str:
    """Run the script and return what it prints."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def test_damaged_files_are_accepted_or_answered() -> None:
    lines = fuzz("--cases", 160, "--seed", 5).splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith("| ")]
    header, *_, last = rows
    counts = dict(zip(header, last, strict=True))
    assert counts["cases"] == "160"
    assert int(counts["accepted"]) > 10
    assert int(counts["own error"]) > 80
    assert {counts[fault] for fault in FAULTS} == {"0"}


def test_a_case_can_be_made_again(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        fuzz("--only", 47, "--keep", tmp_path / folder)
    (first,), (second,) = ((tmp_path / each).iterdir() for each in ("first", "second"))
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


PROGRAM = """
import json, os, sys, time, warnings
sys.path.insert(0, sys.argv[1])
import answers, workers, numpy as np
from napari_unet_nuclei.core.errors import ImageError
workers.SECONDS = 5
found = []
for body in json.loads(sys.argv[2]):
    answers.read_case = lambda path: [lambda: exec(body)]
    worker = workers.Worker(0, None)
    found.append(", ".join(worker.run_case(0).answers))
    worker.close()
print(json.dumps(found))
"""
BODIES = {
    "raise KeyError": "foreign exception",
    "raise ImageError('no name')": "unclear error",
    "raise ImageError('case.png is no image')": "own error",
    "os.kill(os.getpid(), 11)": "crash",
    "time.sleep(60)": "hang",
    "warnings.warn('odd')": "accepted, warning",
    "np.ones(2**29)": "foreign exception",  # 4 GiB
    "pass": "accepted",
}


def test_faults_are_noticed_and_no_file_is_left(tmp_path: Path) -> None:
    program = [sys.executable, "-c", PROGRAM, str(SCRIPT.parent)]
    answer = subprocess.run(
        [*program, json.dumps(list(BODIES))],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert not list(tmp_path.iterdir())
    assert dict(zip(BODIES, json.loads(answer.stdout), strict=True)) == BODIES
