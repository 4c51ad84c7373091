"""Labels whose -1 does not mean that nothing is annotated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.instances.annotation import annotated_area
from napari_unet_nuclei.core.training.checks.annotation import check_annotation
from napari_unet_nuclei.core.training.checks.problems import ProblemKind

if TYPE_CHECKING:
    from numpy.typing import NDArray


def draw(n: int = 9, gap: int = 8) -> NDArray[np.int32]:
    """Draw squares of 12 px, three to a row."""
    labels = np.zeros((80, 80), np.int32)
    for number in range(n):
        y, x = 8 + (12 + gap) * (number // 3), 8 + (12 + gap) * (number % 3)
        labels[y : y + 12, x : x + 12] = number + 1
    return labels


AREA = np.zeros((80, 80), bool)
AREA[:35, :33] = True


@pytest.mark.parametrize(
    "labels",
    [
        draw(),
        annotated_area(draw(), "painted"),
        annotated_area(draw(9, gap=1), "painted"),
        annotated_area(draw(), "area", AREA),
        np.where(draw() == 3, -1, draw()),
        np.full((80, 80), -1),
    ],
    ids=["whole", "rings", "dense rings", "area", "one ignored", "nothing"],
)
def test_ignored_places_are_no_problem(labels: Any) -> None:
    assert list(check_annotation("a", labels)) == []


@pytest.mark.parametrize("gap", [8, 2, 0])
@pytest.mark.parametrize("n", [2, 9])
def test_labels_that_were_shifted_by_one_are_seen(n: int, gap: int) -> None:
    """The background is -1, and the first nucleus is 0."""
    (problem,) = check_annotation("a", draw(n, gap) - 1)
    assert problem.kind is ProblemKind.NO_BACKGROUND
    assert not problem.is_warning
    assert "add 1 to them" in problem.advice


def test_nuclei_in_nothing_but_ignored_pixels_are_seen() -> None:
    (problem,) = check_annotation("a", np.where(draw() > 0, draw(), -1))
    assert problem.kind is ProblemKind.NO_BACKGROUND


def test_a_mask_of_minus_one_is_seen() -> None:
    mask = (255 * (draw() > 0)).astype(np.uint8).astype(np.int8)
    (problem,) = check_annotation("a", mask)
    assert problem.kind is ProblemKind.NOTHING_BUT_IGNORED
    assert str(problem) == (
        "a: No nucleus is labelled, and 1,296 pixels are -1, which means not "
        "annotated. If these are the nuclei of a mask, save it with the value 1."
    )
