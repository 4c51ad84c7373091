"""What is printed arrives, or the program says so: streams in any state."""

from __future__ import annotations

import json
import os
import pty
import shlex
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

PROGRAM = (sys.executable, "-m", "napari_unet_nuclei")
TINY = ("--epochs", "1", "--steps-per-epoch", "1", "--batch-size", "1")
TINY += ("--crop-size", "32", "--architecture", "classic")


def check_photos(folder: Path, result: Any) -> None:
    """Check what `segment` leaves of the photos, wherever its words go."""
    assert sorted(path.suffix for path in folder.iterdir()) == [".tif"] * 3
    assert result.returncode == 1


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "utf-8"])
def test_segment_tells_of_failures_in_any_encoding(
    call: Any, photos: Any, tmp_path: Path, encoding: Any
) -> None:
    output = tmp_path / "核 [bold]"
    result = call(
        photos.parent,
        *("segment", "photos", "-o", output, "--model", "classic"),
        environment={"PYTHONIOENCODING": encoding},
    )
    check_photos(output, result)
    assert "in 3 images" in result.stdout
    assert "[bold]" in result.stdout
    errors = result.stderr.splitlines()
    assert "2 could not be segmented:" in errors
    assert [line for line in errors if line.startswith("Error")] == []
    assert r"\x1b[31m\nError: all is lost: Expected" in result.stderr
    assert "\x1b" not in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "redirect",
    ["> /dev/full", ">&-", "2> /dev/full", "2>&-", ">&- 2>&-", "> /dev/full 2>&1"],
)
def test_segment_finishes_its_work_when_nobody_can_read(
    call: Any, photos: Any, tmp_path: Path, redirect: Any
) -> None:
    output = tmp_path / "out"
    result = call(
        photos.parent,
        *("segment", "photos", "-o", output, "--model", "classic"),
        redirect=redirect,
    )
    check_photos(output, result)
    assert "Traceback" not in result.stderr
    if redirect in ("> /dev/full", ">&-"):
        assert "2 could not be segmented:" in result.stderr
        assert "Warning: Expected a standard output that can be written to" in (
            result.stderr
        )


def test_a_pipe_that_is_closed_early_stops_no_work(
    call: Any, photos: Any, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    command = ("segment", "photos/a.png", "-o", output, "--model", "classic")
    result = call(photos.parent, *command, redirect="| true; exit ${PIPESTATUS[0]}")
    assert result.returncode == 0
    assert (output / "a.tif").exists()
    assert result.stderr.startswith("OpenVINO")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [["--version"], ["--help"], ["train", "--help"]])
@pytest.mark.parametrize(
    ("redirect", "code", "words"),
    [
        ("> /dev/full", 1, "Error: Expected a standard output"),
        (">&-", 1, "Error: Expected a standard output"),
        ("| true; exit ${PIPESTATUS[0]}", 141, ""),
        ("2>&-", 0, ""),
        ("> /dev/full 2>&1", 1, ""),
    ],
)
def test_what_is_printed_must_arrive(
    call: Any, tmp_path: Path, command: Any, redirect: Any, code: Any, words: str
) -> None:
    result = call(tmp_path, *command, redirect=redirect)
    assert result.returncode == code
    assert result.stderr.startswith(words)
    assert len(result.stderr.splitlines()) == bool(words)


def test_info_on_a_full_device_fails(call: Any, tmp_path: Path) -> None:
    result = call(tmp_path, "info", redirect="> /dev/full")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "No space left on device" in result.stderr


@pytest.mark.parametrize("command", ["--help", "segment --help", "info", "nonsense"])
def test_every_encoding_and_width_shows_help_and_tables(
    call: Any, tmp_path: Path, command: Any
) -> None:
    for environment in (
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"COLUMNS": "0"},
        {"COLUMNS": "1"},
        {"COLUMNS": "1000000000"},
        {"TERM": "dumb", "FORCE_COLOR": "1"},
    ):
        result = call(tmp_path, *command.split(), environment=environment)
        assert result.returncode == (2 if command == "nonsense" else 0), environment
        assert "Traceback" not in result.stderr
        assert len(result.stdout) < 100_000


@pytest.mark.parametrize("events", [(), ("--events", "jsonl")])
@pytest.mark.parametrize("redirect", [">&-", "| true; exit ${PIPESTATUS[0]}"])
def test_training_goes_on_when_nobody_reads(
    call: Any, annotated: Any, tmp_path: Path, events: Any, redirect: Any
) -> None:
    (tmp_path / "split.json").write_text(
        json.dumps({"train": ["a", r"caf\xe9"], "val": ["b"]}), encoding="utf-8"
    )
    model = tmp_path / os.fsdecode(b"mod\xe8le $x^$ [b].unetnuclei")
    result = call(
        annotated.parent,
        *("train", "annotated", "-o", model, *TINY, *events),
        *("--split", tmp_path / "split.json"),
        redirect=redirect,
    )
    assert result.returncode == 0, result.stderr
    assert model.exists()
    assert model.with_suffix(".png").exists()
    assert "Traceback" not in result.stderr


def test_a_terminal_shows_a_bar_and_messages(photos: Any, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *("segment", "photos", "-o", tmp_path / "o", "--model", "classic")],
        cwd=photos.parent,
        env={**os.environ, "COLUMNS": "80", "TERM": "xterm", "OMP_NUM_THREADS": "1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # how Linux says that nobody writes any more
        pass
    os.close(ours)
    assert process.wait(60) == 1
    assert b"Segmenting" in shown
    assert b"5/5" in shown
    assert rb"\x1b[31m\nError: all is lost" in shown
    assert b"caf\xe9" not in shown


def test_warnings_of_libraries_are_sentences(tmp_path: Path) -> None:
    program = (
        "import sys, warnings\n"
        "from napari_unet_nuclei.core.engines import devices\n"
        "def warn():\n"
        "    warnings.warn('pixels are\\nodd', stacklevel=1)\n"
        "    warnings.warn('developers only', DeprecationWarning, stacklevel=1)\n"
        "    return {}\n"
        "devices.openvino_devices = warn\n"
        "sys.argv = ['napari-unet-nuclei', 'info']\n"
        "from napari_unet_nuclei.cli import main\n"
        "main()\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stderr == "Warning: pixels are\\nodd\n"
    assert result.returncode == 0


def test_a_closed_stream_gives_its_place_to_no_file(
    photos: Any, tmp_path: Path
) -> None:
    # What native libraries say on descriptor 2 would be written into that file.
    program = (
        "import os, sys\n"
        "from napari_unet_nuclei.core.engines import devices\n"
        "def versions():\n"
        "    with open('file', 'wb') as file:\n"
        "        os.write(2, b'native words')\n"
        "        return {'descriptor': str(file.fileno())}\n"
        "devices.package_versions = versions\n"
        "sys.argv = ['napari-unet-nuclei', 'info']\n"
        "from napari_unet_nuclei.cli import main\n"
        "main()\n"
    )
    result = subprocess.run(
        ["/bin/bash", "-c", f"{shlex.join([sys.executable, '-c', program])} 2>&-"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    assert int(result.stdout.split()[1]) > 2
    assert (tmp_path / "file").read_bytes() == b""
