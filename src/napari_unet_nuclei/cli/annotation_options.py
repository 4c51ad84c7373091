"""Options of ``train`` that say what of the images is annotated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_unet_nuclei.core.errors import (
    DatasetError,
    SettingsError,
    UNetNucleiError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_unet_nuclei.core.datasets.annotated_areas import AnnotatedAreas
    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.training.mixture import TrainingSet

    Say = Callable[[str], None]
    Change = Callable[[Sample], Sample]


@dataclass(frozen=True, kw_only=True)
class AnnotationOptions:
    """What is annotated of the images: all of it, an area, or around what is painted.

    Whatever is chosen, label -1 in a file of labels is not annotated.
    """

    area: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Masks of what is annotated, not 0 where all nuclei are labelled: a "
            "file for all images, or a folder with one for each that is annotated in "
            "part, by name. Give it once for all, or once for each DATA.",
            show_default=False,
        ),
    ] = None
    ignore_unpainted: Annotated[
        bool,
        typer.Option(
            "--ignore-unpainted",
            help="Only labelled nuclei and a ring of background around each count; "
            "everything else is ignored.",
        ),
    ] = False

    def masks_for(self, data: Sequence[Path]) -> list[Path]:
        """Return the masks to read; what contradicts itself is refused before that.

        Parameters
        ----------
        data : sequence of Path
            The data sets.

        Returns
        -------
        list of Path
            None, one for all, or one for each.

        Raises
        ------
        SettingsError
            If an area is given although only what is painted counts, or there are
            several, but not one for each data set.
        """
        masks = self.area or []
        if masks and self.ignore_unpainted:
            raise SettingsError(
                "Say either which area is annotated, or that only painted nuclei "
                f"count. Received: --area {masks[0]} and --ignore-unpainted; "
                "leave out one."
            )
        if len(masks) > 1 and len(masks) != len(data):
            raise SettingsError(
                f"Expected one --area for all, or one for each of the {len(data)} data "
                f"sets, in their order. Received: {len(masks)}; give as many."
            )
        return masks

    def apply(self, sets: Sequence[TrainingSet], say: Say) -> list[TrainingSet]:
        """Return data sets whose labels are -1 where nothing is annotated.

        Parameters
        ----------
        sets : sequence of TrainingSet
            Data sets, as many as were checked.
        say : callable
            Is told what is left out, and which images count whole.

        Raises
        ------
        DatasetError, ImageError
            If masks cannot be read, or none is for any image.
        """
        if self.ignore_unpainted:
            return [_change_samples(each, _keep_painted, say) for each in sets]
        if not self.area:
            return list(sets)

        from napari_unet_nuclei.core.datasets.annotated_areas import AnnotatedAreas

        areas = [AnnotatedAreas(path) for path in self.area]
        groups = [list(sets)] if len(areas) == 1 else [[each] for each in sets]
        for path, area, group in zip(self.area, areas, groups, strict=True):
            _check_names(path, area, group, say)
        return [
            _change_samples(each, area.restrict, say)
            for area, group in zip(areas, groups, strict=True)
            for each in group
        ]


def _keep_painted(sample: Sample) -> Sample:
    from napari_unet_nuclei.core.instances.annotation import annotated_area
    from napari_unet_nuclei.core.settings.choices import Annotated as Annotation

    try:
        labels = annotated_area(sample.labels, Annotation.PAINTED)
    except UNetNucleiError as error:
        raise DatasetError(f"{sample.sample_id}: {error}") from error
    return replace(sample, labels=labels)


def _check_names(
    path: Path, areas: AnnotatedAreas, sets: Sequence[TrainingSet], say: Say
) -> None:
    """Say how many images have no area; refuse areas of none of them."""
    names = [
        sample.sample_id
        for each in sets
        for sample in (*each.samples, *(each.validation or ()))
    ]
    without = [name for name in names if areas.find(name) is None]
    if len(without) == len(names):
        raise DatasetError(
            f"Expected masks in {path} that are called like images, such as "
            f"{names[0]}.png. Received: none; rename them, or give a single file for "
            "all images."
        )
    if without:
        counts = "1 image counts" if len(without) == 1 else f"{len(without)} count"
        say(f"Without a mask in {path}, {counts} whole: {', '.join(without[:3])}")


def _change_samples(each: TrainingSet, change: Change, say: Say) -> TrainingSet:
    """Return a data set of changed samples, past those that cannot be."""

    def change_good(samples: Sequence[Sample]) -> list[Sample]:
        changed = []
        for sample in samples:
            try:
                changed.append(change(sample))
            except UNetNucleiError as error:
                say(f"Left out: {error}")
        return changed

    validation = None if each.validation is None else change_good(each.validation)
    return replace(each, samples=change_good(each.samples), validation=validation)
