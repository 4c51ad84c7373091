"""How many mistakes are among the first nuclei that Next doubtful proposes.

Usage: python benchmarks/doubt_queue.py stage1_train.zip dsb2018_split.json:val
           [--models resnet classic] [--labs FOLDER:val] [--part 0.2]

Each image is segmented with default settings, and the first part of its own queue is
compared with its annotation.  A mistake is a nucleus that is merged, spurious, or
split, as in core/evaluation/mistakes.py; a split one counts as found if at least one
of its parts is proposed.  Beside that stand the most that any order could find in so
many nuclei, nuclei in a random order, those with the lowest mean probability, shapes
alone (labels without maps), and one queue for all images.  The last columns are about
nuclei that were missed: how many there are, and how many of the spots that are
proposed, where the doubt is at least that of the last nucleus, are right.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from doubt_cases import Case, iter_cases

from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.splits import read_split
from napari_unet_nuclei.core.instances.doubts.finding import (
    DoubtfulNuclei,
    find_doubtful_nuclei,
)
from napari_unet_nuclei.core.instances.doubts.reasons import Suspicion
from napari_unet_nuclei.core.instances.measurements import measure_nuclei

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample

_KINDS = (Suspicion.MERGED, Suspicion.SPLIT, Suspicion.SPURIOUS)
_COLUMNS = (
    *("images", "nuclei", "mistakes", "found", "merged", "split", "spurious"),
    *("possible", "random", "lowest probability", "shapes alone", "one queue"),
    *("missed", "spots right"),
)


class Queue(NamedTuple):
    """An image, and its nuclei in several orders."""

    case: Case
    doubts: DoubtfulNuclei
    shapes: NDArray[np.int32]
    probability: NDArray[np.int32]

    def first(self, order: NDArray[np.int32], part: float) -> set[int]:
        """Return the nuclei that are proposed."""
        return set(order[: math.ceil(part * order.size)].tolist())


def make_queue(case: Case) -> Queue:
    """Order the nuclei of an image."""
    measured = measure_nuclei(case.labels, case.image, case.maps.foreground)
    by_probability = np.argsort(measured["probability"], kind="stable")
    return Queue(
        case=case,
        doubts=find_doubtful_nuclei(case.labels, case.maps),
        shapes=find_doubtful_nuclei(case.labels).ranked(),
        probability=measured["label"][by_probability],
    )


def count_found(case: Case, proposed: set[int], *kinds: Suspicion) -> int:
    """Count the mistakes of some kinds that show in the nuclei proposed."""
    return sum(
        kind in kinds and not proposed.isdisjoint(numbers)
        for kind, numbers in case.wrong
    )


def count_random(case: Case, part: float) -> float:
    """Return how many mistakes the first nuclei of a random order show on average."""
    rng, counts = np.random.default_rng(0), []
    numbers = np.unique(case.labels[case.labels > 0])
    for _ in range(100):
        proposed = rng.permutation(numbers)[: math.ceil(part * numbers.size)]
        counts.append(count_found(case, set(proposed.tolist()), *_KINDS))
    return float(np.mean(counts))


def count_in_one_queue(queues: Sequence[Queue], part: float) -> int:
    """Count the mistakes found where the nuclei of all images stand in one queue."""
    doubts = np.concatenate([queue.doubts.doubt for queue in queues])
    least = np.sort(doubts)[-math.ceil(part * doubts.size)]
    return sum(
        count_found(
            queue.case,
            set(queue.doubts.label[queue.doubts.doubt >= least].tolist()),
            *_KINDS,
        )
        for queue in queues
    )


def count_spots(queue: Queue, part: float) -> tuple[int, int]:
    """Count the spots proposed in between, and those on a nucleus that was missed."""
    doubts = np.sort(queue.doubts.doubt)
    least = doubts[-math.ceil(part * doubts.size)] if doubts.size else 0
    places = [spot.place for spot in queue.doubts.spots if spot.doubt >= least]
    right = sum(int(queue.case.truth[place]) in queue.case.missed for place in places)
    return right, len(places)


def row(queues: Sequence[Queue], part: float) -> list[str]:
    """Fill the columns of the table for some images."""
    cases = [queue.case for queue in queues]
    n_mistakes = sum(len(case.wrong) for case in cases)

    def found(order: str, *kinds: Suspicion) -> int:
        total = 0
        for queue in queues:
            doubts = queue.doubts.ranked()
            numbers = doubts if order == "doubt" else getattr(queue, order)
            total += count_found(queue.case, queue.first(numbers, part), *kinds)
        return total

    def share(count: float) -> str:
        return f"{count / max(n_mistakes, 1):.0%}"

    n_nuclei = [queue.doubts.label.size for queue in queues]
    possible = sum(
        min(len(case.wrong), math.ceil(part * n))
        for case, n in zip(cases, n_nuclei, strict=True)
    )
    by_kind = [
        f"{found('doubt', kind)} of "
        f"{sum(each == kind for case in cases for each, _ in case.wrong)}"
        for kind in _KINDS
    ]
    right, n_spots = np.sum([count_spots(queue, part) for queue in queues], axis=0)
    return [
        str(len(cases)),
        f"{sum(n_nuclei):,}",
        str(n_mistakes),
        share(found("doubt", *_KINDS)),
        *by_kind,
        share(possible),
        share(sum(count_random(case, part) for case in cases)),
        share(found("probability", *_KINDS)),
        share(found("shapes", *_KINDS)),
        share(count_in_one_queue(queues, part)),
        str(sum(len(case.missed) for case in cases)),
        f"{right} of {n_spots}",
    ]


def iter_groups(
    arguments: argparse.Namespace, model: str
) -> Iterator[tuple[str, list[Queue]]]:
    """Make the queues of the images, by staining and by laboratory."""
    source = open_samples(arguments.data)
    ids = read_split(arguments.split)
    queues = make_queues((source.read_sample(each) for each in ids), model)
    yield "all", queues
    for kind in ("dark", "bright", "stained"):
        yield kind, [queue for queue in queues if queue.case.kind == kind]
    if arguments.labs:
        folder, _, part = arguments.labs.rpartition(":")
        split = json.loads((Path(folder) / "split.json").read_text(encoding="utf-8"))
        for name, parts in split.items():
            lab = open_samples(Path(folder) / name)
            samples = (lab.read_sample(each) for each in parts[part])
            yield name, make_queues(samples, model)


def make_queues(samples: Iterator[Sample], model: str) -> list[Queue]:
    """Make the queue of each image in which there are nuclei."""
    cases = iter_cases(samples, model)
    return [make_queue(case) for case in cases if case.labels.any()]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("split", help="FILE:PART")
    parser.add_argument("--models", nargs="+", default=["resnet", "classic"])
    parser.add_argument("--labs", help="FOLDER:PART, with split.json in the folder")
    parser.add_argument("--part", type=float, default=0.2)
    arguments = parser.parse_args()
    print(f"| model | {' | '.join(('', *_COLUMNS))} |")
    print("| --- " * (len(_COLUMNS) + 2) + "|")
    for model in arguments.models:
        for group, queues in iter_groups(arguments, model):
            if queues:
                cells = " | ".join(row(queues, arguments.part))
                print(f"| `{model}` | {group} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
