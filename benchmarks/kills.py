"""Commands that are killed at random moments: what they leave, and what comes next.

Usage: python benchmarks/kills.py [--segment 100] [--train 50] [--tune 30]
           [--download 30] [--seed 0] [--keep DIR]

Each command runs once to its end for the time it takes, then again and again over its
own results, and is killed at a moment drawn from all of that time; fine-tuning only
from the moment on at which the start model is scored, until so many runs were killed
alive.  Whatever it leaves must be whole or absent; the next run must clear what is
temporary.  A table counts the faults; the exit code is 1 if there is one.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile
from PIL import Image

from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.files.images import read_image
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.files.rle import read_rle_table
from napari_unet_nuclei.core.segmentation.model import load_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

COMMAND = [sys.executable, "-m", "napari_unet_nuclei"]
FORMATS = "tiff,png,dsb2018,rle,overlay,features"
N_IMAGES = 4
SHAPE = (128, 160)
FINE_TUNING = ("--from", "classic", "--learning-rate", "0.001")


@dataclass
class Tally:
    """What became of the kills of a command."""

    name: str
    n_kills: int = 0
    n_too_late: int = 0
    n_absent: int = 0
    n_leftovers: int = 0
    faults: list[str] = field(default_factory=list)


# Commands and their ends ------------------------------------------------------------


def run(arguments: Sequence[object], seconds: float | None = None) -> int:
    """Run a command of ours, and kill it after a time; return its exit code."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "NO_PROXY": "127.0.0.1"},
    )
    try:
        _, complaint = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.returncode not in (0, -signal.SIGKILL):
            raise SystemExit(f"{arguments}: {complaint.decode(errors='replace')}")
    return process.returncode


def run_training(arguments: Sequence[object], seconds: float | None = None) -> float:
    """Run a training, and kill it so long after its first step.

    Parameters
    ----------
    arguments : sequence of object
        The command.
    seconds : float, optional
        Time to the kill, for all of the run: less where it resumes.

    Returns
    -------
    float
        Seconds from the first step to the end; 0 where it was killed before that.
    """
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments), "--events", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    start: float | None = None
    events = []
    for line in process.stdout or ():
        if not line.endswith("\n"):
            break  # killed within it
        events.append(json.loads(line))
        if events[-1]["event"] == "step" and start is None:
            start = time.perf_counter()
            if seconds is not None:
                rest = seconds * (1 - events[-1]["progress"])
                timer = threading.Timer(rest, kill, [process])
                timer.daemon = True
                timer.start()
    process.wait()
    end = time.perf_counter()
    if process.returncode == -signal.SIGKILL:
        return 0
    if process.returncode != 0 or events[-1]["event"] != "finished":
        raise SystemExit(f"{arguments}: {events[-1:]}")
    return end - (start or end)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command with all that it started, unless it has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def timed(arguments: Sequence[object]) -> float:
    """Run a command to its end and return the seconds it took."""
    start = time.perf_counter()
    run(arguments)
    return time.perf_counter() - start


def has_option(command: str, option: str) -> bool:
    """Say whether a command has an option."""
    text = subprocess.run(
        [*COMMAND, command, "--help"], capture_output=True, text=True, check=True
    ).stdout
    return option in text


def leftovers(folder: Path) -> list[Path]:
    """List what is temporary, at any depth."""
    return [*folder.rglob(".napari-unet-nuclei-*")]


def attempt(tally: Tally, what: str, read: Callable[[], object]) -> object:
    """Read an output that is there; what cannot be read is a fault."""
    try:
        return read()
    except (UNetNucleiError, OSError, ValueError) as error:
        tally.faults.append(f"{what}: {error}")
        return None


# segment ----------------------------------------------------------------------------


