from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qtpy.QtWidgets import QComboBox

from napari_unet_nuclei.plugin.shared.elision import (
    as_tooltip,
    elide_choice,
    elide_words,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

LONG = "begin " + "of a very long name " * 15 + "end"


@pytest.fixture
def choice(qtbot: QtBot) -> QComboBox:
    choice = QComboBox()
    qtbot.addWidget(choice)
    choice.setToolTip("what it is for")
    choice.addItems(["short", LONG])
    elide_choice(choice)
    choice.resize(160, 26)
    choice.show()
    return choice


def test_a_long_name_makes_no_list_wide(choice: QComboBox) -> None:
    assert choice.minimumSizeHint().width() < 160
    assert choice.sizeHint().width() < 200


def test_only_what_is_cut_is_told_in_the_tooltip(
    choice: QComboBox, tooltip_of: Callable[..., str]
) -> None:
    assert tooltip_of(choice) == "<p>what it is for</p>"
    choice.setCurrentIndex(1)
    told = tooltip_of(choice)
    assert "begin" in told
    assert "end" in told
    assert "what it is for" in told
    choice.showPopup()
    view = choice.view()
    places = [view.visualRect(view.model().index(row, 0)).center() for row in (0, 1)]
    assert tooltip_of(view.viewport(), places[0]) == ""
    assert "end" in tooltip_of(view.viewport(), places[1])
    choice.hidePopup()


def test_both_ends_of_a_long_name_are_seen(choice: QComboBox) -> None:
    """What is painted is what a list shows whose entry is shortened already."""
    choice.setCurrentIndex(1)
    shown = choice.grab().toImage()
    choice.setItemText(1, LONG[:60] + "x" * 200 + LONG[-60:])
    assert choice.grab().toImage() == shown


def test_words_are_shortened_to_a_line(choice: QComboBox) -> None:
    metrics = choice.fontMetrics()
    assert elide_words("a short  sentence", metrics, 100) == "a short  sentence"
    first, second = elide_words("x" * 300 + " was removed", metrics, 100).split(" ", 1)
    assert second == "was removed"
    assert "…" in first
    assert metrics.horizontalAdvance(first) <= 100


def test_tooltips_are_plain_text_that_can_be_wrapped() -> None:
    assert as_tooltip("", "a < b\nc") == "<p>a &lt; b<br>c</p>"
    words = as_tooltip("y" * 300).removeprefix("<p>").removesuffix("</p>")
    assert words.replace("\u200b", "") == "y" * 300
    assert max(map(len, words.split("\u200b"))) == 40
