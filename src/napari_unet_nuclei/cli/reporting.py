"""How every command talks: options they share, progress, errors in one sentence."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

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

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.memory import say_lack

Debug = Annotated[
    bool, typer.Option("--debug", help="Show the whole traceback of an error.")
]

output = Console(width=None if sys.stdout.isatty() else 100, emoji=False)
"""Results, on standard output; in a file, wide enough for every table."""

messages = Console(stderr=True, emoji=False)
"""Progress, warnings and errors, on standard error."""


@contextmanager
def one_sentence_errors(*, debug: bool) -> Iterator[None]:
    """End with exit code 1 and one sentence, or with 130 when interrupted."""
    if not debug:
        # TensorFlow talks about itself otherwise; this process is ours alone.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        logging.getLogger("absl").setLevel(logging.ERROR)
        logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    try:
        yield
    except UNetNucleiError as error:
        if debug:
            raise
        messages.print(f"Error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    except MemoryError as error:
        if debug:
            raise
        sentence = f"Error: There is {say_lack(error)}, or close other programs."
        messages.print(sentence, style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        if debug:
            raise
        messages.print("Stopped.", style="yellow")
        raise typer.Exit(130) from None


@contextmanager
def quiet_native_libraries(*, debug: bool) -> Iterator[None]:
    """Keep what native libraries print while they are loaded off the screen.

    TensorFlow writes to file descriptor 2 before its log level is read.
    """
    if debug:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
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
