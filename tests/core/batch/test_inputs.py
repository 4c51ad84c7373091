from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.batch.inputs import find_inputs
from napari_unet_nuclei.core.batch.own_results import OwnResultError
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.errors import DatasetError, ImageError
from napari_unet_nuclei.core.files.labels import write_labels_png

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


def write(path: Path, value: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(PIXELS + np.uint8(value)).save(path)
    return path


@pytest.fixture
def test_set(tmp_path: Path) -> Path:
    """Images without masks, as in Kaggle's test set."""
    folder = tmp_path / "stage1_test"
    for value, name in enumerate(("bb", "aa")):
        write(folder / name / "images" / f"{name}.png", value)
    return folder


def values(inputs: Any) -> Any:
    """Name and first pixel of each image."""
    return [(image.name, int(image.read().pixels[0, 0])) for image in inputs]


def test_files_and_folders_can_be_mixed(tmp_path: Path) -> None:
    write(tmp_path / "folder" / "b.png", 1)
    write(tmp_path / "folder" / "a.bmp", 2)
    (tmp_path / "folder" / "notes.txt").write_text("no image")
    paths = [write(tmp_path / "c.png", 3), tmp_path / "folder"]
    assert values(find_inputs(paths)) == [("c", 3), ("a", 2), ("b", 1)]


def test_images_of_other_formats_are_told_of(tmp_path: Path) -> None:
    write(tmp_path / "a.png", 1)
    for name in ("a.gif", "b.gif", "b.czi", ".c.gif", "d.txt"):
        (tmp_path / name).write_text("anything")
    good, *others = find_inputs([tmp_path])
    assert good.name == "a"
    # The preview of an image that can be read is passed over.
    assert [image.name for image in others] == [
        str(tmp_path / name) for name in ("b.czi", "b.gif")
    ]
    for image in others:
        with pytest.raises(ImageError, match=rf"Expected an image file.*{image.name}"):
            image.read()


def test_images_of_other_formats_may_share_their_names(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write(tmp_path / folder / f"{folder}.png")
        (tmp_path / folder / "movie.gif").write_text("anything")
    write(tmp_path / "a" / "x.czi.png")
    (tmp_path / "a" / "x.czi").write_text("its export is there")
    names = [image.name for image in find_inputs([tmp_path / "a", tmp_path / "b"])]
    movies = [str(tmp_path / folder / "movie.gif") for folder in "ab"]
    assert names == ["a", "x.czi", movies[0], "b", movies[1]]


def test_a_test_set_without_masks_is_a_folder_of_images(test_set: Any) -> None:
    assert values(find_inputs([test_set])) == [("aa", 1), ("bb", 0)]


@pytest.mark.parametrize("root", [".", "stage1_test"])
def test_so_is_its_zip_with_or_without_a_folder_on_top(
    test_set: Any, tmp_path: Path, root: Any
) -> None:
    base = test_set.parent if root == "stage1_test" else test_set
    archive = shutil.make_archive(str(tmp_path / "zipped"), "zip", base, root)
    path = test_set.parent / archive
    assert values(find_inputs([path])) == [("aa", 1), ("bb", 0)]


def test_one_sample_of_it_is_an_image(test_set: Any) -> None:
    assert values(find_inputs([test_set / "bb"])) == [("bb", 0)]


def test_of_an_annotated_data_set_only_images_are_taken(tmp_path: Path) -> None:
    write_dsb2018_sample(tmp_path / "set", "x", PIXELS, PIXELS > 5)
    assert values(find_inputs([tmp_path / "set"])) == [("x", 0)]


def test_of_a_folder_with_labels_only_images_are_taken(tmp_path: Path) -> None:
    write(tmp_path / "images" / "a.png", 4)
    write(tmp_path / "labels" / "a.png", 0)
    assert values(find_inputs([tmp_path])) == [("a", 4)]


def test_ids_choose_and_order(test_set: Any) -> None:
    write(test_set / "cc" / "images" / "cc.png", 2)
    assert values(find_inputs([test_set], ["cc", "aa"])) == [("cc", 2), ("aa", 1)]


def test_an_id_that_is_missing_is_named(test_set: Any) -> None:
    with pytest.raises(DatasetError, match=r"2 images of the list.*1 are.*'zz'"):
        find_inputs([test_set], ["aa", "zz"])


def test_nothing_is_read_before_its_turn(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("Dear colleague")
    (image,) = find_inputs([tmp_path])
    with pytest.raises(ImageError, match=r"bad\.png"):
        image.read()


def test_a_bad_sample_does_not_hide_the_others(test_set: Any) -> None:
    write(test_set / "aa" / "images" / "second.png")
    bad, good = find_inputs([test_set])
    assert int(good.read().pixels[0, 0]) == 0
    with pytest.raises(DatasetError, match=r"aa of .* exactly one image"):
        bad.read()


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    paths = [write(tmp_path / folder / "a.png") for folder in ("one", "two")]
    with pytest.raises(DatasetError, match="two called 'a'"):
        find_inputs(paths)


def test_what_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="empty, which holds none"):
        find_inputs([tmp_path / "empty"])
    with pytest.raises(DatasetError, match="nowhere, which does not exist"):
        find_inputs([tmp_path / "nowhere"])


def test_results_of_earlier_runs_are_passed_over_and_told_of(tmp_path: Path) -> None:
    write(tmp_path / "a.bmp", 1)
    write(tmp_path / "b.jpg")
    for name in ("a_masks.png", "a_overlay.png", "b.png"):
        write_labels_png(tmp_path / name, PIXELS.astype(int))
    told = []
    images = find_inputs([tmp_path], say=told.append)
    assert [image.name for image in images] == ["a", "b"]
    (sentence,) = told
    assert "3 results of earlier runs" in sentence
    assert str(tmp_path / "a_masks.png") in sentence
    (tmp_path / "b.png").unlink()
    (tmp_path / "a_overlay.png").unlink()
    find_inputs([tmp_path], say=told.append)
    assert "1 result of an earlier run: " in told[-1]


def test_a_result_without_its_image_is_not_read(tmp_path: Path) -> None:
    write_labels_png(tmp_path / "a.png", PIXELS.astype(int))
    (found,) = find_inputs([tmp_path])
    with pytest.raises(OwnResultError):
        found.read()
    (chosen,) = find_inputs([tmp_path / "a.png"])
    with pytest.raises(ImageError, match="Choose the image that it was made from"):
        chosen.read()


@pytest.mark.parametrize("root", [".", "folder"])
def test_a_zip_of_images_is_like_the_folder(tmp_path: Path, root: Any) -> None:
    write(tmp_path / "folder" / "b.png", 1)
    write(tmp_path / "folder" / "a.bmp", 2)
    (tmp_path / "folder" / "notes.txt").write_text("no image")
    base = tmp_path / "folder" if root == "." else tmp_path
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", base, root)
    assert values(find_inputs([tmp_path / archive])) == [("a", 2), ("b", 1)]


def test_masks_beside_images_are_no_images(tmp_path: Path) -> None:
    write(tmp_path / "set" / "a.png", 1)
    write(tmp_path / "set" / "a_masks.png", 2)
    write(tmp_path / "set" / "b_masks.png", 3)
    write(tmp_path / "set" / "sub" / "c.png", 4)
    assert values(find_inputs([tmp_path / "set"])) == [("a", 1), ("b_masks", 3)]
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "set")
    names = [image.name for image in find_inputs([tmp_path / archive])]
    assert names == ["a", "b_masks", "c"]  # of a zip, all folders


def test_of_a_zip_the_images_of_all_folders_are_taken(tmp_path: Path) -> None:
    write(tmp_path / "set" / "one" / "b.png", 1)
    write(tmp_path / "set" / "two" / "a.png", 2)
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "set")
    assert values(find_inputs([tmp_path / archive])) == [("b", 1), ("a", 2)]


