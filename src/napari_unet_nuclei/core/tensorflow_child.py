"""A process of its own in which Keras runs on TensorFlow, whatever it runs on here."""

from __future__ import annotations

import os
import subprocess
import sys

from napari_unet_nuclei.core.errors import EngineError

_LONGEST = 600  # seconds


def run_on_tensorflow(*arguments: str) -> str:
    """Run Python there, and wait for its end.

    Parameters
    ----------
    *arguments : str
        What follows the name of the interpreter.

    Returns
    -------
    str
        What it printed.

    Raises
    ------
    EngineError
        If it failed: the last line that it said about that.
    subprocess.TimeoutExpired
        If it took ten minutes.
    """
    finished = subprocess.run(
        [sys.executable, *arguments],
        # The GPU may be full of what is trained here, and is not needed.
        env={
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "CUDA_VISIBLE_DEVICES": "-1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    if finished.returncode != 0:
        *_, reason = finished.stderr.strip().splitlines() or ["no reason given"]
        raise EngineError(reason)
    return finished.stdout
