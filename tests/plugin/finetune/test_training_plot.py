from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtGui import QColor, QImage

from napari_unet_nuclei.plugin.finetune.training_events import StepEvent
from napari_unet_nuclei.plugin.finetune.training_plot import Scale, TrainingPlot
from napari_unet_nuclei.plugin.shared.theme import theme_colours

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot


@pytest.fixture
def plot(qtbot: QtBot) -> TrainingPlot:
    plot = TrainingPlot(theme_colours("dark"))
    qtbot.addWidget(plot)
    plot.resize(330, 180)
    plot.clear(5)
    return plot


def step(epoch: int, loss: float | None, score: float | None) -> StepEvent:
    seconds = 30.0 * epoch
    return StepEvent(
        epoch=epoch, progress=0, seconds=seconds, loss=loss, score=score, is_best=False
    )


def train(plot: TrainingPlot) -> None:
    plot.add(step(0, None, 0.4))
    for epoch in range(1, 6):
        plot.add(step(epoch, 0.5 / epoch, 0.4 + 0.02 * epoch))


def pixels(plot: TrainingPlot) -> NDArray[np.uint8]:
    image = plot.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    data = image.constBits().asarray(image.sizeInBytes())
    rows = np.frombuffer(data, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def places_of(image: NDArray[np.uint8], colour: QColor) -> NDArray[np.intp]:
    wanted = (colour.red(), colour.green(), colour.blue())
    return np.argwhere((np.abs(image.astype(int) - wanted) < 12).all(axis=-1))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_curves_legend_and_numbers_have_the_colours_of_the_theme(
    plot: TrainingPlot, theme: str
) -> None:
    train(plot)
    colours = theme_colours(theme)
    plot.use(colours)
    image = pixels(plot)
    background = places_of(image, colours.background)
    assert len(background) > 0.8 * image.shape[0] * image.shape[1]
    loss, score = plot.curve_colours
    for colour in (loss, score):
        rows, columns = places_of(image, colour).T
        assert rows.min() < 20 < 60 < rows.max()  # legend and numbers
    assert np.ptp(columns) > 100  # the curve of the score
    # That of the loss lies behind it, half transparent and thin.
    mixed = [
        (getattr(loss, name)() + getattr(colours.background, name)()) // 2
        for name in ("red", "green", "blue")
    ]
    between = np.abs(image[20:].astype(int) - mixed).max(axis=-1) < 40
    assert np.ptp(np.nonzero(between)[1]) > 100


@pytest.mark.parametrize("width", [240, 330, 600])
def test_nothing_is_cut_off(plot: TrainingPlot, width: int) -> None:
    train(plot)
    plot.resize(width, 180)
    image = pixels(plot)
    background = theme_colours("dark").background.getRgb()[:3]
    rim = np.concatenate(
        [image[[0, -1]].reshape(-1, 3), image[:, [0, -1]].reshape(-1, 3)]
    )
    assert np.abs(rim.astype(int) - background).max() < 30


def test_the_start_is_drawn_all_across(plot: TrainingPlot) -> None:
    train(plot)
    _, score = plot.curve_colours
    before = places_of(pixels(plot), score)[:, 1].max()
    plot.clear(5)
    plot.add(step(1, 0.5, 0.42))
    assert places_of(pixels(plot)[:, :280], score)[:, 1].max() < before
    assert plot.n_points == (1, 1)


@pytest.mark.parametrize("score", [0.01, 0.39, 0.98])
def test_the_start_is_within_the_axes_whatever_comes(
    plot: TrainingPlot, score: float
) -> None:
    plot.add(step(0, None, 0.4))
    for epoch in range(1, 4):
        plot.add(step(epoch, 0.5, score))
    background = theme_colours("dark").background.getRgb()[:3]
    # Between legend and minutes, right of the last score: only the dashed line.
    part = pixels(plot)[35:150, 150:270].astype(int)
    rows, columns = np.nonzero((np.abs(part - background) > 30).any(axis=-1))
    assert np.ptp(columns) > 100  # all across
    assert np.ptp(rows) <= 3  # and level


def test_an_empty_plot_has_no_made_up_numbers(plot: TrainingPlot) -> None:
    image = pixels(plot)[20:]
    for colour in plot.curve_colours:
        assert not len(places_of(image, colour))
    assert plot.accessibleName() == "No training yet"
    train(plot)
    assert plot.accessibleName() == (
        "held-out score 0.500, start model 0.400, training loss 0.100"
    )


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 5, [0, 1, 2, 3, 4, 5]),
        (0, 240, [0, 50, 100, 150, 200]),
        (0.403, 0.49, [0.42, 0.44, 0.46, 0.48]),
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
    ],
)
def test_ticks_are_few_and_round(low: float, high: float, ticks: list[float]) -> None:
    assert Scale(low=low, high=high).ticks == pytest.approx(ticks)


@pytest.mark.parametrize("values", [[0.5], [0.0, 0.0], [1e-9, 2e-9], [0.1, 300.0]])
def test_all_values_have_a_place(values: list[float]) -> None:
    scale = Scale.around(values, 0.04)
    assert all(0 < scale.place(value) < 1 for value in values)
    assert 2 <= len(scale.ticks) <= 7


def test_napari_does_not_wait_for_matplotlib() -> None:
    program = (
        "import sys, napari_unet_nuclei.plugin.finetune.training_plot;"
        "sys.exit('matplotlib' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