def test_of_a_data_set_with_stacks_whole_stacks_are_taken(tmp_path: Path) -> None:
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
        stack = np.arange(60, dtype=np.uint16).reshape(2, 5, 6)
        tifffile.imwrite(tmp_path / folder / "a.tif", stack)
    (image,) = find_inputs([tmp_path])
    assert image.name == "a"
    assert image.read().pixels.shape == (2, 5, 6)


def test_a_zip_of_several_data_sets_is_refused(tmp_path: Path) -> None:
    for part in ("train", "test"):
        write(tmp_path / "set" / part / "images" / "a.png", 1)
        write(tmp_path / "set" / part / "images" / "b.png", 1)
        write(tmp_path / "set" / part / "labels" / "a.png", 2)
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "set")
    with pytest.raises(DatasetError, match=r"Expected a zip of images alone.*labels"):
        find_inputs([tmp_path / archive])


def test_a_zip_without_images_is_named(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "notes.txt").write_text("no image")
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "set")
    with pytest.raises(DatasetError, match=r"packed\.zip, which holds neither"):
        find_inputs([tmp_path / archive])


@pytest.mark.parametrize("place", [".", "results"])
def test_own_samples_beside_their_images_are_no_data_set(
    tmp_path: Path, place: Any
) -> None:
    for name in "ab":
        write(tmp_path / f"{name}.png", 1)
        write_dsb2018_sample(tmp_path / place, name, PIXELS, np.ones((3, 4), int))
    write(tmp_path / "c.png", 2)
    assert values(find_inputs([tmp_path])) == [("a", 1), ("b", 1), ("c", 2)]
    (tmp_path / "b.png").unlink()  # so that its sample is not made from an image here
    names = [image.name for image in find_inputs([tmp_path])]
    assert names == ["a", "b"]


