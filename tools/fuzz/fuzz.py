"""Damaged data sets, images, tables and models: what the readers make of them.

Usage: python tools/fuzz/fuzz.py [--cases 10000] [--seed 0] [--data stage1_train.zip]
       python tools/fuzz/fuzz.py --only 4711 --keep DIR

Each case follows from the seed and its number.  It is read as the command line would
read it, in a process with a limit of time and memory, and must either be accepted or
be answered by an error of this package that names the file, in one sentence.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mutations import (
    NAMES,
    make_special,
    mutate_bundle,
    mutate_bytes,
    mutate_csv,
    mutate_graph,
    mutate_jpeg,
    mutate_png,
    mutate_tiff,
    mutate_tree,
    pick,
    put_specials,
    rename_oddly,
    write_folder,
    write_zip,
)
from overwriting import make_run, run
from undamaged import (
    SHAPE,
    bomb,
    data_set,
    images,
    jpegs,
    labelled,
    model,
    nuclei,
    own_outputs,
    shipped,
    soft_labels,
    table,
)

from napari_unet_nuclei.core.batch.inputs import find_inputs
from napari_unet_nuclei.core.datasets.dsb2018_layout import is_dsb2018, is_sample_folder
from napari_unet_nuclei.core.datasets.label_collections import open_collection
from napari_unet_nuclei.core.datasets.opening import open_samples, read_good_samples
from napari_unet_nuclei.core.engines.engine import create_engine
from napari_unet_nuclei.core.errors import EngineError, ImageError, UNetNucleiError
from napari_unet_nuclei.core.files.images import read_image
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.images.channels import to_planes
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.models.bundle import read_bundle, write_bundle
from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

SECONDS = 10
MEMORY = 3 * 2**30  # bytes of address space, of which Python and NumPy take 1 GiB
CASES_A_WORKER = 300
_COMPUTED = "case-of-a-graph"  # a model whose network is evaluated, too
ACCEPTED, OWN = "accepted", "own error"
FAULTS = ("foreign exception", "crash", "hang", "unclear error", "warning")
# A new family is a name here, a case in make_case and, if need be, in read_case.
KINDS = (
    *("folder", "zip", "png", "tiff", "csv", "bundle", "labels", "other picture"),
    *("jpeg", "names", "devices", "soft labels", "own outputs", "batches", "graphs"),
)


# What is read -----------------------------------------------------------------------


def make_case(number: int, seed: int, data: Path | None, folder: Path) -> Path:
    """Write a damaged file or folder; the same for the same number and seed."""
    rng = np.random.default_rng([seed, number])
    kind = KINDS[number % len(KINDS)]
    match kind:
        case "folder":
            return write_folder(mutate_tree(data_set(data), rng), folder / "case", rng)
        case "labels":
            return write_folder(mutate_tree(labelled(data), rng), folder / "case", rng)
        case "zip":
            path = folder / "case.zip"
            if not rng.integers(50):
                path.write_bytes(mutate_bytes(bomb(), rng))
                return path
            return write_zip(mutate_tree(data_set(data), rng), path, rng)
        case "csv":
            path = folder / "case.csv"
            path.write_bytes(mutate_csv(table(data), rng))
            return path
        case "bundle":
            path = folder / "case.unetnuclei"
            path.write_bytes(mutate_bundle(model(), rng))
            return path
        case "jpeg":
            path = folder / f"case.{pick(rng, ('jpg', 'jpeg', 'png', 'tif'))}"
            path.write_bytes(mutate_jpeg(pick(rng, jpegs(data)), rng))
            return path
        case "names":
            tree = pick(rng, (data_set, labelled, own_outputs))(data)
            return write_folder(rename_oddly(tree, rng), folder / "case", rng)
        case "devices":
            return make_devices(data, folder, rng)
        case "soft labels":
            tree = pick(rng, soft_labels(data))
            tree = mutate_tree(tree, rng) if rng.integers(2) else tree
            return write_folder(tree, folder / "case", rng)
        case "own outputs":
            tree = own_outputs(data)
            tree = mutate_tree(tree, rng) if rng.integers(2) else tree
            return write_folder(tree, folder / "case", rng)
        case "batches":
            return make_run((data_set(data), labelled(data)), folder, rng)
        case "graphs":
            path = folder / f"{_COMPUTED}.unetnuclei"
            bundle = shipped()
            assert bundle.openvino is not None  # noqa: S101 - as every shipped model
            graph = mutate_graph(*bundle.openvino, rng)
            write_bundle(path, replace(bundle, openvino=graph))
            return path
    content = pick(rng, images(kind, data))
    knowing = {"png": mutate_png, "tiff": mutate_tiff}.get(kind, mutate_bytes)
    content = (knowing if rng.integers(2) else mutate_bytes)(content, rng)
    suffixes = {"png": ("png",), "tiff": ("tif", "tiff")}.get(kind, ("jpg", "bmp"))
    suffix = pick(rng, suffixes * 4 + ("png", "tif", "jpg", "bmp"))
    path = folder / f"case.{suffix}"
    path.write_bytes(content)
    return path


def make_devices(data: Path | None, folder: Path, rng: np.random.Generator) -> Path:
    """Put pipes and devices in place of files, alone or in a data set."""
    if rng.integers(2):
        suffixes = ("zip", "png", "tif", "jpg", "csv", "unetnuclei")
        path = folder / f"case.{pick(rng, suffixes)}"
        make_special(path, rng)
        return path
    tree = pick(rng, (data_set, labelled, own_outputs))(data)
    path = write_folder(tree, folder / "case", rng)
    put_specials(path, rng)
    return path


# How it is read ---------------------------------------------------------------------


def read_case(path: Path) -> Iterator[Callable[[], object]]:
    """Yield what the command line calls for such a path, one call after the other."""
    if path.suffix == ".csv":
        yield lambda: read_table(path)
    elif path.suffix == ".unetnuclei":
        yield lambda: compute(path) if path.stem == _COMPUTED else read_bundle(path)
    elif path.suffix == ".run":
        yield lambda: run(path)
    elif path.suffix == ".zip" or path.is_dir():
        yield lambda: is_dsb2018(path)
        yield lambda: is_sample_folder(path)
        yield lambda: read_data_set(path)
        yield lambda: [
            look_at(each.read().pixels, path) for each in find_inputs([path])
        ]
    else:
        yield lambda: look_at(read_image(path), path)
        yield lambda: read_labels(path)


def compute(path: Path) -> None:
    """Read a model and let OpenVINO evaluate it on a small tile."""
    bundle = read_bundle(path)
    try:
        engine = create_engine(bundle, EngineName.OPENVINO)
        engine.predict(np.zeros((1, 64, 64, 3), np.float32))
    except EngineError as error:
        raise EngineError(f"{path.stem}: {error}".replace("\n", " ")) from error


def read_data_set(path: Path) -> None:
    """Read every sample, as training does, then those that are left one by one."""
    source = open_samples(path)
    samples, problems = read_good_samples(source, source.sample_ids)
    for sample in samples:
        look_at(sample.image, path)
    if problems:
        source.read_sample(problems[0].sample_id)


def read_table(path: Path) -> None:
    """Read the nuclei of every image of a table, as scoring does."""
    collection = open_collection(path)
    for name in collection.names:
        collection.read(name, SHAPE)


def look_at(image: NDArray[Any], path: Path) -> None:
    """Make of an image what networks are fed; a batch puts its name before errors."""
    try:
        planes = to_planes(PlaneStack(image).single_plane())
    except ImageError as error:
        raise ImageError(f"{path.stem}: {error}") from error
    scaled = normalise(planes, intensity_limits(planes))
    if not np.isfinite(scaled).all():
        raise ArithmeticError("the network would see what is no number")


@dataclass
class Outcome:
    """What became of a case."""

    number: int
    answers: list[str] = field(default_factory=list)
    evidence: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0


def judge(number: int, path: Path) -> Outcome:
    """Read a case and say how it was answered."""
    outcome = Outcome(number)
    start = time.perf_counter()
    for call in read_case(path):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                call()
            except UNetNucleiError as error:
                message = str(error)
                for name in NAMES:  # the command line escapes them when it prints
                    message = message.replace(name, "")
                is_clear = "case" in message and "\n" not in message
                outcome.answers.append(OWN if is_clear else "unclear error")
                outcome.evidence = message if not is_clear else outcome.evidence
            except Exception as error:  # noqa: BLE001 - whatever comes is counted
                outcome.answers.append("foreign exception")
                outcome.evidence = "".join(traceback.format_exception(error))
            else:
                outcome.answers.append(ACCEPTED)
        if caught:
            outcome.answers.append("warning")
            outcome.evidence = outcome.evidence or str(caught[0])
    outcome.seconds = time.perf_counter() - start
    return outcome


# Processes --------------------------------------------------------------------------


def work(connection: Connection, scratch: str, seed: int, data: Path | None) -> None:
    """Judge the cases whose numbers come in, until None does."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (number := connection.recv()) is not None:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            path = make_case(number, seed, data, Path(folder))
            before = reset_peak()
            connection.send(None)  # from now on the time counts
            outcome = judge(number, path)
            outcome.megabytes = peak_megabytes() - before
        connection.send(outcome)


