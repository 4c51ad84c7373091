from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.dsb2018 import Dsb2018
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.datasets.image_label_folder import ImageLabelFolder
from napari_unet_nuclei.core.datasets.opening import (
    PathContents,
    PathKind,
    open_samples,
    read_good_samples,
)
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.labels import write_labels_png

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

LABELS = np.array([[1, 1, 0, 2], [0, 0, 2, 2], [3, 0, 0, 0]])
IMAGE = np.arange(12, dtype=np.uint8).reshape(3, 4)


def test_opens_dsb2018_folders_and_single_samples(tmp_path: Path) -> None:
    write_dsb2018_sample(tmp_path, "a", IMAGE, LABELS)
    for path in (tmp_path, tmp_path / "a"):
        source = open_samples(path)
        assert isinstance(source, Dsb2018)
        np.testing.assert_array_equal(source.read_sample("a").labels, LABELS)


def test_a_single_pixel_is_an_image(tmp_path: Path) -> None:
    write_dsb2018_sample(tmp_path, "a", np.full((1, 1), 7, np.uint8), [[1]])
    sample = open_samples(tmp_path).read_sample("a")
    assert (sample.image.tolist(), sample.labels.tolist()) == ([[7]], [[1]])


def test_opens_folders_of_images_and_labels(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    Image.fromarray(IMAGE).save(tmp_path / "images/a.png")
    write_labels_png(tmp_path / "labels/a.png", LABELS)
    source = open_samples(str(tmp_path))
    assert isinstance(source, ImageLabelFolder)
    np.testing.assert_array_equal(source.read_sample("a").labels, LABELS)


def test_other_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    reason = r"Expected a DSB2018 folder .* or a folder .* Received: .*photos\. Choose"
    with pytest.raises(DatasetError, match=reason):
        open_samples(tmp_path / "photos")


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no, which does not exist"):
        open_samples(tmp_path / "no")


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"nnn, which does not exist"):
        open_samples("n" * 300)


@pytest.fixture
def half_bad(tmp_path: Path) -> Dsb2018:
    """Data set of four samples: a and d are good, b lacks its masks, c is damaged."""
    for sample_id in "abcd":
        write_dsb2018_sample(tmp_path, sample_id, IMAGE, LABELS)
    (tmp_path / "b/masks").rename(tmp_path / "b/drawn")
    (tmp_path / "c/images/c.png").write_text("no picture")
    return open_samples(tmp_path)


def test_good_samples_are_read_and_bad_ones_explained(half_bad: Dsb2018) -> None:
    samples, problems = read_good_samples(half_bad, ["d", "c", "x", "b", "a"])
    assert [sample.sample_id for sample in samples] == ["d", "a"]
    np.testing.assert_array_equal(samples[0].labels, LABELS)
    assert [problem.sample_id for problem in problems] == ["c", "x", "b"]
    reasons = [problem.reason for problem in problems]
    assert "c/images/c.png, which holds text" in reasons[0]
    assert "Received: x. Check that the ids belong" in reasons[1]
    assert "Sample b of" in reasons[2]
    assert "has no masks" in reasons[2]


@pytest.mark.parametrize(
    ("ids", "evidence"),
    [("bc", "none of 2, the first because: Sample b of .* has no masks"), ("", "none")],
)
def test_a_data_set_without_a_good_sample_is_refused(
    half_bad: Dsb2018, ids: str, evidence: str
) -> None:
    with pytest.raises(DatasetError, match=f"at least one good sample in .*{evidence}"):
        read_good_samples(half_bad, ids)


def lay_out(folder: Path, *names: str) -> Path:
    """Make a folder of images, each with two nuclei, and the folders they lie in."""
    folder.mkdir()
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(LABELS.astype(np.uint8)).save(path)
    return folder


PAIRS = ("images/a.png", "images/b.png", "labels/a.png", "labels/b.png")
SIDE_BY_SIDE = ("a.png", "a_masks.png")
SAMPLES = ("a/images/a.png", "a/masks/1.png", "b/images/b.png", "b/masks/1.png")


@pytest.mark.parametrize(
    ("names", "folder_kind", "zip_kind", "is_data_set"),
    [
        (PAIRS, PathKind.IMAGES_AND_LABELS, PathKind.IMAGES_AND_LABELS, True),
        (SAMPLES, PathKind.DSB2018, PathKind.DSB2018, True),
        (SIDE_BY_SIDE, PathKind.FOLDER, PathKind.ZIP, True),
        (("a.png", "b.png"), PathKind.FOLDER, PathKind.ZIP, False),
        (("images/a.png", "images/b.png"), PathKind.FOLDER, PathKind.ZIP, False),
        # Samples called like images in the folder are results of these.
        ((*SAMPLES, "a.png", "b.png"), PathKind.FOLDER, PathKind.DSB2018, True),
    ],
)
def test_a_folder_or_zip_is_what_its_names_say(
    tmp_path: Path,
    names: tuple[Any, ...],
    folder_kind: PathKind,
    zip_kind: PathKind,
    is_data_set: bool,
) -> None:
    folder = lay_out(tmp_path / "data", *names)
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    for path, kind in ((folder, folder_kind), (packed, zip_kind)):
        contents = PathContents(path)
        assert contents.kind is kind
        assert contents.is_data_set is is_data_set


def test_a_sample_a_file_and_an_image_that_is_a_folder_are_told(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "data", *SAMPLES)
    assert PathContents(folder / "a").is_sample
    assert PathContents(folder / "a").kind is PathKind.DSB2018
    assert PathContents(folder / "a/images/a.png").kind is PathKind.FILE
    assert not PathContents(folder / "a/images/a.png").is_data_set
    assert PathContents(lay_out(tmp_path / "x.zarr")).kind is PathKind.IMAGE_FOLDER
    assert PathContents(tmp_path / "no").kind is PathKind.NOTHING


def test_the_folders_of_images_and_labels_are_named(tmp_path: Path) -> None:
    assert PathContents(lay_out(tmp_path / "a", *PAIRS)).folders == ("images", "labels")
    beside = PathContents(lay_out(tmp_path / "b", *SIDE_BY_SIDE))
    assert beside.has_labels
    assert beside.folders == ()
