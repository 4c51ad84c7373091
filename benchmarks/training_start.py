"""What a fine-tuning in a process of its own takes to begin, and to be cancelled.

The process is the one that the Fine-tune widget starts, with `resnet`, drawn images and
short epochs.  It is cancelled as the widget does it, at each of its stages in turn.
Figures are medians, seconds by the clock and of the processor (user and system), since
other programs may share the machine.  With ``--against``, another version of the
package is measured in turns with this one.

Usage: python benchmarks/training_start.py [--runs 3] [--against CHECKOUT/src]
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
from collections import defaultdict
from pathlib import Path

import psutil

import napari_unet_nuclei
from napari_unet_nuclei.core.datasets.drawn.looks import Look
from napari_unet_nuclei.core.datasets.drawn.writing import iter_write_drawn
from napari_unet_nuclei.plugin.finetune.child_process import (
    SHORT_GRACE_SECONDS,
    iter_output,
)

GRACE_SECONDS = 30.0  # that a process with something to keep gets to complete it
STAGES = {
    "the process speaks": "while Keras is imported",
    "the start is scored": "while the first step is prepared",
    "two steps are taken": "while training, nothing better yet",
    "an epoch has ended": "in the second epoch",
    "a model is better": "while training, a better model kept",
}
"""What is waited for, and when a run is that is cancelled then."""

SPEAKS, SCORED, STEPS, ENDED, BETTER = STAGES


def name_stage(event: dict[str, object]) -> str | None:
    """Name the stage that an event of the process is the first sign of."""
    if event["event"] == "status":
        return SPEAKS
    if event["event"] != "step":
        return None
    if event["epoch"] == 0:
        return SCORED if event["scores"] else STEPS
    if event["scores"] is None:
        return None
    return BETTER if event["is_best"] else ENDED


def measure(folder: Path, cancelled_at: str) -> dict[str, list[float]]:
    """Follow a process until a stage, then cancel it: seconds of each, also of that."""
    arguments = [sys.executable, "-m", "napari_unet_nuclei", "train"]
    arguments += [str(folder / "drawn"), "-o", str(folder / "mine.unetnuclei")]
    arguments += ["--overwrite", "--from", "resnet", "--minutes", "60", "--only-better"]
    arguments += ["--steps-per-epoch", "6", "--events", "jsonl", "--stop-with-stdin"]
    seconds: dict[str, list[float]] = {}
    before = spent_by_children()
    began = time.monotonic()

    def grace_seconds() -> float:
        return GRACE_SECONDS if BETTER in seconds else SHORT_GRACE_SECONDS

    lines = iter_output(arguments, folder, grace_seconds)
    cpu = 0.0
    for line in lines:
        cpu = spent_by(psutil.Process().children()) or cpu
        stage = None if line is None else name_stage(json.loads(line))
        if stage is None:
            continue
        seconds.setdefault(stage, [time.monotonic() - began, cpu])
        if stage == BETTER:  # ends an epoch too
            seconds.setdefault(ENDED, seconds[BETTER])
        if cancelled_at in seconds:
            break
    asked = time.monotonic()
    lines.close()
    in_all = spent_by_children() - before
    seconds[STAGES[cancelled_at]] = [time.monotonic() - asked, in_all - cpu]
    return seconds


def spent_by(processes: list[psutil.Process]) -> float:
    """Return the seconds of the processor that processes have taken."""
    times = [process.cpu_times() for process in processes]
    return sum(each.user + each.system for each in times)


def spent_by_children() -> float:
    """Return the seconds of the processor that processes took that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def measure_version(package: Path, folder: Path, stage: str) -> dict[str, list[float]]:
    """Measure a version of the package, in a process of its own."""
    finished = subprocess.run(
        [sys.executable, __file__, "--one", stage, str(folder)],
        env={**os.environ, "PYTHONPATH": str(package), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        sys.exit(finished.stderr)
    return dict(json.loads(finished.stdout))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--against", type=Path, help="src of another checkout")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        stage, folder = arguments.one
        print(json.dumps(measure(Path(folder), stage)))
        return
    packages = [Path(napari_unet_nuclei.__file__).parents[1]]
    if arguments.against is not None:
        packages.insert(0, arguments.against.resolve())
    found: dict[tuple[str, Path], list[list[float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drawn = iter_write_drawn(folder / "drawn", 5, looks=[Look.RINGS], seed=1)
        for _ in drawn:
            pass
        for _ in range(arguments.runs):
            for stage in STAGES:
                for package in packages:
                    of_run = measure_version(package, folder, stage)
                    for what, seconds in of_run.items():
                        found[what, package].append(seconds)
    columns = " | ".join(["wall, s | processor, s"] * len(packages))
    print(f"| until … | {columns} |\n|{' --- |' * (1 + 2 * len(packages))}")
    for what in (*STAGES, *(f"cancelled {when}" for when in STAGES.values())):
        cells = []
        for package in packages:
            measured = found[what.removeprefix("cancelled "), package]
            cells += [
                f"{statistics.median(values):.1f}"
                for values in zip(*measured, strict=True)
            ] or ["–", "–"]
        print(f"| {what} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