def reset_peak() -> float:
    """Let the peak of memory start from now; return how much is in use."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak_megabytes()


def peak_megabytes() -> float:
    """Return the most memory this process had since the peak was reset."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Worker:
    """A process that judges some hundred cases."""

    def __init__(self, seed: int, data: Path | None) -> None:
        context = multiprocessing.get_context("fork")
        self._connection, theirs = context.Pipe()
        # Made here, because a process that is killed leaves its files behind.
        self._scratch = tempfile.TemporaryDirectory(prefix="fuzz-")
        self._process = context.Process(
            target=work, args=(theirs, self._scratch.name, seed, data)
        )
        self._process.start()
        theirs.close()
        self.n_cases = 0

    def judge(self, number: int) -> Outcome:
        """Judge a case; the process may not outlive it."""
        self.n_cases += 1
        try:
            self._connection.send(number)
            self._connection.recv()
            if self._connection.poll(SECONDS):
                outcome: Outcome = self._connection.recv()
                return outcome
        except (EOFError, OSError):
            self._process.join()
            self.n_cases = CASES_A_WORKER
            code = self._process.exitcode or 0
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return Outcome(number, ["crash"], name)
        self._process.kill()
        self.n_cases = CASES_A_WORKER
        return Outcome(number, ["hang"], f"more than {SECONDS} s", SECONDS)

    def close(self) -> None:
        """End the process and remove its files."""
        if self._process.is_alive():
            with contextlib.suppress(OSError):
                self._connection.send(None)
        self._process.join()
        self._connection.close()
        self._scratch.cleanup()


