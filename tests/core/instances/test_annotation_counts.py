"""What of images is annotated, and the sentence that says so."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.annotation import annotated_area
from napari_unet_nuclei.core.instances.annotation_counts import (
    AnnotationCounts,
    count_annotation,
)

LABELS = np.zeros((100, 100), np.int32)
LABELS[10:20, 10:20], LABELS[30:40, 10:20] = 3, 900


def test_counts_are_of_what_is_painted() -> None:
    labels = LABELS.copy()
    labels[:, 50:] = -1
    counts = count_annotation(labels)
    assert (counts.n_nuclei, counts.n_annotated, counts.n_pixels) == (2, 5000, 10_000)
    assert counts.part == 0.5
    assert counts.describe() == "2 nuclei painted in 1 image; 50% of the pixels count."


@pytest.mark.parametrize(
    ("n_annotated", "sentence"),
    [
        (1000, "all pixels count."),
        (999, "99% of the pixels count."),
        (4, "less than 1% of the pixels count."),
        (0, "no pixel counts."),
    ],
)
def test_not_quite_all_is_never_called_all(n_annotated: int, sentence: str) -> None:
    counts = AnnotationCounts(
        n_images=2, n_nuclei=1200, n_annotated=n_annotated, n_pixels=1000
    )
    assert counts.describe() == f"1,200 nuclei painted in 2 images; {sentence}"


def test_what_a_model_sees_besides_is_ignored_or_counts_as_background() -> None:
    """One on a painted nucleus, one on half of it, two far away, one beside."""
    seen = np.zeros_like(LABELS)
    seen[11:21, 10:20] = 1  # nine tenths of it are painted
    seen[30:40, 17:20], seen[60:70, 60:70] = 2, 7
    seen[80:90, 60:70] = 8
    seen[10:20, 21:23] = 9  # in the ring around a nucleus
    counts = count_annotation(annotated_area(LABELS, "painted"), seen)
    assert (counts.n_ignored, counts.n_unpainted) == (2, 1)
    whole = count_annotation(LABELS, seen)
    assert (whole.n_ignored, whole.n_unpainted) == (0, 3)
    assert whole.describe() == (
        "2 nuclei painted in 1 image; the model sees 3 more on what counts as "
        "background; all pixels count."
    )


def test_counts_of_images_add_up() -> None:
    seen = np.roll(LABELS, 50, axis=1)
    one = count_annotation(annotated_area(LABELS, "painted"), seen)
    both = one + count_annotation(LABELS)
    assert (both.n_images, both.n_nuclei, both.n_ignored) == (2, 4, 2)
    assert both.part == pytest.approx((one.part + 1) / 2)
    assert "4 nuclei painted in 2 images; the model sees 2 more where" in (
        both.describe()
    )


def test_a_prediction_has_to_be_of_the_same_image() -> None:
    with pytest.raises(LabelsError, match="for the image that was painted on"):
        count_annotation(LABELS, LABELS[1:])
