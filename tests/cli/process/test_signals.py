"""A signal ends the program in a word, and leaves no file half."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="names and devices are Linux's own"
)

SEGMENT = ("segment", "photos", "--model", "classic", "-o")
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}
WHEN_IMPORTED = (
    "import os, signal, sys\n"
    "class Now:\n"
    "    def find_spec(self, name, *rest):\n"
    "        if name == {name!r}:\n"
    "            sys.meta_path.remove(self)\n"
    "            os.kill(os.getpid(), {number})\n"
    "sys.meta_path.insert(0, Now())\n"
    "sys.argv = ['napari-unet-nuclei', *sys.argv[1:]]\n"
    "from napari_unet_nuclei.cli import main\n"
    "main()\n"
)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(
    "name",
    [
        "napari_unet_nuclei.cli.app",
        "rich.progress",
        "napari_unet_nuclei.core.batch.run",
        "openvino",
    ],
)
def test_a_signal_at_any_moment_ends_in_a_word(
    photos: Any, tmp_path: Path, number: Any, name: Any
) -> None:
    program = WHEN_IMPORTED.format(name=name, number=int(number))
    result = subprocess.run(
        [sys.executable, "-c", program, "segment", "photos", "-o", tmp_path / "o"],
        cwd=photos.parent,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert result.stderr == "Stopped.\n"
    assert result.returncode == SIGNALS[number]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_files_are_written_leaves_none_half(
    photos: Any, tmp_path: Path, number: Any
) -> None:
    program = (
        "import os, signal\n"
        "from napari_unet_nuclei.core.batch import writers as batch\n"
        "write = batch.write_labels_tiff\n"
        "def write_and_stop(*arguments, **options):\n"
        "    write(*arguments, **options)\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "batch.write_labels_tiff = write_and_stop\n"
        "from napari_unet_nuclei.cli import main\n"
        "main()\n"
    )
    output = tmp_path / "o"
    result = subprocess.run(
        [sys.executable, "-c", program, *SEGMENT, str(output)],
        cwd=photos.parent,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == SIGNALS[number]
    assert "Stopped.\n" in result.stderr
    assert "Traceback" not in result.stderr
    assert all(path.suffix == ".tif" for path in output.iterdir())
    assert not any(path.name.startswith(".") for path in output.iterdir())
