from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files import label_records
from napari_unet_nuclei.core.files.label_records import (
    PNG_KEY,
    TIFF_TAG,
    LabelRecord,
    as_plain,
    decode_record,
    describe_record,
    encode_record,
    read_record,
)
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff

LABELS = np.array([[1, 1, 0, 2], [0, 0, 2, 2], [3, 0, 0, 0]])
RECORD = LabelRecord(
    provenance={
        "model": "resnet",
        "settings": {"threshold": 0.5, "tta": False},
        "image": "Zellen µ",
        "plane": (3,),
        "sample_ids": ["0123456789"] * 1000,
    },
    features={
        "index": np.arange(4),
        "area": np.array([np.nan, 2, 3.5, np.inf]),
        "kept": np.array([False, True, True, False]),
        "note": np.array([None, "déjà", 'a "b", c', ""], dtype=object),
    },
    layer={"axes": "YX", "shape": (3, 4), "translate": np.array([1.5, -2])},
)
NAMES = ["a.tif", "a.ome.tif", "a.png"]


def write(path: Path, record: LabelRecord | None = RECORD) -> Path:
    if path.suffix == ".png":
        write_labels_png(path, LABELS, record=record)
    else:
        write_labels_tiff(path, LABELS, record=record)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_a_file_gives_back_what_it_was_given(tmp_path: Path, name: str) -> None:
    record = read_record(write(tmp_path / name))
    assert record is not None
    assert record.provenance == {
        **RECORD.provenance,
        "plane": [3],
    }
    assert record.layer == {"axes": "YX", "shape": [3, 4], "translate": [1.5, -2]}
    assert list(record.features) == list(RECORD.features)
    for column, values in RECORD.features.items():
        assert record.features[column].dtype == values.dtype
        np.testing.assert_array_equal(record.features[column], values)


@pytest.mark.parametrize("name", NAMES)
def test_other_programs_see_the_labels_as_before(tmp_path: Path, name: str) -> None:
    path, plain = write(tmp_path / name), write(tmp_path / f"plain-{name}", None)
    for read in (iio.imread, Image.open):
        with_record, without = np.squeeze(read(path)), np.squeeze(read(plain))
        np.testing.assert_array_equal(with_record, LABELS)
        assert with_record.dtype == without.dtype
    assert write(tmp_path / "again.tif").read_bytes() == (
        write(tmp_path / "and-again.tif").read_bytes()
    )


def test_people_find_the_origin_where_their_programs_show_it(tmp_path: Path) -> None:
    with tifffile.TiffFile(write(tmp_path / "a.tif")) as tiff:
        assert tiff.is_imagej
        lines = tiff.imagej_metadata["Info"].splitlines()
    assert lines == [
        "model: resnet",
        "settings: threshold=0.5, tta=False",
        r"image: Zellen \xb5",
        "plane: 3",
    ]
    with tifffile.TiffFile(write(tmp_path / "a.ome.tif")) as tiff:
        assert "model: resnet" in tiff.ome_metadata
    with Image.open(write(tmp_path / "a.png")) as picture:
        assert picture.text["Description"].startswith("model: resnet")
    assert describe_record(LabelRecord()) == ""


@pytest.mark.parametrize("name", NAMES)
def test_files_of_earlier_versions_have_none(tmp_path: Path, name: str) -> None:
    assert read_record(write(tmp_path / name, None)) is None


def test_a_large_table_survives_in_both(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {f"column {n}": rng.normal(size=60_000) for n in range(12)}
    record = LabelRecord(features=columns)
    for name in NAMES:
        back = read_record(write(tmp_path / name, record))
        assert back is not None
        np.testing.assert_array_equal(
            back.features["column 7"], columns["column 7"], strict=True
        )


def test_a_table_that_no_png_reader_takes_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_records, "MOST_PNG_TEXT", 10)
    record = read_record(write(tmp_path / "a.png"))
    assert record is not None
    assert record.features == {}
    assert record.provenance["model"] == "resnet"


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(version=2),
        lambda content: content.update(format="labels of another program"),
        lambda content: content.pop("features"),
        lambda content: content.update(features=[]),
        lambda content: content["features"]["area"].update(values=[1.0]),
        lambda content: content["features"]["area"].update(values="1234"),
        lambda content: content["features"]["area"].update(values=["x"] * 4),
        lambda content: content["features"]["area"].update(type="V8"),
        lambda content: content["features"]["index"].update(values=[[1, 2]] * 4),
        lambda content: content["features"]["index"].update(values=[2**70] * 4),
        lambda content: content.update(layer=3),
    ],
)
def test_a_damaged_record_is_refused(change: Any) -> None:
    content = json.loads(encode_record(RECORD))
    change(content)
    with pytest.raises(LabelsError, match="complete record of table and origin"):
        decode_record(json.dumps(content))


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(LabelsError):
        decode_record(text)


def test_a_file_that_is_cut_off_is_explained(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(LabelsError, match=r"Received: .*a\.tif"):
        read_record(path)


def test_what_json_has_no_form_for_is_left_out() -> None:
    value = {
        "path": Path("a"),
        "array": np.arange(2),
        "image": np.zeros((40, 40)),
        "nan": float("nan"),
        "number": np.float32(0.5),
        1: {"object": object(), "list": [1, object(), "x"]},
    }
    assert as_plain(value) == {
        "path": "a",
        "array": [0, 1],
        "nan": None,
        "number": 0.5,
        "1": {"list": [1, "x"]},
    }
    assert as_plain(object()) is None


def test_the_tag_and_the_keyword_stay_what_they_are(tmp_path: Path) -> None:
    """Files of today are to open in later versions."""
    with tifffile.TiffFile(write(tmp_path / "a.tif")) as tiff:
        assert json.loads(tiff.pages.first.tags[65321].value)["version"] == 1
    with Image.open(write(tmp_path / "a.png")) as picture:
        assert json.loads(picture.text["napari-unet-nuclei"])["version"] == 1
    assert (TIFF_TAG, PNG_KEY) == (65321, "napari-unet-nuclei")
