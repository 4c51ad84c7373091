"""What is about to be trained on, looked at before anything starts.

What can be wrong is in ``core.training.checks``; where it is shown, in the widget.
Layers and Qt do not belong here: this runs in a worker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import LabelsError, UNetNucleiError
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.plugin.finetune.annotated_image import iter_planes
from napari_unet_nuclei.plugin.finetune.findings import Finding, InputReport, find
from napari_unet_nuclei.plugin.shared.error_messages import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.annotation_counts import AnnotationCounts
    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.training.checks.problems import (
        InputProblem,
        TrainingPair,
    )
    from napari_unet_nuclei.plugin.finetune.annotated_image import (
        AnnotatedImage,
        AnnotatedPlane,
    )

    SeeNuclei = Callable[[AnnotatedImage, AnnotatedPlane], NDArray[np.int32] | None]

_MOST_SAMPLES = 6  # of a data set that are looked at; training itself reads all
_EMPTY = "No nucleus is labelled here."
_NOTHING = "No nucleus is labelled in any image; label some nuclei first."


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingInput:
    """All that is about to be trained on.

    Parameters
    ----------
    pairs : mapping of Hashable to AnnotatedImage
        By their keys.
    folders : mapping of Hashable to Path
        Data sets.
    start : Path, optional
        Model to start from.
    minutes : float
        Time to train.
    unusable : mapping of Hashable to str
        What pairs that cannot even be copied lack.
    """

    pairs: Mapping[Hashable, AnnotatedImage]
    folders: Mapping[Hashable, Path] = field(default_factory=dict)
    start: Path | None = None
    minutes: float = 5
    unusable: Mapping[Hashable, str] = field(default_factory=dict)


def iter_input_check(
    given: TrainingInput, see_nuclei: SeeNuclei | None = None
) -> Generator[None, None, InputReport]:
    """Look at everything that a training would take.

    Parameters
    ----------
    given : TrainingInput
        Pairs, data sets and start.
    see_nuclei : callable, optional
        Returns the nuclei that a model sees in a plane, (Y, X) int32, or ``None``.

    Yields
    ------
    None
        Between two planes, where a worker can be cancelled.

    Returns
    -------
    InputReport
        What was found.
    """
    return (yield from _InputCheck(given, see_nuclei).steps())


class _InputCheck:
    """Looks at everything that a training would take; see `iter_input_check`."""

    def __init__(self, given: TrainingInput, see_nuclei: SeeNuclei | None) -> None:
        self._given = given
        self._see_nuclei = see_nuclei
        self._pairs: list[TrainingPair] = []
        self._keys: list[Hashable] = []  # of the pairs, in their order
        self._counts: list[AnnotationCounts] = []
        self._findings: dict[Hashable, Finding] = {
            key: Finding(text=text, is_error=True, has_problem=True)
            for key, text in given.unusable.items()
        }

    def steps(self) -> Generator[None, None, InputReport]:
        """Look at one plane after the other."""
        for key, pair in self._given.pairs.items():
            try:
                yield from self._look_at_pair(key, pair)
            except UNetNucleiError as error:
                self._add_error(key, error)
        for key, folder in self._given.folders.items():
            try:
                yield from self._look_at_folder(key, folder)
            except UNetNucleiError as error:
                self._add_error(key, error)
        self._look_at_all()
        counts = self._counts
        return InputReport(
            findings=self._findings,
            counts=sum(counts[1:], counts[0]) if counts else None,
        )

    def _look_at_pair(
        self, key: Hashable, pair: AnnotatedImage
    ) -> Generator[None, None, None]:
        from napari_unet_nuclei.core.instances.annotation import annotated_area
        from napari_unet_nuclei.core.instances.annotation_counts import (
            count_annotation,
        )
        from napari_unet_nuclei.core.training.checks.problems import TrainingPair

        for plane in iter_planes(pair):
            yield
            labels = plane.labels
            try:
                labels = annotated_area(labels, pair.annotated, plane.area)
                seen = self._see_nuclei(pair, plane) if self._see_nuclei else None
                self._counts.append(count_annotation(labels, seen))
            except LabelsError:
                pass  # the checks below say more
            self._keys.append(key)
            self._pairs.append(
                TrainingPair(
                    name=str(len(self._pairs)), image=plane.pixels, labels=labels
                )
            )
        if key not in self._keys:
            self._findings[key] = Finding(text=_EMPTY, has_problem=True)

    def _look_at_folder(
        self, key: Hashable, folder: Path
    ) -> Generator[None, None, None]:
        from napari_unet_nuclei.core.datasets.opening import (
            open_samples,
            read_good_samples,
        )
        from napari_unet_nuclei.core.training.checks.problems import TrainingPair

        source = open_samples(folder)
        yield
        ids = source.sample_ids[:_MOST_SAMPLES]
        samples, bad = read_good_samples(source, ids)
        yield
        problems = self._check(
            [
                TrainingPair(name=each.sample_id, image=each.image, labels=each.labels)
                for each in samples
            ],
            holds_out=False,
        )
        found = find([each for each in problems if each.pair], may_stop=False)
        n = len(source.sample_ids)
        said = [f"{n:,} annotated {'image' if n == 1 else 'images'}."]
        said += [f"Left out: {each.reason}" for each in bad[:1]]
        said += [found.text] if found is not None else []
        has_problem = bool(bad) or found is not None
        self._findings[key] = Finding(text=" ".join(said), has_problem=has_problem)

    def _look_at_all(self) -> None:
        """Check all pairs together; data sets have a held-out part of their own."""
        if not self._pairs:
            if self._given.pairs and not (self._given.folders or self._stops):
                self._findings[None] = Finding(
                    text=_NOTHING, is_error=True, has_problem=True
                )
            return
        by_key: dict[Hashable, list[InputProblem]] = {}
        for problem in self._check(self._pairs, holds_out=True):
            key = None if problem.pair is None else self._keys[int(problem.pair)]
            by_key.setdefault(key, []).append(problem)
        for key, problems in by_key.items():
            if (found := find(problems)) is not None:
                self._findings[key] = found

    def _check(
        self, pairs: list[TrainingPair], *, holds_out: bool
    ) -> list[InputProblem]:
        from napari_unet_nuclei.core.training.checks.checking import (
            check_training_input,
        )

        settings = TrainingSettings(minutes=self._given.minutes)
        return check_training_input(
            pairs, settings, start=self._read_start(), holds_out=holds_out
        )

    def _read_start(self) -> ModelConfig | None:
        from napari_unet_nuclei.core.models.bundle import read_config

        if self._given.start is None:
            return None
        try:
            return read_config(self._given.start)
        except UNetNucleiError:
            return None  # training says what is wrong with the file

    def _add_error(self, key: Hashable, error: UNetNucleiError) -> None:
        self._findings[key] = Finding(
            text=describe_error(error), is_error=True, has_problem=True
        )

    @property
    def _stops(self) -> bool:
        return any(each.is_error for each in self._findings.values())
