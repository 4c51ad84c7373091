from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from napari_unet_nuclei.core.datasets.dsb2018 import open_dsb2018
from napari_unet_nuclei.core.datasets.dsb2018_layout import is_dsb2018, is_sample_folder
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.errors import DatasetError, ImageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

IMAGE = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
LABELS = np.zeros((6, 8), np.int32)
LABELS[1:3, 1:4] = 1
LABELS[4:, 5:] = 2
LARGEST_SET = Path(__file__).parents[4] / "shared/data/stage1_train.zip"


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    """Folder of two samples: b has two nuclei, a has none."""
    path = tmp_path / "stage1_train"
    write_dsb2018_sample(path, "b", IMAGE, LABELS)
    write_dsb2018_sample(path, "a", IMAGE[:4], np.zeros((4, 8), int))
    return path


def save_mask(path: Any, mask: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(mask)).save(path)


def zip_folder(folder: Path, path: Any, prefix: Any = "") -> Any:
    with zipfile.ZipFile(path, "w") as file:
        for member in sorted(folder.rglob("*")):
            file.write(member, prefix + member.relative_to(folder).as_posix())
    return path


DEPTHS = {"zip": "", "zip one deep": "stage1_train/", "zip deeper": "./my/data/train/"}


@pytest.fixture(params=["folder", "parent", "text", *DEPTHS])
def data_set(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Any:
    match request.param:
        case "folder":
            path = folder
        case "parent":
            path = folder.parent
        case "text":
            path = f"{folder}/"
        case depth:
            path = zip_folder(folder, tmp_path / "data.zip", DEPTHS[depth])
    assert is_dsb2018(path)
    return open_dsb2018(path)


def test_samples_are_the_same_from_every_kind_of_place(data_set: str) -> None:
    assert data_set.sample_ids == ("a", "b")
    np.testing.assert_array_equal(data_set.read_image("b"), IMAGE)
    np.testing.assert_array_equal(data_set.read_labels("b"), LABELS)
    sample = data_set.read_sample("a")
    assert sample.sample_id == "a"
    np.testing.assert_array_equal(sample.image, IMAGE[:4])
    np.testing.assert_array_equal(sample.labels, np.zeros((4, 8)))
    assert sample.labels.dtype == np.int32


def test_the_data_set_has_the_name_of_its_folder_or_zip(
    folder: Path, tmp_path: Path
) -> None:
    assert open_dsb2018(folder).name == "stage1_train"
    assert open_dsb2018(zip_folder(folder, tmp_path / "my.zip")).name == "my"


def test_one_sample_opens_by_itself(folder: Path) -> None:
    assert is_sample_folder(folder / "b")
    assert not is_dsb2018(folder / "b")
    data_set = open_dsb2018(folder / "b")
    assert data_set.sample_ids == ("b",)
    np.testing.assert_array_equal(data_set.read_labels("b"), LABELS)


@settings(deadline=None)
@given(
    hnp.arrays(
        "i4",
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=7),
        elements=st.integers(0, 12),
        fill=st.just(0),
    )
)
def test_labels_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, labels: Any
) -> None:
    numbers = np.union1d(labels, 0)
    labels = np.searchsorted(numbers, labels)  # without gaps
    path = tmp_path_factory.mktemp("data")
    write_dsb2018_sample(path, "a", np.zeros(labels.shape, np.uint8), labels)
    np.testing.assert_array_equal(open_dsb2018(path).read_labels("a"), labels)


def test_more_than_ten_nuclei_keep_their_order(tmp_path: Path) -> None:
    labels = np.arange(36).reshape(6, 6)
    write_dsb2018_sample(tmp_path, "a", np.zeros((6, 6), np.uint8), labels)
    np.testing.assert_array_equal(open_dsb2018(tmp_path).read_labels("a"), labels)


def test_where_masks_overlap_the_first_keeps_the_pixel(folder: Path) -> None:
    save_mask(folder / "b/masks/c.png", np.full((6, 8), 255, np.uint8))
    labels = open_dsb2018(folder).read_labels("b")
    np.testing.assert_array_equal(labels, np.where(LABELS == 0, 3, LABELS))


