"""The examples of the README, run as they stand."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.files.labels import write_labels_tiff

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def section(title: str, language: str) -> str:
    """The first code block of a section."""
    found = re.search(rf"^## {title}$.*?^```{language}\n(.*?)^```", README, re.M | re.S)
    assert found is not None, title
    return found[1]


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """The folders the examples speak of."""
    for name in ("photos", "truth", "annotated/images", "annotated/labels"):
        (tmp_path / name).mkdir(parents=True)
    for seed in range(2):
        image, labels = draw_nuclei(seed, (128, 128), 8)
        for name in ("photos", "annotated/images"):
            Image.fromarray(image).save(tmp_path / name / f"{seed}.png")
        for name in ("truth", "annotated/labels"):
            write_labels_tiff(tmp_path / name / f"{seed}.tif", labels.astype(np.int32))
    return tmp_path


def test_the_commands_run(folders: Path) -> None:
    script = section("From the command line", "sh")
    assert "--minutes 5" in script
    for line in script.replace("--minutes 5", "--minutes 0.05").splitlines():
        program, *arguments = shlex.split(line)
        assert program == "napari-unet-nuclei"
        finished = subprocess.run(
            [sys.executable, "-m", "napari_unet_nuclei", *arguments],
            cwd=folders,
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, f"{line}\n{finished.stderr}"
    for file in ("results/0.tif", "results/1_overlay.png", "better/1.tif"):
        assert (folders / file).exists()


def test_the_python_example_runs(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", section("From Python", "python")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "nuclei" in finished.stdout


def test_the_screenshot_is_there() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]*)\)", README):
        with Image.open(Path(__file__).parents[1] / path) as picture:
            assert min(picture.size) > 200
