"""Stands in for the training process: says what it is told to say.

Arguments: the model to write, then lines to print; ``WAIT`` waits for the end of
standard input, ``STUBBORN`` ignores it and the request to terminate, ``SAVE``
writes the model, ``LOCK`` leaves a lock as a killed process does, ``EXIT n`` ends.
"""

import os
import signal
import sys
import time
from pathlib import Path


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


output, *lines = sys.argv[1:]
Path(output).with_suffix(".pid").write_text(str(os.getpid()))
for line in lines:
    if line == "WAIT":
        sys.stdin.buffer.read()
        sys.exit(130)
    elif line == "STUBBORN":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say('{"event": "status", "message": "stubborn"}')
        time.sleep(600)
    elif line == "SAVE":
        for suffix in (".unetnuclei", ".csv", ".state.npz"):
            Path(output).with_suffix(suffix).write_bytes(b"")
    elif line == "LOCK":
        Path(output).with_name(f".napari-unet-nuclei-lock-{Path(output).stem}").touch()
    elif line.startswith("EXIT"):
        sys.stderr.write("first\n\nsecond\nthird\nlast words\n")
        sys.exit(int(line.split()[1]))
    else:
        say(line)
