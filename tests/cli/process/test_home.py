"""What libraries keep of a user lies in our cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Any

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="names and devices are Linux's own"
)

PROGRAM = (sys.executable, "-m", "napari_unet_nuclei")
TINY = ("--epochs", "1", "--steps-per-epoch", "1", "--batch-size", "1")
TINY += ("--crop-size", "32", "--architecture", "classic")
HOUSEKEEPING = {
    "train": ["train", "annotated", "-o", "m.unetnuclei", *TINY],
    "segment": [
        *("segment", "annotated", "-o", "out"),
        *("--engine", "keras", "--model", "classic"),
    ],
    "insights": ["insights", "annotated", "-o", "look"],
    "ensemble": ["ensemble", "classic", "classic", "-o", "both.unetnuclei"],
    "info": ["info"],
}


@pytest.mark.parametrize("command", HOUSEKEEPING.values(), ids=HOUSEKEEPING)
def test_nothing_of_libraries_lies_about_at_home(
    annotated: Any, tmp_path: Path, command: Any
) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    (work / "annotated").symlink_to(annotated)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "KERAS_", "MPL", "TF_"))
    }
    result = subprocess.run(
        [*PROGRAM, *command],
        cwd=work,
        env={**kept, "HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    files = {path.relative_to(home) for path in home.rglob("*") if path.is_file()}
    ours = Path(".cache", "napari-unet-nuclei")
    assert all(file.is_relative_to(ours) for file in files), files
    # Nor do they talk.
    assert not any(
        word in result.stderr
        for word in ("tensorflow/", "oneDNN", "absl", "WARNING", "cuda")
    ), result.stderr


def test_settings_of_keras_that_are_there_count(tmp_path: Path) -> None:
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"backend": "jax"}')
    kept = {key: each for key, each in os.environ.items() if "KERAS" not in key}
    result = subprocess.run(
        [*PROGRAM, "info"],
        env={**kept, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    (line,) = (line for line in result.stdout.splitlines() if "Keras backend" in line)
    assert line.split()[-1] == "jax"
