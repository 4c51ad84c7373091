"""How results look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels

from napari_unet_nuclei.plugin.segment import result_appearance

if TYPE_CHECKING:
    import pytest
    from napari.layers import Image
    from numpy.typing import NDArray

    from plugin.segment.conftest import Scene


def test_results_are_outlined_until_the_user_wants_something_else(
    scene: Scene, cells: Image, image: NDArray[np.uint8]
) -> None:
    layer = scene.segment()
    assert layer.contour == result_appearance.CONTOUR
    layer.contour = 0
    scene.move_slider(0.2)
    assert layer.contour == 0
    other = scene.viewer.add_image(image, name="other")
    scene.widget.image.choose(other)
    assert scene.segment().contour == 0


def test_small_nuclei_have_thin_outlines() -> None:
    shape = (100, 100)
    assert result_appearance.default_appearance(shape) == {"contour": 2}
    small, large = [np.nan, 100, 120], [np.nan, 300, 320]
    assert result_appearance.default_appearance(shape, small) == {"contour": 1}
    assert result_appearance.default_appearance(shape, large) == {"contour": 2}
    before = Labels(np.zeros(shape, int), features={"area": small})
    before.contour = 1  # because its nuclei are small
    assert result_appearance.same_appearance(before, shape, large)["contour"] == 2
    before.contour = 3  # what the user wants
    assert result_appearance.same_appearance(before, shape, large)["contour"] == 3


def test_planes_that_take_long_to_outline_are_not(
    scene: Scene, cells: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_appearance, "MOST_OUTLINED", 100)
    assert scene.segment().contour == 0


def test_a_plane_that_took_too_long_to_outline_sets_no_example(
    scene: Scene,
    cells: Image,
    image: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(result_appearance, "MOST_OUTLINED", image.size - 1)
    scene.segment().opacity = 0.3
    other = scene.viewer.add_image(image[:60], name="other")
    scene.widget.image.choose(other)
    layer = scene.segment()
    assert (layer.contour, layer.opacity) == (result_appearance.CONTOUR, 0.3)


def test_the_truth_of_a_sample_is_hidden_once(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    sample = {"sample_id": "s", "data_set": "here"}
    scene.viewer.add_image(image, name="cells", metadata=sample)
    truth = scene.viewer.add_labels(image, name="truth", metadata=sample)
    other = scene.viewer.add_labels(image, name="o", metadata={"sample_id": "s"})
    mine = scene.viewer.add_labels(image, name="mine")
    layer = scene.segment()
    assert [each.visible for each in (truth, other, mine, layer)] == [
        *(False, True, True, True)
    ]
    truth.visible = True
    scene.segment()
    assert truth.visible


def test_outlines_are_for_planes(scene: Scene, image: NDArray[np.uint8]) -> None:
    scene.viewer.add_image(np.stack([image, image]), name="cells")
    scene.viewer.dims.ndisplay = 3
    scene.segment()
    assert scene.labels.contour == 0
