"""How much memory 200 runs in one window leave behind.

Usage, on a server under ``xvfb-run -a -s "-screen 0 1600x1000x24"``:

    python benchmarks/many_runs.py [--runs 200] [--side 1024] [--model classic]

Segments the same drawn image again and again in the Segment widget; after each run the
threshold moves and a nucleus is painted over, so that splitting again, table and
corrections are part of it.  *Memory* is what only this process holds (USS), after the
garbage collection of Python; the growth is counted from the tenth run, when models,
libraries and the memory that is used again are in place.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time

import psutil
from window import Window, draw_image, paint, say_machine

WARM = 10  # runs


def megabytes() -> float:
    """Return the memory that only this process holds."""
    gc.collect()
    return psutil.Process().memory_full_info().uss / 2**20


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--model", default="classic")
    arguments = parser.parse_args()
    say_machine()
    window = Window(arguments.model, draw_image(arguments.side))
    widget = window.widget
    print("| runs | layers | memory, MB | since the tenth run, MB | seconds a run |")
    print("| --- | --- | --- | --- | --- |")
    warm, start = 0.0, time.perf_counter()
    for number in range(1, arguments.runs + 1):
        window.after(widget.panel.run_button.native.click, seconds=0.05)
        moved = 0.3 if widget.threshold.value > 0.4 else 0.6
        window.after(lambda moved=moved: setattr(widget.threshold, "value", moved))
        window.after(lambda: paint(window.labels), seconds=0.05)
        if number in (1, WARM) or number % 25 == 0:
            now = megabytes()
            warm = now if number <= WARM else warm
            seconds = (time.perf_counter() - start) / number
            n_layers = len(window.viewer.layers)
            cells = number, n_layers, f"{now:.0f}", f"{now - warm:+.0f}"
            print(f"| {' | '.join(map(str, cells))} | {seconds:.1f} |", flush=True)
    sys.stdout.flush()
    os._exit(0)  # closing a window is no part of this


if __name__ == "__main__":
    main()
