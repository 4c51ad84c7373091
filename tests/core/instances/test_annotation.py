from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import LabelsError, SettingsError
from napari_unet_nuclei.core.instances.annotation import annotated_area
from napari_unet_nuclei.core.settings.choices import Annotated

LABELS = np.zeros((40, 60), np.int32)
LABELS[10:30, 10:30], LABELS[0, 59] = 5, -1


def test_the_whole_image_stays_as_it_is() -> None:
    whole = annotated_area(LABELS)
    np.testing.assert_array_equal(whole, LABELS)
    assert whole is not LABELS


def test_outside_of_an_area_nothing_is_annotated() -> None:
    area = np.zeros(LABELS.shape, bool)
    area[:, :20] = True
    labels = annotated_area(LABELS, Annotated.AREA, area)
    np.testing.assert_array_equal(labels, np.where(area, LABELS, -1))


def test_around_painted_nuclei_is_a_ring_of_background() -> None:
    """Of a quarter of the diameter of a disc with 400 px², 22.6 px."""
    labels = annotated_area(LABELS, Annotated.PAINTED)
    np.testing.assert_array_equal(labels == 5, LABELS == 5)
    assert labels[20].tolist() == [-1] * 4 + [0] * 6 + [5] * 20 + [0] * 6 + [-1] * 24


def test_what_was_ignored_stays_so() -> None:
    for how in (Annotated.WHOLE_IMAGE, Annotated.PAINTED):
        assert annotated_area(LABELS, how)[0, 59] == -1
    beside = LABELS.copy()
    beside[10:30, 31] = -1
    assert (annotated_area(beside, Annotated.PAINTED)[10:30, 31] == -1).all()


@pytest.mark.parametrize("area", [None, np.ones((3, 4), bool), LABELS > 5])
def test_an_area_has_to_fit(area: np.ndarray | None) -> None:
    with pytest.raises(LabelsError, match="as high and wide as the labels"):
        annotated_area(LABELS, Annotated.AREA, area)


def test_something_has_to_be_painted() -> None:
    with pytest.raises(LabelsError, match="At least one nucleus must be painted"):
        annotated_area(np.zeros((4, 4), int), Annotated.PAINTED)


def test_a_choice_has_to_be_one() -> None:
    with pytest.raises(SettingsError, match="must be one of whole-image, area, paint"):
        annotated_area(LABELS, "all")
