from __future__ import annotations

import io
import shutil
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.datasets.image_label_folder import ImageLabelFolder
from napari_unet_nuclei.core.datasets.image_label_layout import is_image_label_folder
from napari_unet_nuclei.core.datasets.mask_names import FOLDER_PAIRS
from napari_unet_nuclei.core.datasets.opening import open_samples, read_good_samples
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.labels import write_labels_tiff

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

LABELS = np.array([[1, 1, 0, 2], [0, 0, 2, 0], [3, 0, 0, 5]])


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for name in ("b.png", "a.png"):
        Image.new("L", (4, 3), 9).save(tmp_path / "images" / name)
    write_labels_tiff(tmp_path / "labels/a.tif", LABELS)
    write_labels_tiff(tmp_path / "labels/b.tif", np.zeros((3, 4), int))
    return tmp_path


def test_images_and_labels_are_matched_by_name(folder: Path) -> None:
    assert is_image_label_folder(folder)
    source = ImageLabelFolder(str(folder))
    assert source.name == folder.name
    assert source.sample_ids == ("a", "b")
    sample = source.read_sample("a")
    np.testing.assert_array_equal(sample.image, np.full((3, 4), 9))
    np.testing.assert_array_equal(sample.labels, LABELS)
    assert sample.labels.dtype == np.int32
    assert not source.read_labels("b").any()


def test_the_singular_names_will_do(folder: Path) -> None:
    (folder / "images").rename(folder / "image")
    (folder / "labels").rename(folder / "label")
    np.testing.assert_array_equal(ImageLabelFolder(folder).read_labels("a"), LABELS)


def test_masks_of_the_same_names_will_do(folder: Path) -> None:
    (folder / "labels").rename(folder / "masks")
    np.testing.assert_array_equal(ImageLabelFolder(folder).read_labels("a"), LABELS)


def test_the_folder_of_one_dsb2018_sample_is_none(folder: Path) -> None:
    (folder / "labels").rename(folder / "masks")
    (folder / "images/b.png").unlink()
    assert not is_image_label_folder(folder)


@pytest.mark.parametrize("value", [1, 255, 65535])
def test_a_mask_is_split_into_connected_parts(folder: Path, value: Any) -> None:
    mask = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [1, 0, 1, 1]], np.uint16) * value
    tifffile.imwrite(folder / "labels/a.tif", mask)
    expected = [[1, 1, 0, 0], [0, 0, 2, 0], [3, 0, 2, 2]]
    labels = ImageLabelFolder(folder).read_labels("a")
    assert labels.dtype == np.int32
    assert labels.tolist() == expected


def test_a_folder_without_the_pair_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "label").mkdir()
    assert not is_image_label_folder(tmp_path)
    with pytest.raises(DatasetError, match=r"sub-folders images and labels. Received"):
        ImageLabelFolder(tmp_path)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    with pytest.raises(DatasetError, match=r"Expected images in .* no image file"):
        ImageLabelFolder(tmp_path)


def test_a_label_file_without_image_is_named(folder: Path) -> None:
    write_labels_tiff(folder / "labels/c.tif", LABELS)
    source = ImageLabelFolder(folder)
    assert source.sample_ids == ("a", "b", "c")
    with pytest.raises(DatasetError, match=r"Sample c of .* one image .*: none"):
        source.read_sample("c")


def test_two_files_of_one_name_are_named(folder: Path) -> None:
    Image.new("L", (4, 3)).save(folder / "images/a.bmp")
    write_labels_tiff(folder / "labels/b.tiff", LABELS)
    source = ImageLabelFolder(folder)
    with pytest.raises(DatasetError, match=r"one image .* Received: a\.bmp, a\.png\."):
        source.read_image("a")
    reason = r"b of .* one label file .* Received: b\.tif, b\.tiff"
    with pytest.raises(DatasetError, match=reason):
        source.read_sample("b")


def test_an_unknown_sample_is_named(folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"one of the 2 samples of .* Received: c"):
        ImageLabelFolder(folder).read_sample("c")


def test_an_image_without_labels_is_named(folder: Path) -> None:
    (folder / "labels/a.tif").unlink()
    with pytest.raises(DatasetError, match=r"Sample a of .*one label file .*d: none\."):
        ImageLabelFolder(folder).read_sample("a")