def test_numbers_of_empty_and_hidden_masks_do_not_occur(folder: Path) -> None:
    save_mask(folder / "b/masks/a.png", np.zeros((6, 8), np.uint8))
    labels = open_dsb2018(folder).read_labels("b")
    np.testing.assert_array_equal(np.unique(labels), [0, 2, 3])


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "RGBA", "P", "I;16"])
def test_masks_may_have_any_pixel_mode(folder: Path, mode: str) -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[0, 7] = 255
    image = Image.fromarray(mask)
    if mode == "I;16":
        image = Image.fromarray(mask.astype(np.uint16) * 257)
    image.convert(mode).save(folder / "b/masks/z.png")
    expected = LABELS.copy()
    expected[0, 7] = 3
    np.testing.assert_array_equal(open_dsb2018(folder).read_labels("b"), expected)


def test_litter_is_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / ".DS_Store").touch()
    (folder / "b/images/.DS_Store").touch()
    (folder / "b/masks/._mask.png").touch()
    (folder / "b/masks/notes.txt").touch()
    (folder / "notes").mkdir()
    (folder / "__MACOSX/b/images").mkdir(parents=True)
    (folder / "__MACOSX/b/images/._b.png").touch()
    for path in (folder, zip_folder(folder, tmp_path / "data.zip")):
        data_set = open_dsb2018(path)
        assert data_set.sample_ids == ("a", "b")
        np.testing.assert_array_equal(data_set.read_labels("b"), LABELS)


def test_images_without_masks_can_be_read_but_have_no_labels(
    folder: Path, tmp_path: Path
) -> None:
    shutil.rmtree(folder / "b/masks")
    for path in (folder, zip_folder(folder, tmp_path / "stage1_test.zip")):
        data_set = open_dsb2018(path)
        np.testing.assert_array_equal(data_set.read_image("b"), IMAGE)
        assert data_set.has_masks("a")
        assert not data_set.has_masks("b")
        with pytest.raises(DatasetError, match=r"Sample b of .* has no masks"):
            data_set.read_labels("b")


def test_a_sample_needs_one_image(folder: Path) -> None:
    Image.new("L", (8, 6)).save(folder / "b/images/second.png")
    reason = r"b of .* exactly one image .* Received: 2 \(b\.png, second\.png\)\. Add"
    with pytest.raises(DatasetError, match=reason):
        open_dsb2018(folder).read_image("b")
    Image.new("L", (8, 6)).save(folder / "b/images/third.png")
    with pytest.raises(DatasetError, match=r"Received: 3 \(b\.png, second\.png, …\)"):
        open_dsb2018(folder).read_image("b")
    for path in (folder / "b/images").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match=r"b of .* exactly one .* Received: none\."):
        open_dsb2018(folder).read_sample("b")


def test_a_mask_of_another_shape_is_named(folder: Path) -> None:
    save_mask(folder / "b/masks/odd.png", np.zeros((3, 3), np.uint8))
    with pytest.raises(
        DatasetError, match=r"\(6, 8\). Received: .*odd\.png .*\(3, 3\)"
    ):
        open_dsb2018(folder).read_labels("b")


def test_a_stack_is_no_mask(folder: Path) -> None:
    stack = np.ones((6, 8, 5), np.uint8)
    tifffile.imwrite(folder / "b/masks/z.tif", stack, photometric="minisblack")
    with pytest.raises(DatasetError, match=r"Received: .*z\.tif of shape \(6, 8, 5\)"):
        open_dsb2018(folder).read_labels("b")


def test_a_stack_is_no_image(folder: Path) -> None:
    (folder / "b/images/b.png").unlink()
    stack = np.ones((5, 6, 8), np.uint8)
    tifffile.imwrite(folder / "b/images/b.tif", stack, photometric="minisblack")
    with pytest.raises(DatasetError, match=r"b needs an image .*image \(5, 6, 8\)"):
        open_dsb2018(folder).read_labels("b")


def test_what_is_not_a_number_is_no_nucleus(folder: Path) -> None:
    mask = np.where(LABELS == 0, np.nan, 0).astype(np.float32)
    mask[0, 7] = np.inf
    tifffile.imwrite(folder / "b/masks/z.tif", mask)
    expected = LABELS.copy()
    expected[0, 7] = 3
    np.testing.assert_array_equal(open_dsb2018(folder).read_labels("b"), expected)


def test_jpeg_masks_are_refused(folder: Path) -> None:
    save_mask(folder / "b/masks/z.JPG", np.zeros((6, 8), np.uint8))
    with pytest.raises(DatasetError, match=r"lossy compression. Received: .*z\.JPG"):
        open_dsb2018(folder).read_labels("b")


