"""Nothing that was drawn is lost: from image to image, and however it ends."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.browsing.results import ImageState
from napari_unet_nuclei.plugin.shared.label_files import read_label_file
from napari_unet_nuclei.plugin.shared.layer_choice import MAP_OF
from napari_unet_nuclei.plugin.shared.saved_labels import saved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from plugin.browse.conftest import Walk


@pytest.fixture
def folder(make_images: Callable[..., Path]) -> Path:
    """Return a folder of three images."""
    return make_images()


@pytest.fixture
def results(folder: Path) -> Path:
    """Return where their results go."""
    return folder.with_name("cells_results")


def test_labels_are_saved_on_leaving_and_come_back_bit_for_bit(
    walk: Walk, folder: Path, results: Path
) -> None:
    walk.open(folder)
    layer = walk.draw(3)
    layer.features = {"index": [0, 3], "mine": [1.5, np.nan]}
    before = layer.data.copy()
    walk.next()
    assert walk.labels == []
    assert walk.states == [
        ImageState.CORRECTED,
        ImageState.NOTHING,
        ImageState.NOTHING,
    ]
    assert "1 nucleus" in walk.browser.model.rows[0].text
    walk.previous()
    (layer,) = walk.labels
    np.testing.assert_array_equal(layer.data, before)
    assert layer.name == "a nuclei"
    assert layer.features["mine"].tolist()[0] == 1.5
    assert layer.metadata["image_path"] == str(folder / "a.tif")
    assert sorted(os.listdir(results)) == ["a_masks.tif", "browsing.json"]


def test_unchanged_labels_are_not_written_again(
    walk: Walk, folder: Path, results: Path
) -> None:
    walk.open(folder)
    walk.draw(3)
    walk.next()
    stamp = (results / "a_masks.tif").stat().st_mtime_ns
    walk.previous()
    walk.next()
    assert (results / "a_masks.tif").stat().st_mtime_ns == stamp


def test_the_tool_and_the_look_of_labels_stay(walk: Walk, folder: Path) -> None:
    walk.open(folder)
    walk.draw(1)
    walk.next()
    walk.draw(1).contour = 1
    walk.labels[0].brush_size = 23
    walk.labels[0].mode = "paint"
    walk.previous()
    (layer,) = walk.labels
    assert (layer.contour, layer.brush_size, layer.mode) == (1, 23, "paint")
    assert walk.viewer.layers.selection.active is layer


def test_strokes_that_rest_are_saved_by_themselves(
    walk: Walk, folder: Path, results: Path
) -> None:
    walk.open(folder)
    walk.browser._timer.setInterval(10)
    layer = walk.draw(3)
    walk.wait_for_saving()
    data, _, _ = read_label_file(str(results / "a_masks.tif"))
    np.testing.assert_array_equal(data, layer.data)
    assert walk.states[0] is ImageState.CORRECTED


def test_strokes_during_the_step_are_saved_too(
    walk: Walk, folder: Path, results: Path
) -> None:
    walk.open(folder)
    walk.draw(3)
    walk.widget.next_button.click()  # which copies what there is
    late = walk.draw(4, place=20).data.copy()
    walk.wait()
    assert walk.name == "b"
    data, _, _ = read_label_file(str(results / "a_masks.tif"))
    np.testing.assert_array_equal(data, late)


def test_where_nothing_can_be_saved_the_image_stays(
    walk: Walk, folder: Path, results: Path, tmp_path: Path
) -> None:
    walk.open(folder)
    layer = walk.draw(3)
    results.write_text("a file in the way")
    walk.next()
    assert walk.name == "a"
    assert layer in walk.viewer.layers
    assert str(results) in walk.status
    walk.browser.use_results(tmp_path / "elsewhere")
    walk.wait_for_saving()
    walk.next()
    assert walk.name == "b"
    assert (tmp_path / "elsewhere" / "a_masks.tif").exists()


def test_the_folder_of_the_images_is_no_place_for_results(
    walk: Walk, folder: Path, results: Path
) -> None:
    walk.open(folder)
    walk.browser.use_results(folder)
    assert "in which the images are" in walk.status
    assert walk.browser.listing is not None
    assert walk.browser.listing.results.folder == results


def test_what_is_left_is_saved_before_the_widget_goes(
    walk: Walk, folder: Path, results: Path, qtbot: QtBot
) -> None:
    walk.open(folder)
    layer = walk.draw(3)
    walk.browser.save_now()
    data, _, _ = read_label_file(str(results / "a_masks.tif"))
    np.testing.assert_array_equal(data, layer.data)
    assert not walk.browser.is_unsaved


def test_another_folder_saves_the_last_one(
    walk: Walk, folder: Path, results: Path, tmp_path: Path
) -> None:
    walk.open(folder)
    walk.draw(3)
    other = tmp_path / "other"
    folder.rename(other)
    walk.open(other)
    assert (results / "a_masks.tif").exists()
    assert walk.browser.listing is not None
    assert walk.browser.listing.results.folder == tmp_path / "other_results"
    assert walk.labels == []


def test_a_folder_that_is_chosen_while_labels_are_saved_is_opened_then(
    walk: Walk, folder: Path, results: Path, tmp_path: Path
) -> None:
    walk.open(folder)
    walk.draw(3)
    other = shutil.copytree(folder, tmp_path / "other")
    walk.browser._save_soon()
    assert walk.browser.is_busy
    walk.open(other)
    walk.wait()
    assert walk.browser.listing is not None
    assert walk.browser.listing.images.path == other
    assert walk.image.source.path == str(other / "a.tif")
    assert (results / "a_masks.tif").exists()


def test_a_new_result_does_not_replace_corrections_that_it_does_not_come_from(
    walk: Walk, folder: Path, results: Path
) -> None:
    walk.open(folder)
    corrected = walk.draw(3).data.copy()
    walk.next()
    walk.previous()
    walk.labels[0].visible = False
    found = np.zeros((40, 60), np.int32)
    found[30:36, 30:40] = 1
    metadata = {"model": "tiny", "image_id": str(walk.image.unique_id)}
    walk.viewer.add_labels(found, name="a nuclei, new", metadata=metadata)
    walk.next()
    kept, _, _ = read_label_file(str(results / "a_kept1_masks.tif"))
    np.testing.assert_array_equal(kept, corrected)
    new, _, _ = read_label_file(str(results / "a_masks.tif"))
    np.testing.assert_array_equal(new, found)
    assert walk.states[0] is ImageState.SEGMENTED
    walk.previous()
    assert len(walk.labels) == 1


def test_other_labels_that_were_drawn_are_kept_beside(
    walk: Walk, folder: Path, results: Path
) -> None:
    walk.open(folder)
    first = walk.draw(3).data.copy()
    walk.viewer.add_labels(np.full((40, 60), 2, np.int32), name="second")
    walk.viewer.add_labels(np.zeros((40, 60), np.int32), name="empty").visible = False
    walk.viewer.layers.selection.active = walk.viewer.layers["second"]
    walk.next()
    names = sorted(path.name for path in results.glob("*.tif"))
    assert names == ["a_kept1_masks.tif", "a_masks.tif"]
    kept, _, _ = read_label_file(str(results / names[0]))
    np.testing.assert_array_equal(kept, first)


def test_labels_of_another_image_are_left_alone(
    walk: Walk, folder: Path, results: Path
) -> None:
    walk.open(folder)
    metadata = {"sample_id": "of another", "data_set": "/elsewhere"}
    walk.viewer.add_labels(
        np.ones((40, 60), np.int32), name="foreign", metadata=metadata
    )
    walk.next()
    assert "foreign" in walk.viewer.layers
    assert not results.exists()


def test_maps_and_differences_go_with_the_image_and_are_no_results(
    walk: Walk, folder: Path, results: Path
) -> None:
    walk.open(folder)
    own = str(walk.image.unique_id)
    shape = walk.image.data.shape
    difference = {"image_id": own, "derived_from": ["resnet", "classic"]}
    walk.viewer.add_labels(np.ones(shape, np.int32), metadata=difference)
    walk.viewer.add_image(np.zeros(shape), metadata={MAP_OF: (own, "foreground")})
    walk.next()
    assert [layer.name for layer in walk.viewer.layers] == ["b"]
    assert not results.exists()


def test_those_who_keep_what_is_unsaved_hear_that_it_is_saved(
    walk: Walk, folder: Path
) -> None:
    heard: list[object] = []

    def hear(event: Any) -> None:
        heard.append(event.value.unique_id)

    saved.connect(hear)
    try:
        walk.open(folder)
        layer = walk.draw(3)
        walk.browser._save_soon()
        walk.wait_for_saving()
        assert heard == [layer.unique_id]
        walk.draw(4)
        walk.browser._save_soon()
        walk.draw(5, place=20)  # which the copy that is written does not have
        walk.wait()
        assert heard == [layer.unique_id]
    finally:
        saved.disconnect(hear)
