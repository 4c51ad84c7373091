from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from napari.components import ViewerModel
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QWidget

from napari_unet_nuclei.plugin.finetune.training_plot import TrainingPlot
from napari_unet_nuclei.plugin.shared.theme import (
    Colours,
    contrast,
    doubt_colour,
    follow_theme,
    problem_colour,
    readable_on,
    theme_colours,
)

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

READABLE = 4.5  # WCAG 2, AA
themes = pytest.mark.parametrize("theme", ["dark", "light"])


@themes
def test_words_can_be_read(theme: str, qtbot: QtBot) -> None:
    colours = theme_colours(theme)
    assert colours.is_dark == (theme == "dark")
    assert contrast(colours.text, colours.background) >= READABLE
    assert contrast(readable_on(colours.accent), colours.accent) >= READABLE
    for colour in (problem_colour(colours), doubt_colour(colours)):
        assert contrast(colour, colours.background) >= READABLE
    plot = TrainingPlot(colours)
    qtbot.addWidget(plot)
    for colour in plot.curve_colours:
        assert contrast(colour, colours.background) >= READABLE


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(QColor("white"), QColor("black")) == pytest.approx(21)
    assert contrast(QColor("#777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


def test_the_theme_is_followed_until_the_owner_is_gone(qtbot: QtBot) -> None:
    viewer, owner = ViewerModel(), QWidget()
    seen: list[Colours] = []
    follow_theme(viewer, owner, seen.append)
    viewer.theme = "light"
    assert [colours.is_dark for colours in seen] == [True, False]
    with qtbot.waitSignal(owner.destroyed):
        owner.deleteLater()
    viewer.theme = "dark"
    assert len(seen) == 2
