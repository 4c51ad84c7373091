from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.errors import DatasetError, LabelsError, OutputError
from napari_unet_nuclei.core.files.rle import (
    read_rle_csv,
    read_rle_table,
    write_rle_csv,
)
from napari_unet_nuclei.core.files.run_lengths import (
    decode_labels,
    decode_mask,
    encode_labels,
    encode_mask,
)

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

SIDES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)
MASK = np.array([[0, 1, 1], [1, 1, 0]], bool)


def test_pixels_count_from_one_down_the_columns() -> None:
    assert encode_mask(MASK) == "2 4"
    assert encode_mask(np.array([[1, 0, 0], [0, 0, 1]], bool)) == "1 1 6 1"
    np.testing.assert_array_equal(decode_mask("2 4", (2, 3)), MASK)


def test_an_empty_mask_is_an_empty_text() -> None:
    assert encode_mask(np.zeros((2, 3), bool)) == ""
    assert not decode_mask("", (2, 3)).any()


@settings(deadline=None)
@given(hnp.arrays(bool, SIDES))
def test_masks_come_back(mask: Any) -> None:
    decoded = decode_mask(encode_mask(mask), mask.shape)
    assert decoded.dtype == bool
    np.testing.assert_array_equal(decoded, mask)


@settings(deadline=None)
@given(hnp.arrays("i4", SIDES, elements=st.integers(0, 6)))
def test_each_nucleus_is_encoded_as_if_alone(labels: Any) -> None:
    numbers = [number for number in np.unique(labels) if number]
    assert encode_labels(labels) == [encode_mask(labels == n) for n in numbers]


@settings(deadline=None)
@given(hnp.arrays("i4", SIDES, elements=st.integers(0, 6)))
def test_labels_come_back_renumbered(labels: Any) -> None:
    decoded = decode_labels(encode_labels(labels), labels.shape)
    numbers = [0, *(number for number in np.unique(labels) if number)]
    assert decoded.dtype == np.int32
    np.testing.assert_array_equal(np.take(numbers, decoded), labels)


def test_where_nuclei_overlap_the_first_keeps_the_pixel() -> None:
    assert decode_labels(["1 2", "2 2"], (1, 4)).tolist() == [[1, 1, 2, 0]]


def test_labels_are_checked_before_encoding() -> None:
    with pytest.raises(LabelsError, match="labels must"):
        encode_labels([[-1]])


@pytest.mark.parametrize("runs", ["1", "1 2 3", "0 2", "1 0", "-1 2", "a b", "1.0 2"])
def test_what_are_no_runs_is_refused(runs: str) -> None:
    with pytest.raises(LabelsError, match=rf"pairs of start .* Received: '{runs}'"):
        decode_mask(runs, (4, 4))


@pytest.mark.parametrize("runs", ["16 2", "17 1", "1 17"])
def test_runs_that_leave_the_image_are_refused(runs: str) -> None:
    with pytest.raises(LabelsError, match=rf"image of 16 pixels. Received: '{runs}'"):
        decode_mask(runs, (4, 4))


def test_an_image_without_nuclei_gets_one_empty_row(tmp_path: Path) -> None:
    path = tmp_path / "nuclei.csv"
    write_rle_csv(path, {"b": [[1, 0], [2, 2]], "a": np.zeros((2, 2), int)})
    assert path.read_bytes() == b"ImageId,EncodedPixels\nb,1 1\nb,2 1 4 1\na,\n"
    assert read_rle_csv(path) == {"b": ["1 1", "2 1 4 1"], "a": []}


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@settings(deadline=None)
@given(
    st.dictionaries(
        NAMES, hnp.arrays("i4", SIDES, elements=st.integers(0, 4)), max_size=4
    )
)
def test_a_csv_comes_back(
    tmp_path_factory: pytest.TempPathFactory, images: Any
) -> None:
    path = tmp_path_factory.mktemp("rle") / "nuclei.csv"
    write_rle_csv(path, images)
    expected = {name: encode_labels(labels) for name, labels in images.items()}
    assert read_rle_csv(path) == expected


