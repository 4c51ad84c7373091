"""Images with the nuclei that a model finds in them, and the mistakes among these."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_unet_nuclei import load_model
from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate
from napari_unet_nuclei.core.evaluation.mistakes import find_mistakes
from napari_unet_nuclei.core.images.staining import Staining, staining
from napari_unet_nuclei.core.instances.doubts.reasons import Suspicion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.evaluation.contingency import Contingency
    from napari_unet_nuclei.core.instances.maps import Maps


class Case(NamedTuple):
    """One image, seen by one model.

    ``wrong`` has, for each mistake, its kind and the numbers of the found nuclei that
    show it: a merged or spurious one alone, all parts of a split one, or none of a
    true nucleus that was missed.
    """

    name: str
    kind: str  # dark, bright or stained
    image: NDArray[np.generic]
    truth: NDArray[np.int32]
    labels: NDArray[np.int32]
    maps: Maps
    wrong: list[tuple[Suspicion, tuple[int, ...]]]
    missed: tuple[int, ...]  # true nuclei

    def numbers(self, *kinds: Suspicion) -> list[int]:
        """Return the found nuclei that show mistakes of some kinds."""
        return [n for kind, each in self.wrong if kind in kinds for n in each]


def iter_cases(samples: Iterable[Sample], model_name: str) -> Iterator[Case]:
    """Segment images with default settings, and compare with their annotation."""
    model = load_model(model_name)
    for sample in samples:
        labels = model.segment(sample.image)
        table = cross_tabulate(sample.labels, labels)
        mistakes = find_mistakes(table)
        wrong = [(Suspicion.MERGED, (number,)) for number in mistakes.merges]
        wrong += [(Suspicion.SPURIOUS, (number,)) for number in mistakes.spurious]
        wrong += [(Suspicion.SPLIT, parts_of(table, each)) for each in mistakes.splits]
        yield Case(
            name=sample.sample_id,
            kind=kind_of(sample.image),
            image=sample.image,
            truth=sample.labels,
            labels=labels,
            maps=model.maps(sample.image),
            wrong=wrong,
            missed=mistakes.misses,
        )


def parts_of(table: Contingency, number: int) -> tuple[int, ...]:
    """Return the found nuclei that lie for more than half in a true one."""
    is_part = 2 * table.intersections > table.predicted_areas[table.columns]
    is_part &= table.true_labels[table.rows] == number
    return tuple(table.predicted_labels[table.columns[is_part]].tolist())


def kind_of(image: NDArray[np.generic]) -> str:
    """Return the staining of an image in one word."""
    match staining(image):
        case Staining.GRAYSCALE_DARK:
            return "dark"
        case Staining.GRAYSCALE_BRIGHT:
            return "bright"
        case _:
            return "stained"
