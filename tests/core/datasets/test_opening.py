from __future__ import annotations

import json
import os

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.dsb2018 import Dsb2018
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.datasets.image_label_folder import ImageLabelFolder
from napari_unet_nuclei.core.datasets.opening import (
    open_samples,
    read_good_samples,
    read_ids,
    read_split,
)
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.labels import write_labels_png

LABELS = np.array([[1, 1, 0, 2], [0, 0, 2, 2], [3, 0, 0, 0]])
IMAGE = np.arange(12, dtype=np.uint8).reshape(3, 4)


def test_opens_dsb2018_folders_and_single_samples(tmp_path):
    write_dsb2018_sample(tmp_path, "a", IMAGE, LABELS)
    for path in (tmp_path, tmp_path / "a"):
        source = open_samples(path)
        assert isinstance(source, Dsb2018)
        np.testing.assert_array_equal(source.read_sample("a").labels, LABELS)


def test_opens_folders_of_images_and_labels(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    Image.fromarray(IMAGE).save(tmp_path / "images/a.png")
    write_labels_png(tmp_path / "labels/a.png", LABELS)
    source = open_samples(str(tmp_path))
    assert isinstance(source, ImageLabelFolder)
    np.testing.assert_array_equal(source.read_sample("a").labels, LABELS)


def test_other_folders_are_refused(tmp_path):
    (tmp_path / "photos").mkdir()
    reason = r"Expected a DSB2018 folder .* or a folder .* Received: .*photos\. Choose"
    with pytest.raises(DatasetError, match=reason):
        open_samples(tmp_path / "photos")


def test_a_missing_path_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="no, which does not exist"):
        open_samples(tmp_path / "no")


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(DatasetError, match=r"nnn, which does not exist"):
        open_samples("n" * 300)


@pytest.fixture
def half_bad(tmp_path):
    """Data set of four samples: a and d are good, b lacks its masks, c is damaged."""
    for sample_id in "abcd":
        write_dsb2018_sample(tmp_path, sample_id, IMAGE, LABELS)
    (tmp_path / "b/masks").rename(tmp_path / "b/drawn")
    (tmp_path / "c/images/c.png").write_text("no picture")
    return open_samples(tmp_path)


def test_good_samples_are_read_and_bad_ones_explained(half_bad):
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
def test_a_data_set_without_a_good_sample_is_refused(half_bad, ids, evidence):
    with pytest.raises(DatasetError, match=f"at least one good sample in .*{evidence}"):
        read_good_samples(half_bad, ids)


def test_ids_are_read_line_by_line(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("\ufeff# chosen\nb\n\n  a b \r\nc", encoding="utf-8")
    assert read_ids(path) == ("b", "a b", "c")


def test_ids_that_are_no_utf8_are_names_of_files(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_bytes(b"caf\xe9\nb\n")
    assert read_ids(path) == ("caf\udce9", "b")
    path.write_bytes("b\n".encode("utf-16"))
    with pytest.raises(DatasetError, match=r"list of ids.*no UTF-8 text"):
        read_ids(path)


def test_a_file_without_ids_is_refused(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("# none\n")
    with pytest.raises(DatasetError, match=r"ids, one a line. Received: .*ids\.txt"):
        read_ids(path)


def test_a_missing_file_of_ids_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"a list of ids. Received: .*no\.txt"):
        read_ids(tmp_path / "no.txt")


@pytest.fixture
def split(tmp_path):
    path = tmp_path / "split.json"
    content = {
        "about": "fixed",
        "train": ["b", "a"],
        "val": ["c"],
        "modality": {"a": "x"},
        "sizes": [2, 1],
    }
    path.write_text(json.dumps(content))
    return path


def test_a_part_of_a_split_is_read_in_order(split):
    assert read_split(f"{split}:train") == ("b", "a")
    assert read_split(f"{split}:val") == ("c",)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no colons in file names")
def test_the_last_colon_separates_the_part(split):
    path = split.rename(split.with_name("C:split.json"))
    assert read_split(f"{path}:val") == ("c",)


@pytest.mark.parametrize(
    "text",
    ["split.json", "split.json:", ":val", "", r"C:\data\split.json", "C:/s.json"],
)
def test_a_split_without_part_is_refused(text):
    with pytest.raises(DatasetError, match=r"Expected a split as FILE:PART. Received"):
        read_split(text)


def test_a_missing_split_file_is_named(tmp_path):
    with pytest.raises(
        DatasetError, match=r"Expected a split file\. .*no\.json \(.*No "
    ):
        read_split(f"{tmp_path / 'no.json'}:val")


@pytest.mark.parametrize("content", [b"train: a", b"", b"{", b"[" * 100_000])
def test_a_split_that_is_no_json_is_refused(split, content):
    split.write_bytes(content)
    reason = r"split file in JSON. .*split\.json \((Expecting|maximum recursion)"
    with pytest.raises(DatasetError, match=reason):
        read_split(f"{split}:val")


def test_a_split_that_is_no_text_is_refused(split):
    split.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match=r"a split file. .*split\.json \('utf-8' "):
        read_split(f"{split}:val")


def test_an_absent_part_is_answered_with_the_present_ones(split):
    with pytest.raises(DatasetError, match=r"split\.json: train, val. .*: test\."):
        read_split(f"{split}:test")


def test_a_json_without_parts_has_none(split):
    split.write_text('["a"]')
    with pytest.raises(DatasetError, match=r"split\.json: none. Received: val"):
        read_split(f"{split}:val")


@pytest.mark.parametrize(
    ("part", "kind"),
    [("about", "str"), ("modality", "dict"), ("sizes", "a list with int")],
)
def test_a_part_that_is_no_list_of_ids_is_refused(split, part, kind):
    reason = rf"ids in the part {part} of .*split\.json.* Received: {kind}\. Add"
    with pytest.raises(DatasetError, match=reason):
        read_split(f"{split}:{part}")


def test_an_empty_part_is_refused(split):
    """It would stand for all samples, or for none."""
    split.write_text('{"val": []}')
    reason = r"ids in the part val of .*split\.json.* Received: an empty list"
    with pytest.raises(DatasetError, match=reason):
        read_split(f"{split}:val")
