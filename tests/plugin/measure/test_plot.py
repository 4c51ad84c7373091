from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor, QImage, QPainter

from napari_unet_nuclei.plugin.measure import nuclei_plot
from napari_unet_nuclei.plugin.measure.nuclei_plot import NucleiPlot
from napari_unet_nuclei.plugin.measure.plot_drawing import group_colour, mark_colour
from napari_unet_nuclei.plugin.measure.plotted_nuclei import (
    MOST_GROUPS,
    PlottedNuclei,
    can_group,
    plot_nuclei,
)
from napari_unet_nuclei.plugin.shared.theme import contrast, theme_colours

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

LABEL = np.arange(1, 10)
X = np.arange(9.0)
Y = X % 3


@pytest.fixture
def plot(qtbot: QtBot) -> NucleiPlot:
    plot = NucleiPlot(theme_colours("dark"))
    qtbot.addWidget(plot)
    plot.resize(330, 250)
    plot.show()
    return plot


def grid() -> PlottedNuclei:
    return plot_nuclei(LABEL, ("x", X), ("y", Y), ("z", Y))


def pixels(plot: NucleiPlot) -> NDArray[np.uint8]:
    image = plot.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    data = image.constBits().asarray(image.sizeInBytes())
    rows = np.frombuffer(data, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def count(plot: NucleiPlot, colour: QColor) -> int:
    wanted = (colour.red(), colour.green(), colour.blue())
    return int((pixels(plot) == wanted).all(axis=-1).sum())


def place_of(plot: NucleiPlot, row: int) -> QPoint:
    assert plot.frame is not None
    x, y = plot.frame.places()
    return QPoint(round(x[row]), round(y[row]))


def drag(qtbot: QtBot, plot: NucleiPlot, one: QPoint, other: QPoint) -> Any:
    with qtbot.waitSignal(plot.selected) as signal:
        qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=one)
        qtbot.mouseMove(plot, other)
        qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=other)
    return signal.args[0].tolist()


def click(qtbot: QtBot, plot: NucleiPlot, place: QPoint) -> Any:
    return drag(qtbot, plot, place, place)


def test_a_box_selects_what_is_in_it(plot: NucleiPlot, qtbot: QtBot) -> None:
    plot.show_nuclei(grid())
    low, high = place_of(plot, 3), place_of(plot, 7)
    around = QPoint(6, 6)
    corners = QPoint(low.x(), high.y()) - around, QPoint(high.x(), low.y()) + around
    assert drag(qtbot, plot, *corners) == [4, 5, 7, 8]
    assert drag(qtbot, plot, *reversed(corners)) == [4, 5, 7, 8]


def test_a_click_selects_the_nearest_point_or_none(
    plot: NucleiPlot, qtbot: QtBot
) -> None:
    plot.show_nuclei(grid())
    assert click(qtbot, plot, place_of(plot, 4) + QPoint(3, 3)) == [5]
    between = (place_of(plot, 0) + place_of(plot, 1)) / 2
    assert click(qtbot, plot, between) == []


def test_a_click_on_a_bar_selects_its_nuclei(plot: NucleiPlot, qtbot: QtBot) -> None:
    values = np.array([0.0] * 5 + [10.0] * 3 + [np.nan])
    plot.show_nuclei(plot_nuclei(LABEL, ("x", values)))
    assert click(qtbot, plot, place_of(plot, 6) - QPoint(3, 20)) == [6, 7, 8]
    assert drag(qtbot, plot, QPoint(0, 60), QPoint(150, 90)) == [1, 2, 3, 4, 5]


def test_escape_selects_none(plot: NucleiPlot, qtbot: QtBot) -> None:
    plot.show_nuclei(grid())
    with qtbot.waitSignal(plot.selected) as signal:
        qtbot.keyClick(plot, Qt.Key.Key_Escape)
    assert signal.args[0].size == 0


def test_marks_are_seen_and_told(plot: NucleiPlot) -> None:
    colour = mark_colour(theme_colours("dark"))
    plot.show_nuclei(grid())
    assert plot.accessibleName() == "y over x, 9 nuclei, 0 selected"
    assert not count(plot, colour)
    plot.mark(np.array([2, 5, 77]))
    assert plot.marked.tolist() == [2, 5]
    assert plot.accessibleName().endswith("2 selected")
    assert count(plot, colour)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_groups_have_colours_that_are_seen_in_the_theme(
    plot: NucleiPlot, theme: str
) -> None:
    colours = theme_colours(theme)
    plot.use(colours)
    plot.show_nuclei(plot_nuclei(LABEL, ("x", X), None, ("z", X // 3)))
    for number in range(3):
        assert count(plot, group_colour(number, colours)) > 10
    assert pixels(plot)[0, -1].tolist() == list(colours.background.getRgb()[:3])
    for number in range(MOST_GROUPS + 1):
        assert contrast(group_colour(number, colours), colours.background) > 4.5


def test_an_empty_plot_says_why(plot: NucleiPlot) -> None:
    plot.show_nuclei(None)
    assert count(plot, theme_colours("dark").text)
    assert plot.accessibleName() == "No nuclei to plot"
    plot.show_nuclei(plot_nuclei(LABEL, ("x", X * np.nan)))
    assert plot.marked.size == 0
    plot.mark(LABEL)
    plot.grab()


def test_one_value_makes_one_bar(plot: NucleiPlot) -> None:
    nuclei = plot_nuclei(LABEL, ("x", np.full(9, 4.0)))
    edges, counts = nuclei.histogram()
    assert edges.tolist() == [3.5, 4.5]
    assert counts.tolist() == [[9]]
    plot.show_nuclei(nuclei)
    plot.grab()


def test_ten_thousand_nuclei_are_drawn_in_a_moment(plot: NucleiPlot) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 10_000))
    nuclei = plot_nuclei(np.arange(10_000), ("x", values[0]), ("y", values[1]))
    plot.show_nuclei(nuclei)
    start = time.perf_counter()
    plot.grab()
    assert time.perf_counter() - start < 0.5  # 0.04 s on a quiet machine
    counts = PlottedNuclei.histogram(nuclei)[1]
    assert counts.sum() == 10_000


def test_missing_values_and_rare_groups_are_groups() -> None:
    names = np.array([None, *"aabbcdefghij"], object)
    nuclei = plot_nuclei(np.arange(13), ("x", np.arange(13.0)), None, ("kind", names))
    assert len(nuclei.groups) == MOST_GROUPS + 1
    assert nuclei.groups[-1] == "others"
    assert {"kind a", "kind b"} <= set(nuclei.groups)
    planes = plot_nuclei(LABEL, ("x", X), None, ("z", X - 5))
    assert planes.groups[0] == "z -5"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 1], False),
        ([1, 2], True),
        (list(range(50)), False),
        (["a", None], True),
        ([1.0, np.nan, np.nan], True),
        ([np.nan, np.nan], False),
    ],
)
def test_columns_of_few_values_are_groups(values: list[Any], expected: bool) -> None:
    assert can_group(np.array(values)) is expected


def test_axes_say_their_unit(plot: NucleiPlot, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    class Painter(QPainter):
        def drawText(self, *values: Any) -> None:
            drawn.append(values[-1])
            super().drawText(*values)

    monkeypatch.setattr(nuclei_plot, "QPainter", Painter)
    plot.show_nuclei(plot_nuclei(LABEL, ("area_um2", X), ("perimeter", Y)))
    plot.grab()
    assert {"area (µm²)", "perimeter (px)"} <= set(drawn)
    assert plot.accessibleName().startswith("perimeter (px) over area (µm²), ")
