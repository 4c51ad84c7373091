from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import LineEdit

from napari_unet_nuclei.plugin.shared.form import make_form
from napari_unet_nuclei.plugin.shared.form_area import FormArea
from napari_unet_nuclei.plugin.shared.sections import Section

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def test_a_section_unfolds_and_folds_with_a_click(qtbot: QtBot) -> None:
    name = LineEdit(label="Name")
    told: list[bool] = []
    section = Section("Model", [name], on_toggle=lambda: told.append(section.is_open))
    area = FormArea(make_form([section]))
    qtbot.addWidget(area)
    area.show()
    folded = area.sizeHint().height()
    assert not section.is_open
    assert not name.native.isVisible()
    section.header.click()
    assert section.is_open
    assert name.native.isVisible()
    qtbot.waitUntil(lambda: area.maximumHeight() > folded)
    section.header.click()
    assert not name.native.isVisible()
    assert told == [True, False]
    section.open()
    assert section.is_open
    assert told == [True, False]


def test_the_header_says_what_is_inside_only_while_it_is_folded(qtbot: QtBot) -> None:
    section = Section("Model", [LineEdit(label="Name")])
    qtbot.addWidget(section)
    section.resize(300, 40)
    section.show()
    section.summarise("ResNet")
    assert section.header.text() == "▸  Model: ResNet"
    section.open()
    assert section.header.text() == "▾  Model"
    assert section.header.accessibleName() == "Model"


def test_a_long_summary_makes_no_dock_wide(qtbot: QtBot) -> None:
    section = Section("Model", [LineEdit(label="Name")])
    qtbot.addWidget(section)
    before = section.minimumSizeHint().width()
    section.resize(200, 40)
    section.show()
    section.summarise("x" * 300)
    assert section.minimumSizeHint().width() == before
    assert section.header.text().endswith("…")
    assert "x" * 300 in section.header.toolTip()