def test_an_empty_masks_folder_says_that_there_are_no_nuclei(
    folder: Path, tmp_path: Path
) -> None:
    for path in (folder / "b/masks").iterdir():
        path.unlink()
    (folder / "b/masks/.gitkeep").touch()
    for path in (folder, zip_folder(folder, tmp_path / "data.zip")):
        assert not open_dsb2018(path).read_labels("b").any()


def test_masks_of_other_formats_are_not_taken_for_no_nuclei(folder: Path) -> None:
    for path in (folder / "b/masks").iterdir():
        path.rename(path.with_suffix(".npy"))
    reason = r"b of .* needs its masks as image files. Received: 2 \(b_0001\.npy, "
    with pytest.raises(DatasetError, match=reason):
        open_dsb2018(folder).read_labels("b")


def test_a_damaged_mask_is_named(folder: Path) -> None:
    (folder / "b/masks/odd.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"b/masks/odd\.png, which holds text"):
        open_dsb2018(folder).read_labels("b")


def test_an_unknown_sample_is_named(folder: Path) -> None:
    data_set = open_dsb2018(folder)
    for read in (data_set.read_image, data_set.read_labels, data_set.read_sample):
        with pytest.raises(
            DatasetError, match=r"one of the 2 samples of .* Received: c"
        ):
            read("c")


def test_a_folder_without_samples_is_refused(tmp_path: Path) -> None:
    assert not is_dsb2018(tmp_path)
    with pytest.raises(DatasetError, match=r"one DSB2018 data set .* with no sample"):
        open_dsb2018(tmp_path)


def test_two_data_sets_side_by_side_are_refused(folder: Path) -> None:
    shutil.copytree(folder, folder.parent / "stage1_test")
    with pytest.raises(DatasetError, match=r"with stage1_test, stage1_train. Choose"):
        open_dsb2018(folder.parent)


def test_a_zip_that_would_write_elsewhere_is_recognised_and_refused(
    folder: Path, tmp_path: Path
) -> None:
    path = zip_folder(folder, tmp_path / "data.zip", "../stage1_train/")
    assert is_dsb2018(path)
    reason = r"stay inside of it. Received: .*data\.zip with \.\./stage1_train/a"
    with pytest.raises(DatasetError, match=reason):
        open_dsb2018(path)


@pytest.mark.parametrize("name", ["n" * 300, "n" * 300 + ".zip"])
def test_a_name_that_is_too_long_is_refused(name: Any) -> None:
    assert not is_dsb2018(name)
    assert not is_sample_folder(name)
    with pytest.raises(DatasetError, match=r"Received: .*nn.*, which does not exist"):
        open_dsb2018(name)


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    assert not is_dsb2018(tmp_path / "no")
    assert not is_sample_folder(tmp_path / "no")
    with pytest.raises(DatasetError, match=r"images\. Received: .*no, which"):
        open_dsb2018(tmp_path / "no")


def test_other_files_are_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    (tmp_path / "a.zip").write_bytes(b"no zip")
    assert not is_dsb2018(tmp_path / "a.txt")
    assert not is_dsb2018(tmp_path / "a.zip")


def test_a_folder_beside_images_that_cannot_be_listed_is_no_sample(
    tmp_path: Path, close_folder: Callable[..., Any]
) -> None:
    Image.new("L", (8, 6)).save(tmp_path / "a.png")
    (tmp_path / "lost+found").mkdir()
    close_folder(tmp_path / "lost+found")
    assert not is_dsb2018(tmp_path)


def test_a_folder_of_many_images_is_no_sample(tmp_path: Path) -> None:
    (tmp_path / "many/images").mkdir(parents=True)
    for name in ("a.png", "b.png"):
        (tmp_path / "many/images" / name).touch()
    assert not is_sample_folder(tmp_path / "many")
    assert not is_dsb2018(tmp_path)


@pytest.mark.skipif(not LARGEST_SET.exists(), reason="needs stage1_train.zip")
def test_kaggle_s_training_set() -> None:
    data_set = open_dsb2018(LARGEST_SET)
    assert len(data_set.sample_ids) == 615
    sample = data_set.read_sample(data_set.sample_ids[0])
    assert sample.image.shape == (*sample.labels.shape, 4)
    assert sample.labels.max() > 10
