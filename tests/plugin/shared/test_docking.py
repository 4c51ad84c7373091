from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_unet_nuclei.plugin.shared.form_area import FormArea

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def is_whole(row: QWidget) -> bool:
    return bool(row.visibleRegion().boundingRect() == row.rect())


def test_a_new_row_stays_in_sight_when_room_is_taken_late(qtbot: QtBot) -> None:
    form = QWidget()
    rows = [QLabel(str(number)) for number in range(12)]
    layout = QVBoxLayout(form)
    for row in rows:
        row.setFixedHeight(40)
        layout.addWidget(row)
    area = FormArea(form)
    qtbot.addWidget(area)
    area.resize(300, 400)
    area.show()
    qtbot.waitExposed(area)
    area.show_soon(rows[-1])
    qtbot.waitUntil(lambda: is_whole(rows[-1]))
    area.resize(300, 200)  # as a status line does that grows only now
    qtbot.waitUntil(lambda: area.viewport().height() <= 200)
    qtbot.waitUntil(lambda: is_whole(rows[-1]))
