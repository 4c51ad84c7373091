"""The command line as a process: its streams, its signals, what it leaves behind."""

from __future__ import annotations

import csv
import json
import os
import pty
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.files.labels import write_labels_tiff

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="names and devices are Linux's own"
)

PROGRAM = (sys.executable, "-m", "napari_unet_nuclei")
LATIN = os.fsdecode(b"caf\xe9")
FORGED = "核\x1b[31m\nError: all is lost"
MARKUP = "[red]x[·].[bold]"
TINY = ("--epochs", "1", "--steps-per-epoch", "1", "--batch-size", "1")
TINY += ("--crop-size", "32", "--architecture", "classic")


def call(folder, *arguments, redirect="", environment=()):
    """Run a command through a shell; without streams of the test's own."""
    command = shlex.join(
        [*PROGRAM, *(os.fspath(each) for each in arguments)],
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


SEGMENT = ("segment", "photos", "--model", "classic", "-o")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
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
def annotated(tmp_path_factory):
    """Images and labels, one of them with a name that is no UTF-8."""
    folder = tmp_path_factory.mktemp("work") / "annotated"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for seed, name in enumerate(("a", "b", LATIN)):
        image, labels = draw_nuclei(seed, (96, 96), 5)
        Image.fromarray(image).save(folder / "images" / f"{name}.png")
        write_labels_tiff(folder / "labels" / f"{name}.tif", labels)
    return folder


def check_photos(folder, result):
    """Check what `segment` leaves of the photos, wherever its words go."""
    assert sorted(path.suffix for path in folder.iterdir()) == [".tif"] * 3
    assert result.returncode == 1


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "utf-8"])
def test_segment_tells_of_failures_in_any_encoding(photos, tmp_path, encoding):
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
def test_segment_finishes_its_work_when_nobody_can_read(photos, tmp_path, redirect):
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


def test_a_pipe_that_is_closed_early_stops_no_work(photos, tmp_path):
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
def test_what_is_printed_must_arrive(tmp_path, command, redirect, code, words):
    result = call(tmp_path, *command, redirect=redirect)
    assert result.returncode == code
    assert result.stderr.startswith(words)
    assert len(result.stderr.splitlines()) == bool(words)


def test_info_on_a_full_device_fails(tmp_path):
    result = call(tmp_path, "info", redirect="> /dev/full")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "No space left on device" in result.stderr


@pytest.mark.parametrize("command", ["--help", "segment --help", "info", "nonsense"])
def test_every_encoding_and_width_shows_help_and_tables(tmp_path, command):
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


def test_wrong_arguments_forge_no_messages(tmp_path):
    result = call(tmp_path, "segment", f"--{FORGED}[/]")
    assert result.returncode == 2
    assert "\x1b" not in result.stderr
    assert "\nError: all is lost" not in result.stderr
    assert "No such option: --核" in result.stderr


def test_a_name_that_is_no_utf8_meets_its_nuclei(annotated, tmp_path):
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


@pytest.mark.parametrize("events", [(), ("--events", "jsonl")])
@pytest.mark.parametrize("redirect", [">&-", "| true; exit ${PIPESTATUS[0]}"])
def test_training_goes_on_when_nobody_reads(annotated, tmp_path, events, redirect):
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
def test_nothing_of_libraries_lies_about_at_home(annotated, tmp_path, command):
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


def test_settings_of_keras_that_are_there_count(tmp_path):
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


def test_a_terminal_shows_a_bar_and_messages(photos, tmp_path):
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
def test_a_signal_at_any_moment_ends_in_a_word(photos, tmp_path, number, name):
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
def test_a_signal_while_files_are_written_leaves_none_half(photos, tmp_path, number):
    program = (
        "import os, signal\n"
        "from napari_unet_nuclei.core.batch import run as batch\n"
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


def test_warnings_of_libraries_are_sentences(tmp_path):
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


def test_a_closed_stream_gives_its_place_to_no_file(photos, tmp_path):
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


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        ("absolute", "Error: Expected a place to write to"),
        ("relative.png", "Error: Expected a current folder"),
    ],
)
def test_a_folder_that_is_gone_is_named(tmp_path, photos, photo, message):
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


def test_many_failures_are_listed_a_line_each(tmp_path, photos):
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