def test_of_a_zip_results_are_passed_over_and_other_files_named(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    write(folder / "a.png", 1)
    write_labels_png(folder / "a_masks.png", PIXELS.astype(int))
    write_labels_png(folder / "b.png", PIXELS.astype(int))
    write(folder / "b.bmp", 2)
    (folder / "d.dat").write_bytes((folder / "a.png").read_bytes())
    (folder / "e.nd2").write_bytes(b"\xda\xce\xbe\x0a" + bytes(100))
    (folder / "notes.txt").write_text("no image")
    write_labels_png(folder / "z.png", PIXELS.astype(int))
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    said = []
    images = {
        image.name: image
        for image in find_inputs([tmp_path / archive], say=said.append)
    }
    assert list(images) == ["a", "b", "d", "z", f"{archive}/e.nd2"]
    assert [int(images[name].read().pixels[0, 0]) for name in "abd"] == [1, 2, 1]
    with pytest.raises(OwnResultError):
        images["z"].read()
    with pytest.raises(ImageError, match="an ND2"):
        images[f"{archive}/e.nd2"].read()
    (sentence,) = said
    assert "2 results of earlier runs" in sentence


def test_what_is_not_read_beside_an_image_of_its_name_is_said(tmp_path: Path) -> None:
    write(tmp_path / "a.png", 1)
    (tmp_path / "a.czi").write_bytes(b"ZISRAWFILE" + bytes(100))
    said: list[str] = []
    assert values(find_inputs([tmp_path], say=said.append)) == [("a", 1)]
    assert said == [
        "Skipped files in formats that cannot be read, beside images of the same name: "
        "a.czi."
    ]


def test_masks_of_several_images_in_a_file_are_results(tmp_path: Path) -> None:
    for name in ("m.png", "m_s0_masks.png", "m_s12_masks.png", "n_s0_masks.png"):
        write(tmp_path / name, 1)
    names = [image.name for image in find_inputs([tmp_path])]
    assert names == ["m", "n_s0_masks"]