def test_labels_of_another_size_are_refused(folder: Path) -> None:
    write_labels_tiff(folder / "labels/a.tif", LABELS.T)
    with pytest.raises(DatasetError, match=f"^{folder}: Sample a needs an image"):
        ImageLabelFolder(folder).read_sample("a")


WIDE = np.pad(LABELS, ((0, 0), (0, 3)))
STACK = np.stack([WIDE, 0 * WIDE, WIDE[::-1]])


def save(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, np.asarray(pixels, np.uint16), photometric="minisblack")


def zip_up(folder: Path, root: str = ".") -> str:
    """Pack a folder as it is, or with the folder on top."""
    base = folder if root == "." else folder.parent
    return shutil.make_archive(str(folder.parent / "packed"), "zip", base, root)


@pytest.mark.parametrize(("images", "labels"), FOLDER_PAIRS)
@pytest.mark.parametrize("packed", ["no", "flat", "in a folder"])
def test_pairs_of_folders_are_data_sets(
    tmp_path: Path, images: Any, labels: Any, packed: Any
) -> None:
    top = tmp_path / "set"
    for name in "ab":
        save(top / images / f"{name}.tif", LABELS + 7)
        save(top / labels / f"{name}.tif", LABELS)
    (top / "weights").mkdir()
    (top / "weights/notes.txt").write_text("anything")
    path = top if packed == "no" else zip_up(top, "." if packed == "flat" else "set")
    assert is_image_label_folder(path)
    source = open_samples(path)
    assert source.sample_ids == ("a", "b")
    np.testing.assert_array_equal(source.read_sample("a").labels, LABELS)
    np.testing.assert_array_equal(source.read_sample("b").image, LABELS + 7)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("image", "mask"), [("a", "a_masks"), ("a", "a-labels"), ("a_img", "a_masks")]
)
def test_masks_may_lie_beside_their_images(
    tmp_path: Path, packed: Any, image: Any, mask: Any
) -> None:
    save(tmp_path / f"set/{image}.tif", LABELS + 7)
    save(tmp_path / f"set/{mask}.tif", LABELS)
    path = zip_up(tmp_path / "set") if packed else tmp_path / "set"
    source = open_samples(path)
    assert source.sample_ids == (image,)
    np.testing.assert_array_equal(source.read_sample(image).labels, LABELS)
    np.testing.assert_array_equal(source.read_sample(image).image, LABELS + 7)


def test_an_image_without_a_mask_beside_it_is_named(tmp_path: Path) -> None:
    for name in ("a", "a_masks", "b"):
        save(tmp_path / f"{name}.tif", LABELS)
    with pytest.raises(DatasetError, match=r"Sample b .* one label file .*: none"):
        ImageLabelFolder(tmp_path).read_sample("b")


def test_a_folder_of_images_is_no_data_set(tmp_path: Path) -> None:
    for name in ("a", "b_masks"):
        save(tmp_path / f"{name}.tif", LABELS)
    assert not is_image_label_folder(tmp_path)
    assert not is_image_label_folder(zip_up(tmp_path))


@pytest.mark.parametrize("label", ["a_mask", "a_label", "a_cp_masks"])
def test_labels_in_their_folder_may_be_called_so(tmp_path: Path, label: Any) -> None:
    save(tmp_path / "images/a.tif", LABELS + 7)
    save(tmp_path / f"labels/{label}.tif", LABELS)
    assert ImageLabelFolder(tmp_path).sample_ids == ("a",)
    np.testing.assert_array_equal(ImageLabelFolder(tmp_path).read_labels("a"), LABELS)


def test_one_image_with_one_mask_of_its_name_is_no_dsb2018_sample(
    tmp_path: Path,
) -> None:
    save(tmp_path / "set/images/a.tif", LABELS + 7)
    save(tmp_path / "set/masks/a.tif", LABELS)
    for path in (tmp_path / "set", zip_up(tmp_path / "set")):
        np.testing.assert_array_equal(open_samples(path).read_labels("a"), LABELS)