def kill_segment(n_kills: int, rng: np.random.Generator, folder: Path) -> Tally:
    """Kill ``segment`` over earlier results in all formats."""
    tally = Tally("segment")
    images, output = folder / "images", folder / "output"
    images.mkdir()
    for number in range(N_IMAGES):
        image, _ = draw_nuclei(number, SHAPE, 12)
        tifffile.imwrite(images / f"i{number}.tif", image)
    arguments = ["segment", images, "-o", output, "--format", FORMATS]
    arguments += ["--model", "classic"]
    if has_option("segment", "--overwrite"):
        arguments.append("--overwrite")
    seconds = timed(arguments)
    whole = {number: read_result(output, number) for number in range(N_IMAGES)}
    for _ in range(n_kills):
        # Loading takes most of the time; what matters comes after that.
        tally.n_kills += 1
        code = run(arguments, seconds * rng.uniform(0.4, 1.02))
        tally.n_too_late += code == 0
        tally.n_leftovers += bool(leftovers(output))
        check_segment(tally, output, whole)
    run(arguments)
    tally.faults += [f"left behind: {path}" for path in leftovers(output)]
    for number in range(N_IMAGES):
        if not np.array_equal(read_result(output, number), whole[number]):
            tally.faults.append(f"i{number} differs after the last run")
    return tally


def read_result(output: Path, number: int) -> np.ndarray:
    """Read the labels of an image."""
    return read_labels(output / f"i{number}.tif")


def check_segment(tally: Tally, output: Path, whole: dict[int, np.ndarray]) -> None:
    """Look at each output of each image: the whole of it, or nothing."""
    for number, labels in whole.items():
        for name, read in (
            (f"i{number}.tif", read_labels),
            (f"i{number}.png", read_labels),
            (f"i{number}_overlay.png", read_image),
        ):
            path = output / name
            if not path.exists():
                tally.n_absent += 1
                continue
            found = attempt(tally, name, partial(read, path))
            if read is read_labels and not np.array_equal(found, labels):
                tally.faults.append(f"{name} has other labels")
        check_table(tally, output / f"i{number}_nuclei.csv", int(labels.max()))
        check_sample(tally, output, f"i{number}", labels)
    rle = output / "predictions.csv"
    if not rle.exists():
        tally.n_absent += 1
    elif table := attempt(tally, rle.name, partial(read_rle_table, rle)):
        for number, labels in whole.items():
            n_rows = len(getattr(table, "runs").get(f"i{number}", []))  # noqa: B009
            if n_rows != labels.max():
                tally.faults.append(f"{rle.name} has {n_rows} nuclei of i{number}")


def check_table(tally: Tally, path: Path, n_nuclei: int) -> None:
    """Count the rows of a table of nuclei."""
    if not path.exists():
        tally.n_absent += 1
        return
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    if len(rows) != n_nuclei + 1 or len({len(row) for row in rows}) != 1:
        tally.faults.append(f"{path.name} has {len(rows) - 1} rows of {n_nuclei}")


def check_sample(
    tally: Tally, output: Path, sample_id: str, labels: np.ndarray
) -> None:
    """Read a sample as training would: what it takes must be all of it."""
    try:
        sample = open_samples(output / sample_id).read_sample(sample_id)
    except UNetNucleiError:
        tally.n_absent += 1
        return
    if not np.array_equal(sample.labels, labels):
        tally.faults.append(
            f"sample {sample_id} has {sample.labels.max()} of {labels.max()} masks"
        )


# train ------------------------------------------------------------------------------


def make_training(folder: Path, *options: object) -> tuple[list[object], Path]:
    """Draw a data set; return a short training on it, and the model this writes."""
    data = folder / "data"
    for kind in ("images", "labels"):
        (data / kind).mkdir(parents=True)
    for number in range(6):
        image, labels = draw_nuclei(number, (64, 64), 5)
        tifffile.imwrite(data / f"images/{number}.tif", image)
        tifffile.imwrite(data / f"labels/{number}.tif", labels.astype(np.uint16))
    output = folder / "models/tiny.unetnuclei"
    arguments = ["train", data, "-o", output, *options]
    arguments += ["--batch-size", 2, "--crop-size", 32]
    return arguments, output


