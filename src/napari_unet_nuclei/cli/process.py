"""The process of the command line: its streams, its signals, how it ends.

It belongs to the program alone, so that here, and only here, streams, signals,
warnings and environment variables may be set.  What commands say is in ``reporting``.
"""

from __future__ import annotations

import errno
import os
import sys
import warnings
from typing import TYPE_CHECKING, NoReturn

from napari_unet_nuclei.cli.interrupts import (
    listen,
    stop_code,
    stop_listening,
    unanswered,
)
from napari_unet_nuclei.cli.streams import find_loss, make_standard_streams_lasting

if TYPE_CHECKING:
    from typing import TextIO

_BROKEN_PIPE = 141  # what shells say about a program whose reader went away
_WIDTHS = range(40, 1001)  # characters a line that tables and help can be laid out in


def run_process() -> NoReturn:
    """Run the command that the arguments name, and end with its exit code."""
    make_standard_streams_lasting()
    try:
        listen()
        _limit_width()
        from napari_unet_nuclei.cli.app import run_app
        from napari_unet_nuclei.cli.own_folders import keep_home_clean

        keep_home_clean()
        _simplify_warnings()
        code = run_app()
        if request := unanswered():
            raise request
    except KeyboardInterrupt as request:
        print("Stopped.", file=sys.stderr)  # noqa: T201 - rich may not be loaded yet
        code = stop_code(request)
    code = _code_after_losses(code)
    stop_listening()
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End the process, without the second that a backend of Keras takes to unload.

    Everything has been written by now, streams too.
    """
    if "keras" in sys.modules:
        os._exit(code)
    sys.exit(code)


def _limit_width() -> None:
    """Pass over a width that nothing can be laid out in, such as 0."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) not in _WIDTHS:
        nearest = min(max(int(columns), _WIDTHS.start), _WIDTHS.stop - 1)
        os.environ["COLUMNS"] = str(nearest)


def _simplify_warnings() -> None:
    """Say what libraries warn of in a sentence each, once, without their code.

    What they say to developers is left out, also where the environment asks for it.
    """
    from napari_unet_nuclei.cli.reporting import messages

    said: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        sentence = str(message).strip()
        if sentence not in said:
            said.add(sentence)
            messages.print(f"Warning: {sentence}", style="yellow")

    warnings.resetwarnings()
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning):
        warnings.simplefilter("ignore", category)
    warnings.simplefilter("ignore", ResourceWarning)
    warnings.showwarning = show


def _code_after_losses(code: int) -> int:
    """Return the exit code, and say what did not arrive.

    Where files were to be written, they count; where something was to be printed,
    that it arrives.  Nobody is told of a pipe whose reader has had enough.
    """
    from napari_unet_nuclei.cli import reporting

    loss = find_loss(sys.stdout)
    find_loss(sys.stderr)  # written now rather than after the end
    if loss is None:
        return code
    fails = code == 0 and not reporting.writes_files()
    if loss.errno == errno.EPIPE:
        return _BROKEN_PIPE if fails else code
    reporting.messages.print(
        f"{'Error' if fails else 'Warning'}: Expected a standard output that can be "
        f"written to. Received: one that says {loss.strerror!r}; what this command "
        + ("printed is lost." if fails else "printed is lost, not the files it wrote."),
        style="red" if fails else "yellow",
    )
    return 1 if fails else code
