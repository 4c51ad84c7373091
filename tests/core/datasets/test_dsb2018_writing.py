from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis.extra import numpy as hnp
from PIL import Image

from napari_unet_nuclei.core.datasets.dsb2018_writing import (
    write_dsb2018_masks,
    write_dsb2018_sample,
)
from napari_unet_nuclei.core.errors import (
    DatasetError,
    OutputError,
)
from napari_unet_nuclei.core.files.labels import (
    write_labels_png,
    write_labels_tiff,
)

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

SIDES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)
LABELS = np.array([[1, 1, 0, 2], [0, 0, 2, 2], [3, 0, 0, 0]])
WRITERS = pytest.mark.parametrize("write", [write_labels_tiff, write_labels_png])


def read_png(path: Any) -> Any:
    with Image.open(path) as image:
        return np.array(image)


def test_a_sample_has_an_image_and_one_mask_a_nucleus(tmp_path: Path) -> None:
    image = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    write_dsb2018_sample(tmp_path / "new", "a", image, LABELS)
    np.testing.assert_array_equal(read_png(tmp_path / "new/a/images/a.png"), image)
    masks = sorted((tmp_path / "new/a/masks").iterdir())
    assert [path.name for path in masks] == ["a_0001.png", "a_0002.png", "a_0003.png"]
    for number, path in enumerate(masks, start=1):
        np.testing.assert_array_equal(read_png(path), (number == LABELS) * 255)


def test_masks_can_be_written_without_an_image(tmp_path: Path) -> None:
    write_dsb2018_masks(tmp_path / "new", "a", LABELS)
    assert [path.name for path in (tmp_path / "new/a").iterdir()] == ["masks"]
    assert len(list((tmp_path / "new/a/masks").iterdir())) == 3


def test_numbers_that_do_not_occur_get_no_mask(tmp_path: Path) -> None:
    labels = np.where(LABELS == 2, 0, LABELS)
    write_dsb2018_sample(tmp_path, "a", LABELS.astype(np.uint8), labels)
    names = sorted(path.name for path in (tmp_path / "a/masks").iterdir())
    assert names == ["a_0001.png", "a_0003.png"]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.full((3, 4), 300, np.uint16), np.full((3, 4), 300)),
        (np.full((3, 4, 1), 7, np.uint8), np.full((3, 4), 7)),
        (np.full((3, 4, 4), 7, np.uint8), np.full((3, 4, 3), 7)),
        (np.repeat([[-1.0], [1.0]], 8, axis=1)[:, :4], [[0] * 4, [255] * 4]),
        (
            np.stack([np.eye(4, dtype=np.uint16) * 4095] * 3, axis=-1)[:3],
            np.stack([np.eye(4) * 255] * 3, axis=-1)[:3],
        ),
    ],
)
def test_images_of_any_type_are_stored(
    tmp_path: Path, image: Any, expected: Any
) -> None:
    labels = np.zeros(image.shape[:2], int)
    write_dsb2018_sample(tmp_path, "a", image, labels)
    np.testing.assert_array_equal(read_png(tmp_path / "a/images/a.png"), expected)


def test_masks_of_an_earlier_call_are_replaced(tmp_path: Path) -> None:
    image = LABELS.astype(np.uint8)
    write_dsb2018_sample(tmp_path, "a", image, LABELS)
    write_dsb2018_sample(tmp_path, "a", image, LABELS == 2)
    assert [path.name for path in (tmp_path / "a/masks").iterdir()] == ["a_0001.png"]


def test_masks_from_elsewhere_are_left_alone(tmp_path: Path) -> None:
    image = LABELS.astype(np.uint8)
    write_dsb2018_sample(tmp_path, "a", image, LABELS)
    (tmp_path / "a/masks/drawn.png").touch()
    with pytest.raises(OutputError, match=r"from elsewhere. Received: .*drawn\.png"):
        write_dsb2018_sample(tmp_path, "a", image, LABELS == 2)
    assert len(list((tmp_path / "a/masks").iterdir())) == 4


def test_a_sample_of_two_shapes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Sample a needs"):
        write_dsb2018_sample(tmp_path, "a", np.zeros((5, 5), np.uint8), LABELS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sample_id", ["../a", "a/b", "a\\b", "C:a", "..", ""])
def test_a_sample_id_must_be_a_file_name(tmp_path: Path, sample_id: Any) -> None:
    with pytest.raises(
        OutputError, match=r"sample id that can be a file name. Received"
    ):
        write_dsb2018_sample(tmp_path, sample_id, LABELS.astype(np.uint8), LABELS)


def test_a_sample_needs_a_folder_that_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"place to write to. Received: .*file"):
        write_dsb2018_sample(tmp_path / "file", "a", LABELS.astype(np.uint8), LABELS)


def test_a_masks_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/masks").touch()
    with pytest.raises(OutputError, match=r"Received: .*a/masks \(Not a directory\)"):
        write_dsb2018_masks(tmp_path, "a", LABELS)


def test_a_sample_id_that_is_too_long_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"Received: .*i{300}/masks \(File name"):
        write_dsb2018_masks(tmp_path, "i" * 300, LABELS)