def kill_train(n_kills: int, rng: np.random.Generator, folder: Path) -> Tally:
    """Kill ``train``; what is there can be read, and ``--resume`` goes on."""
    tally = Tally("train")
    arguments, output = make_training(
        folder, "--architecture", "classic", "--epochs", 3, "--steps-per-epoch", 3
    )
    seconds = timed(arguments)
    overwrite = ["--overwrite"] if has_option("train", "--overwrite") else []
    state = output.with_suffix(".state.npz")
    for _ in range(n_kills):
        tally.n_kills += 1
        is_resumed = state.exists()
        again = ["--resume"] if is_resumed else overwrite
        code = run([*arguments, *again], seconds * rng.uniform(0.3, 1.02))
        tally.n_too_late += code == 0
        check_model(tally, output)
    if state.exists() and run([*arguments, "--resume"]) != 0:
        tally.faults.append("--resume did not go on")
    run([*arguments, *overwrite])
    tally.faults += [f"left behind: {path}" for path in leftovers(output.parent)]
    return tally


def check_model(tally: Tally, output: Path) -> None:
    """Load the model that is there, and segment with it."""
    tally.n_leftovers += bool(leftovers(output.parent))
    if not output.exists():
        tally.n_absent += 1
        return
    image, _ = draw_nuclei(0, (64, 64), 5)
    attempt(tally, output.name, lambda: load_model(output).segment(image))


def kill_tune(n_kills: int, rng: np.random.Generator, folder: Path) -> Tally:
    """Kill fine-tuning while it trains, until so many runs were killed alive."""
    tally = Tally("tune")
    length = "--epochs", 6, "--steps-per-epoch", 10
    arguments, output = make_training(folder, *FINE_TUNING, *length)
    seconds = run_training(arguments)
    state = output.with_suffix(".state.npz")
    while tally.n_kills - tally.n_too_late < n_kills:
        tally.n_kills += 1
        again = ["--resume" if state.exists() else "--overwrite"]
        moment = rng.uniform(0, seconds)
        has_ended = run_training([*arguments, *again], moment) > 0
        tally.n_too_late += has_ended
        check_model(tally, output)
        print(f"kill {tally.n_kills}, too late {tally.n_too_late}", file=sys.stderr)
        if has_ended and not output.exists():
            tally.faults.append("a run that ended wrote no model")
    if state.exists():
        run_training([*arguments, "--resume"])
    run_training([*arguments, "--overwrite"])
    tally.faults += [f"left behind: {path}" for path in leftovers(output.parent)]
    return tally


# download ---------------------------------------------------------------------------

FETCH = """
import sys
from pathlib import Path
from napari_unet_nuclei.core.datasets import downloads
data_set = downloads.OnlineDataSet(url=sys.argv[1], sha256=sys.argv[2], part="in/train")
downloads.DATA_SETS = {"tiny": data_set}
downloads.fetch("tiny", Path(sys.argv[3]))
"""


