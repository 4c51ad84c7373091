"""The program as a process of its own, and files with unusual names for it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.files.labels import write_labels_tiff

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

LATIN = os.fsdecode(b"caf\xe9")
FORGED = "核\x1b[31m\nError: all is lost"
MARKUP = "[red]x[·].[bold]"


@pytest.fixture
def call() -> Any:
    """Run a command through a shell; without streams of the test's own."""

    def run(
        folder: Path, *arguments: Any, redirect: Any = "", environment: Any = ()
    ) -> Any:
        program = (sys.executable, "-m", "napari_unet_nuclei")
        command = shlex.join(
            [*program, *(os.fspath(each) for each in arguments)],
        )
        return subprocess.run(
            ["/bin/bash", "-c", f"{command} {redirect}"],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", **dict(environment)},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=250,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Images with names that a terminal cannot show, two of them unreadable."""
    folder = tmp_path_factory.mktemp("work") / "photos"
    folder.mkdir()
    image, _ = draw_nuclei(0, (64, 64), 3)
    for name in ("a", LATIN, MARKUP):
        Image.fromarray(image).save(folder / f"{name}.png")
    for name in ("broken", FORGED):
        (folder / f"{name}.tif").write_text("no image")
    return folder


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Images and labels, one of them with a name that is no UTF-8."""
    folder = tmp_path_factory.mktemp("work") / "annotated"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for seed, name in enumerate(("a", "b", LATIN)):
        image, labels = draw_nuclei(seed, (96, 96), 5)
        Image.fromarray(image).save(folder / "images" / f"{name}.png")
        write_labels_tiff(folder / "labels" / f"{name}.tif", labels)
    return folder
