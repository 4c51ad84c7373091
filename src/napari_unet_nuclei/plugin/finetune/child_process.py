"""A program that runs beside napari, and what it prints.

A process of its own can be stopped at any moment, gives its memory back, and
leaves napari alive when it crashes.  What its lines mean belongs elsewhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

SHORT_GRACE_SECONDS = 0.5
"""Time to end for a program with nothing to complete; napari cannot quit meanwhile."""

_POLL_SECONDS = 0.1
_KILLED = -9  # by SIGKILL, which not every system has a name for
_N_LAST_LINES = 3


def iter_output(
    arguments: Sequence[str],
    folder: Path,
    grace_seconds: Callable[[], float] = lambda: SHORT_GRACE_SECONDS,
) -> Generator[str | None, None, None]:
    """Run a program and yield the lines it prints.

    Closing the generator ends the program: its standard input is closed, which
    also happens when this process dies; then it is terminated, then killed.

    Parameters
    ----------
    arguments : sequence of str
        Program and arguments.
    folder : Path
        Folder for what it prints.  Files, unlike pipes, neither block nor fill.
    grace_seconds : callable, optional
        Returns the time between these steps; asked when the program is ended.

    Yields
    ------
    str or None
        A line, or ``None`` ten times a second while there is none.

    Raises
    ------
    TrainingError
        If the program cannot be started or ends with an exit code other than 0.
    """
    printed, errors = folder / "output.txt", folder / "errors.txt"
    with (
        _run(arguments, printed, errors, grace_seconds) as process,
        printed.open("rb") as file,
    ):
        line = b""
        while True:
            has_ended = process.poll() is not None
            while part := file.readline():
                line += part
                if line.endswith(b"\n"):
                    yield line.decode("utf-8", "replace")
                    line = b""
            if has_ended:
                break
            yield None
            with suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
        if process.returncode:
            raise TrainingError(_describe_end(process.returncode, errors))


@contextmanager
def _run(
    arguments: Sequence[str],
    printed: Path,
    errors: Path,
    grace_seconds: Callable[[], float],
) -> Iterator[subprocess.Popen[bytes]]:
    with printed.open("wb") as stdout, errors.open("wb") as stderr:
        try:
            process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                env={**os.environ, "PYTHONUTF8": "1"},
                creationflags=_creation_flags(),
            )
        except OSError as error:
            raise TrainingError(
                f"The training process cannot be started ({error}); check the "
                "installation of napari-unet-nuclei."
            ) from error
    try:
        yield process
    finally:
        _end(process, grace_seconds())


def _creation_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW
    return 0


def _end(process: subprocess.Popen[bytes], grace: float) -> None:
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    for end in (process.terminate, process.kill):
        try:
            process.wait(grace)
            return
        except subprocess.TimeoutExpired:
            end()
    process.wait()


def _describe_end(code: int, errors: Path) -> str:
    """Say why a program ended with an exit code other than 0."""
    if code == _KILLED:
        return (
            "The training process was killed, as systems do when memory runs out; "
            "close other programs, or train on fewer or smaller images."
        )
    return f"The training process ended with exit code {code}: {_last_lines(errors)}"


def _last_lines(errors: Path) -> str:
    lines = errors.read_text(encoding="utf-8", errors="replace").splitlines()
    lines = [line.strip() for line in lines if line.strip()]
    return " / ".join(lines[-_N_LAST_LINES:]) or "it gave no reason."
