"""Masks of what is annotated, for all images or for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.datasets.annotated_areas import AnnotatedAreas
from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import DatasetError, LabelsError

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (20, 30)
LABELS = np.zeros(SHAPE, np.int32)
LABELS[2:8, 2:8], LABELS[2:8, 20:26] = 1, 2
LEFT = np.zeros(SHAPE, np.uint8)
LEFT[:, :15] = 255


def sample(name: str, shape: tuple[int, int] = SHAPE) -> Sample:
    """A sample with the labels in it."""
    return Sample(name, np.zeros(shape, np.uint8), np.resize(LABELS, shape))


def left_of(labels: np.ndarray) -> list[bool]:
    """Say of two columns, at the left and at the right, whether they count."""
    return [bool((labels[:, column] >= 0).all()) for column in (0, 29)]


def test_one_file_is_for_all_images(tmp_path: Path) -> None:
    Image.fromarray(LEFT).save(tmp_path / "area.png")
    areas = AnnotatedAreas(tmp_path / "area.png")
    for name in ("a", "b[3]"):
        labels = areas.restrict(sample(name)).labels
        np.testing.assert_array_equal(labels, np.where(LEFT > 0, LABELS, -1))


def test_a_folder_has_one_for_each_image(tmp_path: Path) -> None:
    for name in ("a.png", "a_mask.png", "b_mask.png"):
        Image.fromarray(LEFT if name == "a.png" else 255 - LEFT).save(tmp_path / name)
    areas = AnnotatedAreas(tmp_path)
    assert left_of(areas.restrict(sample("a")).labels) == [True, False]
    assert left_of(areas.restrict(sample("b")).labels) == [False, True]
    whole = sample("c")
    assert areas.restrict(whole) is whole
    assert areas.find("c") is None


@pytest.mark.parametrize("n_planes", [1, 2])
def test_planes_of_a_stack_have_their_own_or_a_common_one(
    tmp_path: Path, n_planes: int
) -> None:
    planes = np.stack([LEFT, 255 - LEFT])[:n_planes]
    tifffile.imwrite(tmp_path / "s.tif", planes, photometric="minisblack")
    areas = AnnotatedAreas(tmp_path)
    found = [left_of(areas.restrict(sample(f"s[{i}]")).labels) for i in (0, 1)]
    assert found[0] == [True, False]
    assert found[1] == ([True, False] if n_planes == 1 else [False, True])


def test_a_plane_that_is_missing_gets_a_sentence(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "s.tif", np.stack([LEFT, LEFT]), photometric="minisblack"
    )
    with pytest.raises(LabelsError, match=r"has 2 planes. Received: the sample s\[2\]"):
        AnnotatedAreas(tmp_path).restrict(sample("s[2]"))


@pytest.mark.parametrize("name", ["small", "empty"])
def test_an_area_that_does_not_fit_names_its_file(tmp_path: Path, name: str) -> None:
    mask = LEFT[:7] if name == "small" else 0 * LEFT
    Image.fromarray(mask).save(tmp_path / f"{name}.png")
    with pytest.raises(LabelsError, match=rf"{name}.png: The annotated area must be"):
        AnnotatedAreas(tmp_path).restrict(sample(name))


def test_there_has_to_be_a_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="which does not exist"):
        AnnotatedAreas(tmp_path / "none")
    with pytest.raises(DatasetError, match="without image files"):
        AnnotatedAreas(tmp_path)
