"""What ``evaluate`` says: scores per staining and over all, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from napari_unet_nuclei.core.evaluation.comparison import ImageCompared
    from napari_unet_nuclei.core.evaluation.mistakes import MistakeCounts
    from napari_unet_nuclei.core.evaluation.pixel_scores import PixelScores
    from napari_unet_nuclei.core.evaluation.scores import Scores


@dataclass(frozen=True)
class Group:
    """What is reported of the images of one staining, or of all."""

    scores: Scores
    pixels: PixelScores
    mistakes: MistakeCounts

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            **asdict(self.scores),
            "pixels": asdict(self.pixels),
            "mistakes": asdict(self.mistakes),
        }


def group_images(images: Sequence[ImageCompared]) -> dict[str, Group]:
    """Sum up each staining, by name, and at the end all images that are annotated."""
    from napari_unet_nuclei.core.evaluation.mistakes import count_mistakes
    from napari_unet_nuclei.core.evaluation.pixel_scores import average_pixels
    from napari_unet_nuclei.core.evaluation.scores import summarise

    annotated = [image for image in images if image.scores.is_annotated]
    known = [image for image in annotated if image.staining is not None]
    groups = {
        name: [image for image in known if image.staining == name]
        for name in sorted({str(image.staining) for image in known})
    }
    groups["all"] = annotated or list(images)  # of which there is nothing to score
    return {
        name: Group(
            summarise([image.scores for image in group]),
            average_pixels([image.pixels for image in group]),
            count_mistakes(image.mistakes for image in group),
        )
        for name, group in groups.items()
    }


def make_score_table(groups: dict[str, Group]) -> Table:
    """Lay out the scores of nuclei, a line for each group."""
    table = _make_table("images", "DSB2018", "AP50", "AP75", "AP90", "PQ", "Dice")
    for name, group in groups.items():
        scores = group.scores
        aps = (scores.ap[threshold] for threshold in (0.5, 0.75, 0.9))
        values = (scores.dsb2018, *aps, scores.pq, scores.dice)
        table.add_row(name, str(scores.n_images), *(f"{value:.3f}" for value in values))
    return table


def make_mistake_table(groups: dict[str, Group]) -> Table:
    """Lay out the counts of nuclei and mistakes, a line for each group."""
    table = _make_table("nuclei", "found", "merged", "split", "missed", "spurious")
    for name, group in groups.items():
        scores, mistakes = group.scores, group.mistakes
        counts = (
            *(scores.n_true, scores.n_predicted, mistakes.merges),
            *(mistakes.splits, mistakes.misses, mistakes.spurious),
        )
        table.add_row(name, *map(str, counts))
    return table


def _make_table(*columns: str) -> Table:
    table = Table("", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def scores_as_json(
    images: Sequence[ImageCompared], groups: dict[str, Group]
) -> dict[str, Any]:
    """Return the scores of all images, of each staining and of each image."""
    stainings = {name: group.as_json() for name, group in groups.items()}
    return {
        "all": stainings.pop("all"),
        "stainings": stainings,
        "images": [
            {
                "name": image.name,
                "staining": image.staining,
                "dsb2018": image.scores.dsb2018,
                **asdict(image.scores),
                "pixels": asdict(image.pixels),
                "mistakes": asdict(image.mistakes),
            }
            for image in images
        ],
    }
