"""Processes that read cases, with a limit of time and memory."""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from answers import Outcome, run_case
from cases import make_case
from undamaged import (
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

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection


SECONDS = 10
MEMORY = 3 * 2**30  # bytes of address space, of which Python and NumPy take 1 GiB
CASES_A_WORKER = 300


def work(connection: Connection, scratch: str, seed: int, data: Path | None) -> None:
    """Run the cases whose numbers come in, until None does."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (number := connection.recv()) is not None:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            path = make_case(number, seed, data, Path(folder))
            before = reset_peak()
            connection.send(None)  # from now on the time counts
            outcome = run_case(number, path)
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
    """A process that runs some hundred cases."""

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

    def run_case(self, number: int) -> Outcome:
        """Run a case; the process may not outlive it."""
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


def run_all(n_cases: int, seed: int, data: Path | None) -> Iterator[Outcome]:
    """Run the cases one after the other, in ever new processes."""
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
        yield worker.run_case(number)
    worker.close()
