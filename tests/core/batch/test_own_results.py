from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.batch import own_results
from napari_unet_nuclei.core.batch.own_results import (
    OwnResultError,
    read_image_of_others,
    read_unless_own,
    set_results_aside,
)
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

LABELS = np.arange(12, dtype=np.int32).reshape(3, 4)


def names(files: Any) -> Any:
    return [file.name for file in files]


def test_results_are_known_by_the_name_of_an_image_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_it(path: Any) -> None:
        pytest.fail(f"{path} need not be opened")

    monkeypatch.setattr(own_results, "is_own_file", open_it)
    files = [
        tmp_path / name
        for name in (
            *("x.czi", "x_masks.tif", "x_masks.PNG", "x_overlay.png", "x_nuclei.csv"),
            *("x_rois.zip", "x_nuclei.geojson"),
            *("y_masks.tif", "z_overlay.tif", "z.tif", "z_nuclei.png", "masks.tif"),
        )
    ]
    images, results = set_results_aside(files)
    assert names(results) == [
        *("x_masks.tif", "x_masks.PNG", "x_overlay.png", "x_nuclei.csv"),
        *("x_rois.zip", "x_nuclei.geojson"),
    ]
    # Of an image of which there is none, they are images themselves.
    assert names(images) == [
        *("x.czi", "y_masks.tif", "z_overlay.tif", "z.tif", "z_nuclei.png"),
        "masks.tif",
    ]


def test_of_two_files_of_a_name_ours_is_the_result(tmp_path: Path) -> None:
    Image.fromarray(LABELS.astype(np.uint8)).save(tmp_path / "y.jpg")
    write_labels_tiff(tmp_path / "y.tif", LABELS)
    write_labels_png(tmp_path / "y.png", LABELS)
    for name in ("a.png", "a.bmp"):
        Image.fromarray(LABELS.astype(np.uint8)).save(tmp_path / name)
    images, results = set_results_aside(sorted(tmp_path.iterdir()))
    assert names(images) == ["a.bmp", "a.png", "y.jpg"]
    assert names(results) == ["y.png", "y.tif"]


def test_what_is_ours_is_not_read_as_an_image(tmp_path: Path) -> None:
    write_labels_tiff(tmp_path / "a.tif", LABELS)
    with pytest.raises(OwnResultError, match=r"a\.tif is a result that this program"):
        read_unless_own(tmp_path / "a.tif")
    with pytest.raises(
        ImageError, match=r"Expected an image of nuclei.*a\.tif"
    ) as info:
        read_image_of_others(tmp_path / "a.tif")
    assert not isinstance(info.value, OwnResultError)
    Image.fromarray(LABELS.astype(np.uint8)).save(tmp_path / "b.png")
    for read in (read_unless_own, read_image_of_others):
        np.testing.assert_array_equal(read(tmp_path / "b.png").pixels, LABELS)
