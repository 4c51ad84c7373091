"""From image to image: what is shown, what stays, what is passed over."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.browsing.results import ImageState
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.files.labels import write_labels_tiff

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from plugin.browse.conftest import Walk


def test_next_and_previous_show_one_image_at_a_time(
    walk: Walk, make_images: Callable[..., Path]
) -> None:
    folder = make_images()
    walk.open(folder)
    assert walk.name == "a"
    assert walk.image.name == "a"
    assert walk.image.source.path == str(folder / "a.tif")
    np.testing.assert_array_equal(walk.image.data, tifffile.imread(folder / "a.tif"))
    walk.next()
    walk.next()
    assert [layer.name for layer in walk.viewer.layers] == ["c"]
    assert not walk.widget.next_button.isEnabled()
    walk.previous()
    assert walk.image.name == "b"
    assert walk.status == "b.tif, 2 of 3."


def test_a_double_click_shows_an_image(
    walk: Walk, make_images: Callable[..., Path]
) -> None:
    walk.open(make_images())
    walk.widget.list.doubleClicked.emit(walk.browser.model.index(2))
    walk.wait()
    assert walk.name == "c"
    assert walk.widget.list.currentIndex().row() == 2


def test_hasty_steps_show_only_the_last(
    walk: Walk, make_images: Callable[..., Path]
) -> None:
    walk.open(make_images("a", "b", "c", "d", "e"))
    shown: list[str] = []
    walk.viewer.layers.events.inserted.connect(
        lambda event: shown.append(event.value.name)
    )
    for _ in range(4):
        walk.widget.next_button.click()
    walk.wait()
    assert walk.name == "e"
    assert shown == ["e"]


def test_view_and_contrast_stay(walk: Walk, make_images: Callable[..., Path]) -> None:
    walk.open(make_images())
    walk.image.contrast_limits = (100, 900)
    walk.image.colormap = "green"
    walk.image.gamma = 0.5
    walk.viewer.scene.camera.zoom, walk.viewer.scene.camera.center = 7, (0, 12, 13)
    walk.next()
    assert walk.image.contrast_limits == [100, 900]
    assert walk.image.colormap.name == "green"
    assert walk.image.gamma == 0.5
    assert walk.viewer.scene.camera.zoom == 7
    assert walk.viewer.scene.camera.center == (0, 12, 13)


def test_an_image_of_another_size_is_shown_whole(
    walk: Walk, make_images: Callable[..., Path]
) -> None:
    folder = make_images("a")
    tifffile.imwrite(folder / "b.tif", np.zeros((400, 600, 3), np.uint8))
    walk.open(folder)
    walk.viewer.scene.camera.center = (0, 3, 3)
    walk.next()
    assert walk.image.rgb
    assert walk.viewer.scene.camera.center[1:] == pytest.approx((199.5, 299.5))


def test_layers_that_were_there_before_stay(
    walk: Walk, make_images: Callable[..., Path]
) -> None:
    walk.viewer.add_labels(np.ones((40, 60), np.int32), name="of the user")
    walk.viewer.add_points(np.zeros((1, 2)), name="points")
    folder = make_images()
    walk.open(folder)
    walk.viewer.add_shapes(name="drawn meanwhile")
    walk.next()
    names = [layer.name for layer in walk.viewer.layers]
    assert names == ["of the user", "points", "drawn meanwhile", "b"]
    assert not folder.with_name("cells_results").exists()


def test_what_cannot_be_read_is_listed_with_its_reason_and_skipped(
    walk: Walk, make_images: Callable[..., Path]
) -> None:
    folder = make_images("a", "d")
    (folder / "b.tif").write_bytes(b"II*\0 no more")
    (folder / "c.tif").write_bytes(b"II*\0 no more")
    walk.open(folder)
    walk.next()
    assert walk.name == "d"
    broken = walk.browser.model.rows[1]
    assert "cannot be read" in broken.text
    assert broken.problem is not None
    assert "b.tif" in broken.tooltip
    walk.previous()
    assert walk.name == "a"


def test_a_folder_that_is_gone(walk: Walk, make_images: Callable[..., Path]) -> None:
    folder = make_images()
    walk.open(folder)
    layer = walk.draw(1)
    shutil.rmtree(folder)
    walk.next()
    assert "Skipped c.tif, which cannot be read" in walk.status
    assert walk.name == "a"
    assert layer in walk.viewer.layers
    # The labels are safe: the folder of results is another one.
    assert walk.states[0] is ImageState.CORRECTED
    walk.open(folder)
    assert "which does not exist" in walk.status
    assert walk.name == "a"


def test_done_is_kept_and_passed_over(
    walk: Walk, make_images: Callable[..., Path]
) -> None:
    folder = make_images()
    walk.open(folder)
    walk.next()
    walk.widget.done_box.click()
    walk.wait_for_saving()
    assert walk.states[1] is ImageState.DONE
    assert "3 images, 1 done" in walk.widget.place.text()
    walk.previous()
    walk.widget.skip_box.click()
    walk.next()
    assert walk.name == "c"
    walk.open(folder)
    assert walk.name == "a"
    assert walk.states[1] is ImageState.DONE
    walk.widget.skip_box.click()
    walk.next()
    assert walk.widget.done_box.isChecked()
    walk.widget.done_box.click()
    walk.wait_for_saving()
    assert walk.states[1] is ImageState.NOTHING


def test_a_data_set_comes_with_its_labels(walk: Walk, tmp_path: Path) -> None:
    labels = np.zeros((40, 60), np.int32)
    labels[2:9, 3:9] = 5
    for name in ("one", "two"):
        write_dsb2018_sample(
            tmp_path / "set", name, np.zeros((40, 60), np.uint8), labels
        )
    walk.open(tmp_path / "set")
    assert [layer.name for layer in walk.viewer.layers] == ["one", "one nuclei"]
    assert walk.labels[0].data.max() == 1
    walk.next()
    assert [layer.name for layer in walk.viewer.layers] == ["two", "two nuclei"]
    assert not (tmp_path / "set_results").exists()  # nothing was changed
    walk.draw(9, place=20)
    walk.previous()
    assert (tmp_path / "set_results" / "two_masks.tif").exists()
    walk.next()
    assert sorted(np.unique(walk.labels[0].data)) == [0, 1, 9]


def test_damaged_results_are_said_and_kept(
    walk: Walk, make_images: Callable[..., Path]
) -> None:
    folder = make_images()
    results = folder.with_name("cells_results")
    write_labels_tiff(results / "a_masks.tif", np.eye(40, 60, dtype=np.int32))
    content = (results / "a_masks.tif").read_bytes()
    damaged = content[:-40]
    (results / "a_masks.tif").write_bytes(damaged)
    walk.open(folder)
    assert "a_masks.tif could not be read" in walk.status
    walk.draw(1)
    walk.next()
    assert (results / "a_kept1_masks.tif").read_bytes() == damaged
    walk.previous()
    assert walk.labels[0].data.max() == 1


def test_pictures_are_made_of_visible_rows_only(
    walk: Walk, make_images: Callable[..., Path], qtbot: QtBot
) -> None:
    walk.widget.resize(300, 420)
    walk.widget.show()
    walk.open(make_images(*(f"{number:02}" for number in range(60))))
    qtbot.waitUntil(lambda: walk.browser.is_idle, timeout=30_000)
    seen = [row.size for row in walk.browser.model.rows]
    assert seen[0] == "60 × 40"
    assert 2 < sum(map(bool, seen)) < 30
    assert not seen[-1]
    assert "grey, " in walk.browser.model.rows[0].text
