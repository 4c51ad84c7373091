"""Tables of labels layers: what stays when they are written anew, and what is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Labels

from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.plugin.shared.layers import foreign_columns, set_features
from napari_unet_nuclei.plugin.shared.nuclei_table import (
    nuclei_table,
    number_columns,
    propose_csv,
    save_csv,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Features = dict[str, "NDArray[Any]"]


def features(labels: list[int], area: list[int], **more: list[Any]) -> Features:
    measured = {"label": np.array(labels), "area": np.array(area)}
    measured |= {f"centroid_{axis}": np.array(area) / 2 for axis in "yx"}
    return measured | {name: np.array(column) for name, column in more.items()}


def make_layer(labels: list[int], area: list[int], **more: list[Any]) -> Labels:
    layer = Labels(np.zeros((4, 5), np.int32), name="cells nuclei")
    set_features(layer, features(labels, area, **more))
    return layer


def test_measurements_stay_with_nuclei_that_are_the_same() -> None:
    layer = make_layer([1, 2, 3], [5, 6, 7], solidity=[0.1, 0.2, 0.3])
    set_features(layer, features([1, 2, 4], [5, 9, 7]))
    table = nuclei_table(layer)
    assert table is not None
    assert table["label"].tolist() == [1, 2, 4]
    np.testing.assert_array_equal(table["solidity"], [0.1, np.nan, np.nan])
    assert foreign_columns(layer, features([1], [5])) == []


def test_doubts_stay_with_nuclei_that_are_the_same() -> None:
    layer = make_layer([1, 2], [5, 6])
    layer.features = layer.features.assign(
        doubt=[np.nan, 0.5, 0.9], doubt_reason=[None, "Two?", "None?"]
    )
    set_features(layer, features([1, 2], [5, 9]))
    table = nuclei_table(layer)
    assert table is not None
    np.testing.assert_array_equal(table["doubt"], [0.5, np.nan])
    assert [each == "Two?" for each in table["doubt_reason"]] == [True, False]


def test_truth_values_stay_and_become_numbers() -> None:
    layer = make_layer([1, 2], [5, 6], touches_border=[True, False])
    set_features(layer, features([1, 2], [5, 7]))
    table = nuclei_table(layer)
    assert table is not None
    assert table["touches_border"].tolist() == [True, None]
    np.testing.assert_array_equal(
        number_columns(table)["touches_border"], [1.0, np.nan]
    )


def test_words_are_no_numbers() -> None:
    layer = make_layer([1, 2], [5, 6])
    layer.features = layer.features.assign(kind=["", "a", "b"])
    table = nuclei_table(layer)
    assert table is not None
    assert table["kind"].tolist() == ["a", "b"]
    assert "kind" not in number_columns(table)
    assert "label" not in number_columns(table)


def test_numbers_far_apart_are_in_a_column_of_their_own() -> None:
    table = nuclei_table(make_layer([7, 2_000_000], [5, 6]))
    assert table is not None
    assert table["label"].tolist() == [7, 2_000_000]
    assert "index" not in table


def test_a_layer_that_was_not_measured_has_no_table() -> None:
    assert nuclei_table(Labels(np.zeros((4, 5), np.int32))) is None


def test_missing_values_are_empty_in_a_csv(tmp_path: Path) -> None:
    layer = make_layer([1, 2], [5, 6], solidity=[0.5, np.nan])
    table = nuclei_table(layer)
    assert table is not None
    written = save_csv(str(tmp_path / "a"), table, is_agreed=True)
    assert written == str(tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == "label,area,centroid_y,centroid_x,solidity"
    assert lines[2] == "2,6,3,3,"


def test_a_csv_that_the_user_did_not_see_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("mine")
    table = nuclei_table(make_layer([1], [5]))
    assert table is not None
    with pytest.raises(OutputError, match="new file"):
        save_csv(str(tmp_path / "a"), table, is_agreed=True)
    with pytest.raises(OutputError, match="new file"):
        save_csv(str(tmp_path / "a.csv"), table, is_agreed=False)
    assert (tmp_path / "a.csv").read_text() == "mine"
    save_csv(str(tmp_path / "a.csv"), table, is_agreed=True)
    assert (tmp_path / "a.csv").read_text() != "mine"


def test_a_csv_is_proposed_beside_the_image(tmp_path: Path) -> None:
    layer = make_layer([1], [5])
    assert propose_csv(layer, "/last") == "/last/cells_nuclei.csv"
    layer.name = "a/b: c nuclei"
    assert propose_csv(layer, "/last") == "/last/a_b_ c_nuclei.csv"
    layer.metadata["image_path"] = str(tmp_path / "photo.ome.tif")
    assert propose_csv(layer, "/last") == str(tmp_path / "photo_nuclei.csv")
    layer.metadata["image_path"] = "/nowhere/photo.tif"
    assert propose_csv(layer, "/last").startswith("/last/")
