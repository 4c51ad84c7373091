"""``benchmarks/leave_group_out.py`` trains, scores and goes on where it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from napari_unet_nuclei.core.datasets.drawn.writing import iter_write_drawn

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "leave_group_out.py"


def rows(*arguments: str | Path) -> list[str]:
    """Run the script for two steps a recipe and return the rows of its table."""
    done = subprocess.run(
        [sys.executable, SCRIPT, *arguments, "--start", "classic", "--steps", "2"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    return [line for line in done.stdout.splitlines() if line.startswith("| s")]


def test_each_set_is_left_out_once_and_scored_once(tmp_path: Path) -> None:
    sets = [tmp_path / name for name in ("s0", "s1")]
    for seed, path in enumerate(sets):
        looks = ["hematoxylin-eosin", "culture"]
        assert len(list(iter_write_drawn(path, 2, looks=looks, seed=seed))) == 2
    out = tmp_path / "out"
    command = (*sets, "--out", out, "--by", "origin", "--recipes", "start", "all+grey")
    table = rows(*command)
    assert [row.split(" | ")[:3] for row in table] == [
        [f"| {name}", "2", recipe]
        for name in ("s0", "s1")
        for recipe in ("start", "all+grey")
    ]
    files = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert len(files) == 4
    assert rows(*command) == table
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == files