class Slow(BaseHTTPRequestHandler):
    """Sends a zip in a second or so."""

    content = b""

    def do_GET(self) -> None:
        """Answer any path."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        step = len(self.content) // 20 + 1
        with contextlib.suppress(OSError):
            for place in range(0, len(self.content), step):
                self.wfile.write(self.content[place : place + step])
                time.sleep(0.02)  # a slow server, so that the kill comes meanwhile

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def make_zip() -> bytes:
    """Pack images and labels of some megabytes."""
    buffer = io.BytesIO()
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(buffer, "w") as file:
        for number in range(20):
            _, labels = draw_nuclei(number, (256, 256), 9)
            noise = rng.integers(0, 256, (256, 256), dtype=np.uint8)
            for kind, array in (("images", noise), ("masks", labels)):
                picture = io.BytesIO()
                Image.fromarray(array.astype(np.uint8)).save(picture, "PNG")
                file.writestr(f"in/train/{kind}/{number}.png", picture.getvalue())
    return buffer.getvalue()


@contextlib.contextmanager
def serving(content: bytes) -> Iterator[str]:
    """Serve a zip on this computer."""
    Slow.content = content
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tiny.zip"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def kill_download(n_kills: int, rng: np.random.Generator, folder: Path) -> Tally:
    """Kill a download and its unpacking; nothing of it is taken for the data set."""
    tally = Tally("download")
    content, place = make_zip(), folder / "downloads"
    digest = sha256(content).hexdigest()
    with serving(content) as url:
        program = [sys.executable, "-c", FETCH, url, digest, str(place)]
        env = os.environ | {"NO_PROXY": "127.0.0.1"}
        start = time.perf_counter()
        subprocess.run(program, check=True, env=env)
        seconds = time.perf_counter() - start
        for _ in range(n_kills):
            empty(place)
            tally.n_kills += 1
            with subprocess.Popen(program, env=env) as process:
                try:
                    process.wait(seconds * rng.uniform(0.2, 1.02))
                    tally.n_too_late += 1
                except subprocess.TimeoutExpired:
                    process.kill()
            tally.n_leftovers += bool(leftovers(place))
            check_download(tally, place, digest)
            subprocess.run(program, check=True, env=env)
            if [path.name for path in place.iterdir()] != ["tiny"]:
                names = ", ".join(path.name for path in place.iterdir())
                tally.faults.append(f"after the next run there are {names}")
    return tally


def empty(folder: Path) -> None:
    """Remove the data set, and leave what is hidden."""
    for path in sorted(folder.glob("[!.]*/**/*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for path in folder.glob("[!.]*"):
        path.rmdir() if path.is_dir() else path.unlink()


def check_download(tally: Tally, place: Path, digest: str) -> None:
    """Look for a zip or a folder that is there and not whole."""
    archive, unpacked = place / "tiny.zip", place / "tiny"
    if archive.exists() and sha256(archive.read_bytes()).hexdigest() != digest:
        tally.faults.append("half a zip under its name")
    if not unpacked.exists():
        tally.n_absent += 1
    elif len(open_samples(unpacked).sample_ids) != 20:
        tally.faults.append("half a data set under its name")


# Report -----------------------------------------------------------------------------


def report(tallies: Iterable[Tally]) -> bool:
    """Print a table and the faults; true when there is none."""
    columns = "command", "kills", "too late", "outputs absent", "with leftovers"
    print("| " + " | ".join((*columns, "faults")) + " |")
    print("| --- " * (len(columns) + 1) + "|")
    faults = []
    for tally in tallies:
        counts = (
            *(tally.n_kills, tally.n_too_late, tally.n_absent, tally.n_leftovers),
            len(tally.faults),
        )
        print(f"| {tally.name} | " + " | ".join(f"{n:,}" for n in counts) + " |")
        faults += [f"{tally.name}: {fault}" for fault in tally.faults]
    print("\n".join(["", *faults[:50]]))
    return not faults


def main() -> int:
    """Kill each command as often as was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = {"segment": 100, "train": 50, "tune": 30, "download": 30}
    for kind, number in kinds.items():
        parser.add_argument(f"--{kind}", type=int, default=number, metavar="KILLS")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work here, leave it")
    arguments = parser.parse_args()
    functions = {"segment": kill_segment, "train": kill_train}
    functions |= {"tune": kill_tune, "download": kill_download}
    rng = np.random.default_rng(arguments.seed)
    tallies = []
    with tempfile.TemporaryDirectory(prefix="kills-") as scratch:
        for kind, function in functions.items():
            n_kills = getattr(arguments, kind)
            if n_kills:
                folder = (arguments.keep or Path(scratch)) / kind
                folder.mkdir(parents=True)
                tallies.append(function(n_kills, rng, folder))
    return int(not report(tallies))


if __name__ == "__main__":
    sys.exit(main())
