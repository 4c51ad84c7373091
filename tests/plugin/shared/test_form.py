from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox, Label, LineEdit
from qtpy.QtWidgets import QLabel

from napari_unet_nuclei.plugin.shared.form import make_form

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def test_a_row_comes_and_goes_with_its_control(qtbot: QtBot) -> None:
    axes, words = LineEdit(label="Axes"), Label(value="ZYX, 12 planes")
    channel, own = ComboBox(label="Channel", choices=[1, 2]), QLabel("Qt's own")
    words.label = ""
    form = make_form([axes, words, channel, own])
    qtbot.addWidget(form)
    form.show()
    (label,) = (each for each in form.findChildren(QLabel) if each.text() == "Channel")
    assert words.native.width() == own.width() == form.width()
    height = form.sizeHint().height()
    channel.visible = False
    assert not label.isVisible()
    assert form.sizeHint().height() < height
    channel.visible = True
    assert label.isVisible()


def test_a_control_that_begins_hidden_has_no_label_on_show(qtbot: QtBot) -> None:
    area = LineEdit(label="Area", visible=False)
    form = make_form([LineEdit(label="Axes"), area])
    qtbot.addWidget(form)
    form.show()
    (label,) = (each for each in form.findChildren(QLabel) if each.text() == "Area")
    assert not label.isVisible()
    area.visible = True
    assert label.isVisible()