def test_a_zip_of_one_dsb2018_sample_is_none(tmp_path: Path) -> None:
    save(tmp_path / "a/images/a.tif", LABELS + 7)
    save(tmp_path / "a/masks/1.tif", LABELS == 1)
    path = zip_up(tmp_path / "a", "a")
    assert not is_image_label_folder(path)
    np.testing.assert_array_equal(open_samples(path).read_labels("a"), LABELS == 1)


def test_planes_of_a_stack_are_samples(tmp_path: Path) -> None:
    save(tmp_path / "images/a.tif", STACK + 7)
    save(tmp_path / "labels/a.tif", STACK)
    save(tmp_path / "images/b.tif", LABELS)
    save(tmp_path / "labels/b.tif", LABELS[np.newaxis])
    source = ImageLabelFolder(tmp_path)
    assert source.sample_ids == ("a[0]", "a[1]", "a[2]", "b")
    assert source.image_names == ("a", "b")
    sample = source.read_sample("a[2]")
    np.testing.assert_array_equal(sample.labels, WIDE[::-1])
    np.testing.assert_array_equal(sample.image, WIDE[::-1] + 7)
    np.testing.assert_array_equal(source.read_stored_image("a").pixels, STACK + 7)


def test_planes_without_labels_are_not_trained_on(tmp_path: Path) -> None:
    save(tmp_path / "images/a.tif", STACK + 7)
    save(tmp_path / "labels/a.tif", STACK)
    source = ImageLabelFolder(tmp_path)
    samples, problems = read_good_samples(source, source.sample_ids)
    assert [sample.sample_id for sample in samples] == ["a[0]", "a[2]"]
    assert [problem.sample_id for problem in problems] == ["a[1]"]
    assert "a plane without labels" in problems[0].reason


def test_stacks_with_other_planes_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "images/a.tif", STACK[:2])
    save(tmp_path / "labels/a.tif", STACK)
    with pytest.raises(DatasetError, match=r"a\[0\] .* in its labels, 3\. Received: 2"):
        ImageLabelFolder(tmp_path).read_sample("a[0]")


def test_a_stack_of_images_with_one_plane_of_labels_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "images/a.tif", STACK)
    save(tmp_path / "labels/a.tif", WIDE)
    with pytest.raises(DatasetError, match=r"Sample a needs .* planes of a stack"):
        ImageLabelFolder(tmp_path).read_sample("a")


@pytest.mark.parametrize(
    ("labels", "advice"),
    [
        (LABELS.T, "swap their rows and columns"),
        (LABELS.repeat(2, 0).repeat(2, 1), "labels are 2 times as large"),
        (LABELS[:, :2], "Check that they belong together"),
    ],
)
def test_labels_of_another_size_are_told_how(
    tmp_path: Path, labels: NDArray[Any], advice: str
) -> None:
    save(tmp_path / "images/a.tif", LABELS)
    save(tmp_path / "labels/a.tif", labels)
    with pytest.raises(DatasetError, match=advice):
        ImageLabelFolder(tmp_path).read_sample("a")


def test_a_zip_may_hold_shadows_of_macos(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("images/a.png", "labels/a.png"):
            pixels = io.BytesIO()
            Image.fromarray(LABELS.astype(np.uint8)).save(pixels, "PNG")
            file.writestr(name, pixels.getvalue())
            file.writestr(f"__MACOSX/{name.replace('a.', '._a.')}", b"shadow")
    np.testing.assert_array_equal(open_samples(path).read_labels("a"), LABELS)


def test_a_zip_that_points_outside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("images/a.png", "labels/a.png", "../a.png"):
            file.writestr(name, b"anything")
    with pytest.raises(DatasetError, match=r"names stay inside"):
        open_samples(path)


@pytest.mark.parametrize(
    ("files", "advice"),
    [
        (
            ["train/images/a.tif", "train/images/b.tif", "train/labels/a.tif"],
            "it: train",
        ),
        (["images/a.tif", "label/a.tif"], "images and labels, not images, label"),
        (["a.tif", "a_seg.npy"], "masks of Cellpose as TIFF"),
    ],
)
def test_what_is_close_to_a_data_set_is_told_how(
    tmp_path: Path, files: list[str], advice: str
) -> None:
    for name in files:
        save(tmp_path / name, LABELS)
    with pytest.raises(DatasetError, match=advice):
        open_samples(tmp_path)
