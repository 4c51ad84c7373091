from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers._source import layer_source
from npe2 import write
from PIL import Image

from napari_unet_nuclei.core.datasets.dsb2018 import open_dsb2018
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.plugin.files.opening import open_paths
from napari_unet_nuclei.plugin.files.reader import read
from napari_unet_nuclei.plugin.files.sample_writer import write_dsb2018
from napari_unet_nuclei.plugin.files.writer import write_tiff

if TYPE_CHECKING:
    from typing import Any

NAME = "napari-unet-nuclei"
IMAGE = np.random.default_rng(0).integers(0, 255, (3, 4, 3), np.uint8)
LABELS = np.array([[1, 1, 0, 2], [0, 0, 2, 2], [3, 0, 0, 0]])


def test_a_layer_name_becomes_a_folder_name(tmp_path: Path) -> None:
    (path,) = write_dsb2018(str(tmp_path), LABELS, {"name": "../C:\\a/b? [1] "})
    assert Path(path).parent == tmp_path
    assert Path(path).name == "_C_a_b_ [1]"


def test_corrected_labels_of_a_sample_are_saved_with_its_image(
    plugins: Any, tmp_path: Path, notifications: list[Any]
) -> None:
    write_dsb2018_sample(tmp_path / "data", "a", IMAGE, LABELS)
    viewer = ViewerModel()
    _, labels = open_paths(viewer, [tmp_path / "data/a"])
    labels.fill((0, 0), 0)
    (path,) = write(
        str(tmp_path / "new"), [labels], plugin_name=f"{NAME}.write_dsb2018"
    )
    (image, _, _), (corrected, _, _) = read(path)
    np.testing.assert_array_equal(image, IMAGE)
    assert corrected.max() == 2
    np.testing.assert_array_equal(corrected > 0, LABELS > 1)
    assert notifications == []


def test_labels_of_a_file_are_saved_with_its_image(
    tmp_path: Path, notifications: list[Any]
) -> None:
    Image.fromarray(IMAGE).save(tmp_path / "cells.png")
    metadata = {"sample_id": "cells", "image_path": str(tmp_path / "cells.png")}
    write_dsb2018(str(tmp_path / "new"), LABELS, {"metadata": metadata})
    sample = open_dsb2018(tmp_path / "new").read_sample("cells")
    np.testing.assert_array_equal(sample.image, IMAGE)
    np.testing.assert_array_equal(sample.labels, LABELS)
    assert notifications == []


def test_the_image_of_the_window_goes_before_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another image of that name may have been written since it was opened."""
    path = str(tmp_path / "cells.png")
    Image.fromarray(IMAGE).save(path)
    viewer = ViewerModel()
    monkeypatch.setattr("napari.current_viewer", lambda: viewer)
    with layer_source(path=path):
        viewer.add_image(IMAGE)
    Image.fromarray(255 - IMAGE).save(path)
    metadata = {"sample_id": "cells", "image_path": path}
    write_dsb2018(str(tmp_path / "new"), LABELS, {"metadata": metadata})
    sample = open_dsb2018(tmp_path / "new").read_sample("cells")
    np.testing.assert_array_equal(sample.image, IMAGE)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_labels_opened_again_are_not_paired_with_an_image_that_came_later(
    tmp_path: Path, notifications: list[Any], is_replaced: bool
) -> None:
    path = tmp_path / "cells.png"
    Image.fromarray(IMAGE).save(path)
    metadata = {"sample_id": "cells", "image_path": str(path)}
    (file,) = write_tiff(str(tmp_path / "a.tif"), LABELS, {"metadata": metadata})
    if is_replaced:
        Image.fromarray(255 - IMAGE).save(path)
        os.utime(path, ns=(1, 1))
    ((labels, kwargs, _),) = read(file)
    (sample,) = write_dsb2018(str(tmp_path / "new"), labels, kwargs)
    assert (Path(sample) / "images").exists() != is_replaced
    assert any("Saved masks only" in each for each in notifications) == is_replaced


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"data_set": "gone", "sample_id": "a"},
        {"data_set": "data"},
        {"image_path": "gone.png"},
        {"image_path": "other.png"},
        {"image_path": "stack.tif"},
    ],
)
def test_without_an_image_that_fits_masks_are_saved_alone(
    tmp_path: Path,
    metadata: dict[Any, Any],
    notifications: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_dsb2018_sample("data", "a", IMAGE, LABELS)
    Image.fromarray(IMAGE[:2]).save("other.png")
    tifffile.imwrite("stack.tif", np.zeros((3, 4, 9), "u2"), photometric="minisblack")
    (path,) = write_dsb2018("new", LABELS, {"name": "n", "metadata": metadata})
    assert [each.name for each in Path(path).iterdir()] == ["masks"]
    (sentence,) = notifications
    assert str(Path(path, "images", f"{Path(path).name}.png")) in sentence


def test_masks_from_elsewhere_are_left_alone(tmp_path: Path) -> None:
    masks = tmp_path / "a/masks"
    masks.mkdir(parents=True)
    (masks / "drawn.png").touch()
    with pytest.raises(OutputError, match="without masks from elsewhere"):
        write_dsb2018(str(tmp_path), LABELS, {"name": "a"})


def test_masks_that_this_session_wrote_may_be_saved_again(tmp_path: Path) -> None:
    meta = {"name": "a"}
    write_dsb2018(str(tmp_path), LABELS, meta)
    (path,) = write_dsb2018(str(tmp_path), LABELS == 1, meta)
    assert len(list(Path(path, "masks").iterdir())) == 1


def test_masks_of_another_session_are_left_alone(tmp_path: Path) -> None:
    write_dsb2018_sample(tmp_path, "a", IMAGE, LABELS)
    (tmp_path / "a/masks/a_0001.png").unlink()  # somebody has corrected it
    metadata = {"data_set": str(tmp_path), "sample_id": "a"}
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    with pytest.raises(OutputError, match=r"without masks from elsewhere.*a_0002\.png"):
        write_dsb2018(str(tmp_path), LABELS, {"name": "a", "metadata": metadata})
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.png")} == before


def test_masks_are_added_to_the_image_of_a_test_set_which_stays(tmp_path: Path) -> None:
    rgba = np.dstack([IMAGE, np.full(IMAGE.shape[:2], 7, np.uint8)])
    path = tmp_path / "a/images/a.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(rgba).save(path)
    before = path.read_bytes()
    metadata = {"data_set": str(tmp_path), "sample_id": "a"}
    write_dsb2018(str(tmp_path), LABELS, {"name": "a", "metadata": metadata})
    assert path.read_bytes() == before
    np.testing.assert_array_equal(
        open_dsb2018(tmp_path).read_sample("a").labels, LABELS
    )


def test_another_image_in_a_sample_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "new/a/images/a.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(IMAGE[::-1]).save(path)
    before = path.read_bytes()
    Image.fromarray(IMAGE).save(tmp_path / "a.png")
    metadata = {"sample_id": "a", "image_path": str(tmp_path / "a.png")}
    with pytest.raises(OutputError, match=r"without another image\. Received: "):
        write_dsb2018(str(tmp_path / "new"), LABELS, {"metadata": metadata})
    assert path.read_bytes() == before
    assert not (tmp_path / "new/a/masks").exists()
