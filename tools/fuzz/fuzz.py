"""Damaged data sets, images, tables and models: what the readers make of them.

Usage: python tools/fuzz/fuzz.py [--cases 10000] [--seed 0] [--data stage1_train.zip]
       python tools/fuzz/fuzz.py --only 4711 --keep DIR

Each case follows from the seed and its number.  It is read as the command line would
read it, in a process with a limit of time and memory, and must either be accepted or
be answered by an error of this package that names the file, in one sentence.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from pathlib import Path

from answers import ACCEPTED, OWN, Outcome, read_case
from cases import KINDS, make_case
from workers import run_all

FAULTS = ("foreign exception", "crash", "hang", "unclear error", "warning")


def report(outcomes: list[Outcome], seconds: float) -> bool:
    """Print a table and what is wrong; true when nothing is."""
    columns = ("cases", ACCEPTED, OWN, *FAULTS, "slowest, s", "memory, MB")
    print("| kind | " + " | ".join(columns) + " |")
    print("| --- " * (len(columns) + 1) + "|")
    by_kind: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_kind[KINDS[outcome.number % len(KINDS)]].append(outcome)
        by_kind["all"].append(outcome)
    for kind in (*KINDS, "all"):
        group = by_kind[kind]
        if not group:
            continue
        counts = Counter(verdict(outcome) for outcome in group)
        numbers = [len(group), *(counts[each] for each in (ACCEPTED, OWN, *FAULTS))]
        slowest = max(outcome.seconds for outcome in group)
        most = max(outcome.megabytes for outcome in group)
        cells = " | ".join(f"{number:,}" for number in numbers)
        print(f"| {kind} | {cells} | {slowest:.1f} | {most:.0f} |")
    print(f"\n{len(outcomes):,} cases in {seconds / 60:.1f} min")
    faults = [outcome for outcome in outcomes if verdict(outcome) in FAULTS]
    for outcome in faults:
        kind = KINDS[outcome.number % len(KINDS)]
        last = outcome.evidence.strip().splitlines()[-1:]
        print(
            f"case {outcome.number} ({kind}): {verdict(outcome)}: {''.join(last)[:300]}"
        )
    return not faults


def verdict(outcome: Outcome) -> str:
    """Sum up the answers to a case: its worst fault, or whether all was accepted."""
    for fault in FAULTS:
        if fault in outcome.answers:
            return fault
    return OWN if OWN in outcome.answers else ACCEPTED


def main() -> int:
    """Run the cases, or a single one in this very process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, help="DSB2018 data set; drawn without")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="repeat one case")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="copy that case here")
    arguments = parser.parse_args()
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # as the command line does
    if arguments.only is not None:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            path = make_case(
                arguments.only, arguments.seed, arguments.data, Path(folder)
            )
            if arguments.keep is not None:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if path.is_dir() else shutil.copy
                copy(path, arguments.keep / path.name)
            for call in read_case(path):
                try:
                    call()
                except Exception:  # noqa: BLE001 - to be looked at
                    traceback.print_exc()
        return 0
    start = time.perf_counter()
    outcomes = []
    for outcome in run_all(arguments.cases, arguments.seed, arguments.data):
        outcomes.append(outcome)
        if sys.stderr.isatty():
            print(f"\r{len(outcomes):,}", end="", file=sys.stderr)
    return int(not report(outcomes, time.perf_counter() - start))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
