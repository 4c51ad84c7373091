"""Time until something can be used: the package, the Segment widget, the first result.

Each row is the median of fresh processes, the first of which is left out, so that
files come from the cache of the operating system.  Processor time stands beside
the clock, since other programs may share the machine.

Usage: python benchmarks/startup.py [--runs 5]    (on a server: under xvfb-run)
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei

OPEN_PACKAGE = "import napari_unet_nuclei"
# Opens a viewer the way napari's own menus do, then the widget, until it is drawn.
OPEN_WIDGET = """
import json, os, time
os.environ["NAPARI_CONFIG"] = ""
import napari
viewer = napari.Viewer()
viewer.add_image(__import__("numpy").zeros((64, 64), "uint8"))
application = napari.qt.get_qapp()
for _ in range(5):
    application.processEvents()
wall, cpu = time.perf_counter(), time.process_time()
viewer.window.add_plugin_dock_widget("napari-unet-nuclei", "Segment nuclei")
application.processEvents()
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]), flush=True)
os._exit(0)  # closing a viewer is no part of this
"""


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of the processor, user and system together."""

    wall: float
    cpu: float


def run_python(*arguments: str) -> str:
    """Run Python and return what it prints."""
    finished = subprocess.run(
        [sys.executable, *arguments], check=False, capture_output=True, text=True
    )
    if finished.returncode:
        sys.exit(finished.stderr)
    return finished.stdout


def process_cost(*arguments: str) -> Cost:
    """Measure a Python process from its start to its end."""
    before = os.times()
    start = time.perf_counter()
    run_python(*arguments)
    wall = time.perf_counter() - start
    after = os.times()
    user = after.children_user - before.children_user
    return Cost(wall, user + after.children_system - before.children_system)


def widget_cost() -> Cost:
    """Measure the opening of the Segment widget in a running napari."""
    return Cost(*json.loads(run_python("-c", OPEN_WIDGET).splitlines()[-1]))


def package_cost() -> Cost:
    """Measure the import of the package over that of nothing."""
    bare, full = process_cost("-c", "pass"), process_cost("-c", OPEN_PACKAGE)
    return Cost(full.wall - bare.wall, full.cpu - bare.cpu)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    n_runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        # As after any install, modules are compiled once and not at each start.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        image = Path(folder) / "one_256x256.png"
        Image.fromarray(draw_nuclei(0, (256, 256), 20)[0]).save(image)
        command = ("-m", "napari_unet_nuclei", "segment", str(image), "-o", folder)
        command += ("--overwrite",)  # each run writes the same file
        rows = {
            "`import napari_unet_nuclei`, over bare Python": (package_cost, 0.05),
            "opening the Segment widget in napari": (widget_cost, 0.3),
            "`segment`, one 256² PNG, cold": (lambda: process_cost(*command), 2.0),
        }
        print("| what | wall, s | user + system, s | target, s |")
        print("| --- | --- | --- | --- |")
        for name, (measure, target) in rows.items():
            measure()
            costs = [measure() for _ in range(n_runs)]
            wall = statistics.median(cost.wall for cost in costs)
            cpu = statistics.median(cost.cpu for cost in costs)
            print(f"| {name} | {wall:.3f} | {cpu:.3f} | {target:g} |", flush=True)


if __name__ == "__main__":
    main()
