from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import LineEdit
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_unet_nuclei.plugin.run_panel import make_form
from napari_unet_nuclei.plugin.wrapped_words import WrappedWords

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

LONG = "These labels come from one image, not from another. " * 3


def test_words_take_the_height_they_need_and_give_it_back(qtbot: QtBot) -> None:
    words = WrappedWords()
    window = QWidget()
    layout = QVBoxLayout(window)
    layout.addWidget(make_form([LineEdit(label="Name"), words]))
    layout.addStretch()
    qtbot.addWidget(window)
    window.resize(220, 500)
    window.show()
    words.say("short")
    qtbot.waitUntil(lambda: words.native.width() > 100)
    line = words.native.minimumHeight()
    words.say(LONG)
    assert words.native.minimumHeight() > 3 * line
    window.resize(900, 500)
    qtbot.waitUntil(lambda: words.native.minimumHeight() < 3 * line)
    words.say("short")
    assert words.native.minimumHeight() == line
    qtbot.waitUntil(lambda: words.native.height() < 2 * line)


def test_a_style_is_set_and_taken_back(qtbot: QtBot) -> None:
    words = WrappedWords()
    qtbot.addWidget(words.native)
    words.say("wrong", "QLabel { color: red; }")
    assert words.native.styleSheet()
    words.say("right")
    assert not words.native.styleSheet()
