from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.datasets.mask_names import (
    FOLDER_PAIRS,
    MASK_ENDINGS,
    folder_pair,
    image_stems,
    images_of_masks,
    without_masks,
)

if TYPE_CHECKING:
    from typing import Any


@pytest.mark.parametrize("ending", MASK_ENDINGS)
def test_a_mask_is_called_after_its_image(ending: str) -> None:
    assert image_stems(f"a{ending}")[0] == "a"
    assert images_of_masks(["a", f"a{ending}", "b"]) == {f"a{ending}": "a"}


def test_capitals_do_not_matter() -> None:
    assert images_of_masks(["A", "A_Masks"]) == {"A_Masks": "A"}


def test_cellpose_may_call_the_image_img() -> None:
    assert images_of_masks(["a_img", "a_masks"]) == {"a_masks": "a_img"}


@pytest.mark.parametrize("stems", [["a_masks"], ["b", "a_masks"], ["_masks"], ["mask"]])
def test_without_its_image_no_file_is_a_mask(stems: list[str]) -> None:
    assert images_of_masks(stems) == {}


def test_images_are_left_in_their_order() -> None:
    files = ["b.png", "b_mask.tif", "a.tif", "a_masks.tif", "a_masks_masks.tif"]
    assert without_masks(files) == ["b.png", "a.tif"]


@pytest.mark.parametrize("pair", FOLDER_PAIRS)
def test_pairs_of_folders_are_found_among_others(pair: tuple[str, ...]) -> None:
    assert folder_pair(["weights", *pair]) == pair


def test_labels_come_before_masks() -> None:
    assert folder_pair(["masks", "labels", "images"]) == ("images", "labels")


def test_folders_in_capitals_are_named_as_they_are() -> None:
    assert folder_pair(["Images", "Labels"]) == ("Images", "Labels")


@pytest.mark.parametrize("folders", [[], ["images"], ["masks"], ["images", "label"]])
def test_one_of_a_pair_is_none(folders: list[Any]) -> None:
    assert folder_pair(folders) is None


def test_of_two_kinds_of_masks_the_corrected_ones_count() -> None:
    folders = ["tissue images", "label masks", "label masks modify", "overlay"]
    assert folder_pair(folders) == ("tissue images", "label masks modify")