def test_kaggle_s_solution_files_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "solution.csv"
    text = "\ufeffImageId,EncodedPixels,Height,Width,Usage\r\na,1 2,4,4,Ignored\r\n"
    path.write_bytes(text.encode())
    assert read_rle_csv(path) == {"a": ["1 2"]}


def test_solution_files_know_the_shape_of_the_image(tmp_path: Path) -> None:
    path = tmp_path / "solution.csv"
    path.write_text(
        "ImageId,EncodedPixels,Height,Width,Usage\n"
        "a,1 2,4,5,Public\na,9 1,4,5,Public\nb,, 30 ,20,Public\n"
    )
    table = read_rle_table(path)
    assert table.runs == {"a": ["1 2", "9 1"], "b": []}
    assert table.shapes == {"a": (4, 5), "b": (30, 20)}


def test_submissions_do_not(tmp_path: Path) -> None:
    path = tmp_path / "nuclei.csv"
    write_rle_csv(path, {"a": [[1, 0]]})
    assert read_rle_table(path).shapes == {}


@pytest.mark.parametrize(
    ("height", "width"),
    [("0", "4"), ("-4", "4"), ("4.5", "4"), ("", ""), ("x", "4"), ("99999", "99999")],
)
def test_sizes_that_are_none_are_refused(
    tmp_path: Path, height: str, width: str
) -> None:
    path = tmp_path / "solution.csv"
    path.write_text(f"ImageId,EncodedPixels,Height,Width\na,1 2,{height},{width}\n")
    sentence = rf"solution\.csv with '{height}' and '{width}' for a\. Correct"
    with pytest.raises(DatasetError, match=sentence):
        read_rle_table(path)


def test_sizes_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "solution.csv"
    path.write_text("ImageId,EncodedPixels,Height,Width\na,1 2,4,5\na,9 1,5,4\n")
    sentence = r"Received: .*solution\.csv with \(4, 5\) and \(5, 4\) for a\."
    with pytest.raises(DatasetError, match=sentence):
        read_rle_table(path)


@pytest.mark.parametrize("row", [",1 2", "1 2"])
def test_a_row_without_id_is_refused(tmp_path: Path, row: str) -> None:
    columns = "ImageId,EncodedPixels" if row[0] == "," else "EncodedPixels,ImageId"
    (tmp_path / "a.csv").write_text(f"{columns}\n{row}\n")
    with pytest.raises(DatasetError, match=r"an image id in every row.*a\.csv"):
        read_rle_csv(tmp_path / "a.csv")


def test_a_row_without_second_field_has_no_nucleus(tmp_path: Path) -> None:
    path = tmp_path / "nuclei.csv"
    path.write_text("ImageId,EncodedPixels\na\n")
    assert read_rle_csv(path) == {"a": []}


def test_a_csv_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "no").touch()
    with pytest.raises(OutputError, match=r"place to write to. Received: .*a\.csv"):
        write_rle_csv(tmp_path / "no" / "a.csv", {})


@pytest.mark.parametrize(
    ("content", "evidence"),
    [
        (None, "No such file"),
        (b"\xff\xfe", "'utf-8' codec"),
        (b"ImageId\n" + b"1" * 200_000, "field larger than"),
    ],
)
def test_a_csv_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, evidence: str
) -> None:
    path = tmp_path / "a.csv"
    if content is not None:
        path.write_bytes(content)
    reason = rf"csv of encoded nuclei. Received: .*a\.csv \(.*{evidence}"
    with pytest.raises(DatasetError, match=reason):
        read_rle_csv(path)


@pytest.mark.parametrize(
    ("content", "evidence"),
    [("", "none"), ("ImageId,Pixels\n", "ImageId, Pixels"), ("Dear you", "Dear you")],
)
def test_a_csv_of_other_columns_is_refused(
    tmp_path: Path, content: str, evidence: str
) -> None:
    (tmp_path / "a.csv").write_text(content)
    reason = rf"ImageId and EncodedPixels. Received: .*a\.csv with {evidence}\."
    with pytest.raises(DatasetError, match=reason):
        read_rle_csv(tmp_path / "a.csv")
