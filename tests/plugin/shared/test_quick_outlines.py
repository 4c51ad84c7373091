"""Outlines that are drawn sooner are those that napari draws, or napari draws them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from napari.layers import Labels
from napari.layers.labels._labels_utils import get_contours
from napari.utils.colormaps import DirectLabelColormap

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.plugin.shared import quick_outlines
from napari_unet_nuclei.plugin.shared.quick_outlines import (
    draw_outlines,
    find_outlines,
    outline_quickly,
)


@given(
    labels=hnp.arrays(
        np.int32,
        st.tuples(st.integers(1, 14), st.integers(1, 14)),
        elements=st.sampled_from([0, 0, 1, 2, 3, 900]),
    ),
    thickness=st.sampled_from([1, 2]),
)
@settings(deadline=None)
def test_outlines_are_those_of_napari(labels: Any, thickness: int) -> None:
    is_outline = find_outlines(labels, thickness)
    np.testing.assert_array_equal(
        np.where(is_outline, labels, 0), get_contours(labels, thickness, 0)
    )


@pytest.mark.parametrize("thickness", [1, 2])
def test_blocks_of_rows_meet_without_seams(
    thickness: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, labels = draw_nuclei(0, (90, 70), n_nuclei=30)
    monkeypatch.setattr(quick_outlines, "_BLOCK_AREA", 7 * 70)
    drawn = draw_outlines(labels, thickness, 0, lambda found: found)
    np.testing.assert_array_equal(drawn, get_contours(labels, thickness, 0))


def make_layer(dtype: str = "int32") -> Labels:
    _, labels = draw_nuclei(0, (120, 150), n_nuclei=40)
    return Labels(labels.astype(dtype))


def shown(layer: Labels) -> np.ndarray:
    layer.refresh()
    return np.array(layer._slice.image.view)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "uint16", "int64"])
@pytest.mark.parametrize("contour", [0, 1, 2, 3])
def test_a_layer_shows_what_it_would_show_anyway(dtype: str, contour: int) -> None:
    layer = make_layer(dtype)
    layer.contour = contour
    expected = shown(layer)
    assert outline_quickly(layer)
    found = shown(layer)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_colours_of_ones_own_and_a_selected_label_are_shown_too() -> None:
    quick, usual = make_layer(), make_layer()
    assert outline_quickly(quick)
    for layer in (quick, usual):
        layer.contour, layer.selected_label = 2, 7
        layer.show_selected_label = True
    np.testing.assert_array_equal(shown(quick), shown(usual))
    colours = {None: "black", 0: "transparent", 3: "red", 9: "green"}
    for layer in (quick, usual):
        layer.show_selected_label = False
        layer.colormap = DirectLabelColormap(color_dict=colours)
    np.testing.assert_array_equal(shown(quick), shown(usual))
    assert np.unique(shown(quick)).size > 2


def test_a_stroke_is_drawn_as_by_napari() -> None:
    quick, usual = make_layer(), make_layer()
    assert outline_quickly(quick)
    for layer in (quick, usual):
        layer.contour = 2
        layer.paint((60, 70), 300)
        layer.fill((60, 70), 12)
        layer.undo()
    np.testing.assert_array_equal(
        np.array(quick._slice.image.view), np.array(usual._slice.image.view)
    )


def test_each_plane_of_a_stack_is_outlined() -> None:
    layer = Labels(np.stack([make_layer().data, make_layer().data[::-1]]))
    layer.contour = 1
    expected = shown(layer)
    assert outline_quickly(layer)
    np.testing.assert_array_equal(shown(layer), expected)
    assert expected.ndim == 2


def test_the_first_labels_may_come_later() -> None:
    layer = Labels(np.zeros((120, 150), np.int32))
    layer.contour = 2
    assert outline_quickly(layer)
    assert not shown(layer).any()
    layer.data = make_layer().data
    np.testing.assert_array_equal(shown(layer) > 0, get_contours(layer.data, 2, 0) > 0)


def test_a_napari_that_draws_something_else_draws_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer = make_layer()
    layer.contour = 2
    contour = Labels._calculate_contour
    monkeypatch.setattr(
        Labels, "_calculate_contour", lambda *given: np.roll(contour(*given), 1)
    )
    expected = shown(layer)
    assert outline_quickly(layer)
    np.testing.assert_array_equal(shown(layer), expected)


def test_a_napari_without_that_method_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def other(self: Any, raw: Any) -> Any:
        return raw

    monkeypatch.setattr(Labels, "_raw_to_displayed", other)
    layer = make_layer()
    assert not outline_quickly(layer)
    assert "_raw_to_displayed" not in vars(layer)


def test_a_layer_does_not_hold_itself() -> None:
    import gc
    import weakref

    layer = make_layer()
    outline_quickly(layer)
    layer.contour = 2
    shown(layer)
    drawing = vars(layer)["_raw_to_displayed"]
    held = gc.get_referents(*(cell.cell_contents for cell in drawing.__closure__))
    assert not any(each is layer for each in held)
    assert any(
        isinstance(cell.cell_contents, weakref.ref) for cell in drawing.__closure__
    )
