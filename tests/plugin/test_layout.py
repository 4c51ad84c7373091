"""How both widgets are laid out in napari's window, at any size of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QSlider

from napari_unet_nuclei.plugin.shared.form_area import FormArea

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from conftest import NapariWindow

SEGMENT, FINE_TUNE = "Segment nuclei", "Fine-tune on labels"
both = pytest.mark.parametrize("title", [SEGMENT, FINE_TUNE])
LONG_NAME = "x" * 300


@pytest.mark.parametrize("size", [(1366, 768), (1600, 1000)])
@both
def test_all_controls_are_seen_at_usual_sizes(
    window: NapariWindow, title: str, size: tuple[int, int]
) -> None:
    widget = window.open(title)
    window.resize(*size)
    assert not window.area_of(widget).can_scroll
    window.assert_not_cut(widget)
    assert window.is_reachable(widget.panel.run_button.native)


def test_both_widgets_fit_into_one_window(window: NapariWindow, qtbot: QtBot) -> None:
    window.resize(1600, 1000)
    segment = window.open(SEGMENT)
    qtbot.wait(1000)  # long before the other
    fine_tune = window.open(FINE_TUNE)
    qtbot.waitUntil(lambda: not window.area_of(segment).can_scroll)
    qtbot.waitUntil(lambda: not window.area_of(fine_tune).can_scroll)
    for widget in (segment, fine_tune):
        window.assert_not_cut(widget)


def test_the_threshold_has_the_whole_width(window: NapariWindow) -> None:
    widget = window.open(SEGMENT)
    slider = widget.threshold.native.findChild(QSlider)
    assert slider.width() >= 200
    assert slider.width() >= 0.9 * widget.native.width()
    dock = widget.native.parent()
    window.native.resizeDocks([dock], [1], Qt.Orientation.Horizontal)
    window.settle()
    assert widget.native.width() <= 300
    assert slider.width() >= 200
    window.assert_not_cut(widget)


@both
def test_in_a_low_dock_the_controls_scroll_and_the_button_stays(
    window: NapariWindow, title: str
) -> None:
    widget = window.open(title)
    widget.panel.say("Some sentence of a line or two that says what has happened. " * 2)
    window.float(widget, 320, 300 if title == SEGMENT else 220)
    assert widget.native.parent().height() <= 400
    status = widget.panel.status.native
    assert status.height() >= status.heightForWidth(status.width())
    for reachable in (
        widget.panel.run_button.native,
        widget.panel.cancel_button.native,
        widget.panel.status.native,
    ):
        assert window.is_reachable(reachable)
    area = window.area_of(widget)
    assert area.can_scroll
    last = widget.smooth if title == SEGMENT else widget.model_name
    area.ensureWidgetVisible(last.native)
    assert window.is_reachable(last.native)
    bars = [bar for bar in widget.native.findChildren(FormArea) if bar.can_scroll]
    assert len(bars) <= 1
    assert not area.horizontalScrollBar().isVisible()


@both
def test_long_names_make_no_dock_wide(
    window: NapariWindow, title: str, tooltip_of: Callable[..., str]
) -> None:
    widget = window.open(title)
    width = widget.native.width()
    least = widget.native.parent().minimumSizeHint().width()
    for layer in window.viewer.layers:
        layer.name = LONG_NAME
    widget.panel.say(f"{LONG_NAME} was removed", "a tooltip")
    window.settle()
    assert widget.native.width() == width
    assert widget.native.parent().minimumSizeHint().width() == least <= 300
    window.assert_not_cut(widget)
    for place in (widget.image.native, widget.panel.status.native):
        assert LONG_NAME in tooltip_of(place).replace("\u200b", "")
    assert "…" in widget.panel.status.native.text()


def test_nothing_above_the_status_moves_when_it_grows(window: NapariWindow) -> None:
    widget = window.open(SEGMENT)
    button = widget.panel.run_button.native

    def places() -> list[QPoint]:
        below = widget.copy_button.native
        return [each.mapTo(widget.native, QPoint(0, 0)) for each in (button, below)]

    before = places()
    gap = widget.panel.status.native.mapTo(widget.native, QPoint(0, 0)).y()
    gap -= before[0].y() + button.height()
    assert gap < 24
    for text in ("One line.", "A sentence of several lines. " * 10):
        widget.panel.say(text)
        widget.panel.progress_bar.visible = len(text) > 20
        window.settle()
        assert places() == before


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
@pytest.mark.parametrize(
    "titles",
    [
        (SEGMENT, "Correct nuclei", "Measure nuclei"),
        ("Browse images", SEGMENT, "Correct nuclei", "Measure nuclei"),
        ("Correct nuclei", "Measure nuclei", SEGMENT),
    ],
)
def test_the_sliders_stay_in_sight_however_many_docks_there_are(
    window: NapariWindow, qtbot: QtBot, titles: tuple[str, ...], size: tuple[int, int]
) -> None:
    window.resize(*size)
    widgets = {title: window.open(title) for title in titles}
    segment = widgets[SEGMENT]
    newest = [title for title in titles if title != SEGMENT][-1]
    parts = [
        *(segment.threshold, segment.separation),
        *(segment.panel.run_button, segment.panel.status),
        widgets[newest],
    ]

    def is_laid_out() -> bool:
        are_seen = all(window.is_reachable(part.native) for part in parts)
        return are_seen and (window.native.width(), window.native.height()) == size

    qtbot.waitUntil(is_laid_out, timeout=20_000)  # a busy machine lays out late
    qtbot.wait(500)
    assert is_laid_out()


def test_docks_stand_below_each_other_where_there_is_room(
    window: NapariWindow, qtbot: QtBot
) -> None:
    window.resize(1366, 768)
    segment, correct = window.open(SEGMENT), window.open("Correct nuclei")
    docks = [each.native.parent() for each in (segment, correct)]
    qtbot.waitUntil(lambda: docks[1].y() > docks[0].y(), timeout=20_000)
    qtbot.wait(700)
    assert not window.native.tabifiedDockWidgets(docks[0])
    newest = window.open("Measure nuclei").native.parent()

    def behind() -> list[object]:
        return list(window.native.tabifiedDockWidgets(newest))

    qtbot.waitUntil(lambda: behind() == [docks[1]], timeout=20_000)
