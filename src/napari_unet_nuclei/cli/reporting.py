"""How every command talks: progress, results, errors in one sentence."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from napari_unet_nuclei.cli.interrupts import stop_code
from napari_unet_nuclei.cli.wording import describe_error, describe_system_error
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.segmentation.memory import say_lack
from napari_unet_nuclei.core.shown_text import make_visible

_QUIET = {
    "absl": logging.ERROR,
    "distributed": logging.CRITICAL,
    "matplotlib": logging.ERROR,
    "tifffile": logging.CRITICAL,
}


class PlainConsole(Console):
    """A console for which text is data, not markup.

    What is printed stays on its line and does nothing but be read, whatever the names
    of files in it are; colours come from styles alone.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        """Print strings as they are, one a line, or tables; see the base class."""
        if all(isinstance(each, str) for each in objects):
            options.setdefault("soft_wrap", True)
        options.setdefault("highlight", False)
        options["markup"] = False
        shown = (
            make_visible(each) if isinstance(each, str) else each for each in objects
        )
        super().print(*shown, **options)


output = PlainConsole(
    width=None if sys.stdout is not None and sys.stdout.isatty() else 100,
    emoji=False,
    markup=False,
)
"""Results, on standard output; in a file, wide enough for every table."""

messages = PlainConsole(stderr=True, emoji=False, markup=False)
"""Progress, warnings and errors, on standard error."""

_writes_files = False


def writes_files() -> bool:
    """Whether a command was begun whose results are files, not what it prints."""
    return _writes_files


@contextmanager
def one_sentence_errors(*, debug: bool, prints_result: bool = False) -> Iterator[None]:
    """End with exit code 1 and one sentence, or with 130 or 143 when stopped.

    Parameters
    ----------
    debug : bool
        Whether to show tracebacks, and what libraries say.
    prints_result : bool
        Whether what is printed is all there is of the result: it must arrive.
    """
    global _writes_files
    _writes_files = not prints_result
    if not debug:
        # TensorFlow talks about itself otherwise; this process is ours alone.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        for name, level in _QUIET.items():
            logging.getLogger(name).setLevel(level)
    try:
        yield
    except UNetNucleiError as error:
        if debug:
            raise
        messages.print(f"Error: {describe_error(error)}", style="red")
        raise typer.Exit(1) from error
    except OSError as error:  # of a kind that no part of the program foresaw
        if debug:
            raise
        messages.print(f"Error: {describe_system_error(error)}", style="red")
        raise typer.Exit(1) from error
    except MemoryError as error:
        if debug:
            raise
        sentence = f"Error: There is {say_lack(error)}, or close other programs."
        messages.print(sentence, style="red")
        raise typer.Exit(1) from error
    except KeyboardInterrupt as request:
        if debug:
            raise
        messages.print("Stopped.", style="yellow")
        raise typer.Exit(stop_code(request)) from None


@contextmanager
def quiet_native_libraries(*, debug: bool) -> Iterator[None]:
    """Keep what native libraries print while they are loaded off the screen.

    TensorFlow writes to file descriptor 2 before its log level is read.
    """
    if debug:
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # it is closed: nobody would see it
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def make_progress(*counts: ProgressColumn) -> Progress:
    """Make a progress bar on standard error, silent where that is no terminal.

    Parameters
    ----------
    *counts : ProgressColumn
        What to write beside the bar; the default is how many of how many are done.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *(counts or (MofNCompleteColumn(),)),
        TimeRemainingColumn(),
        console=messages,
        disable=not messages.is_terminal,
    )