def judge_all(n_cases: int, seed: int, data: Path | None) -> Iterator[Outcome]:
    """Judge the cases one after the other, in ever new processes."""
    for make in (data_set, labelled, table, nuclei):
        make(data)
    for kind in ("png", "tiff", "other picture"):
        images(kind, data)
    for make in (jpegs, soft_labels, own_outputs):
        make(data)
    model(), bomb(), shipped()  # once, for all processes
    worker = Worker(seed, data)
    for number in range(n_cases):
        if worker.n_cases >= CASES_A_WORKER:
            worker.close()
            worker = Worker(seed, data)
        yield worker.judge(number)
    worker.close()


# Report -----------------------------------------------------------------------------


def report(outcomes: list[Outcome], seconds: float) -> bool:
    """Print a table and what is wrong; true when nothing is."""
    columns = ("cases", ACCEPTED, OWN, *FAULTS, "slowest, s", "memory, MB")
    print("| kind | " + " | ".join(columns) + " |")
    print("| --- " * (len(columns) + 1) + "|")
    by_kind: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_kind[KINDS[outcome.number % len(KINDS)]].append(outcome)
        by_kind["all"].append(outcome)
    for kind in (*KINDS, "all"):
        group = by_kind[kind]
        if not group:
            continue
        counts = Counter(verdict(outcome) for outcome in group)
        numbers = [len(group), *(counts[each] for each in (ACCEPTED, OWN, *FAULTS))]
        slowest = max(outcome.seconds for outcome in group)
        most = max(outcome.megabytes for outcome in group)
        cells = " | ".join(f"{number:,}" for number in numbers)
        print(f"| {kind} | {cells} | {slowest:.1f} | {most:.0f} |")
    print(f"\n{len(outcomes):,} cases in {seconds / 60:.1f} min")
    faults = [outcome for outcome in outcomes if verdict(outcome) in FAULTS]
    for outcome in faults:
        kind = KINDS[outcome.number % len(KINDS)]
        last = outcome.evidence.strip().splitlines()[-1:]
        print(
            f"case {outcome.number} ({kind}): {verdict(outcome)}: {''.join(last)[:300]}"
        )
    return not faults


def verdict(outcome: Outcome) -> str:
    """Sum up the answers to a case: its worst fault, or whether all was accepted."""
    for fault in FAULTS:
        if fault in outcome.answers:
            return fault
    return OWN if OWN in outcome.answers else ACCEPTED


def main() -> int:
    """Run the cases, or a single one in this very process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, help="DSB2018 data set; drawn without")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="repeat one case")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="copy that case here")
    arguments = parser.parse_args()
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # as the command line does
    if arguments.only is not None:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            path = make_case(
                arguments.only, arguments.seed, arguments.data, Path(folder)
            )
            if arguments.keep is not None:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if path.is_dir() else shutil.copy
                copy(path, arguments.keep / path.name)
            for call in read_case(path):
                try:
                    call()
                except Exception:  # noqa: BLE001 - to be looked at
                    traceback.print_exc()
        return 0
    start = time.perf_counter()
    outcomes = []
    for outcome in judge_all(arguments.cases, arguments.seed, arguments.data):
        outcomes.append(outcome)
        if sys.stderr.isatty():
            print(f"\r{len(outcomes):,}", end="", file=sys.stderr)
    return int(not report(outcomes, time.perf_counter() - start))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
