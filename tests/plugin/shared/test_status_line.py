from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.plugin.shared.status_line import StatusLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot


@pytest.fixture
def line(qtbot: QtBot) -> StatusLine:
    line = StatusLine(value="")
    qtbot.addWidget(line.native)
    line.native.resize(300, 20)
    line.native.show()
    return line


def height(line: StatusLine) -> float:
    """Lines that the text needs."""
    label = line.native
    needed = max(label.minimumHeight(), label.heightForWidth(label.width()))
    return needed / label.fontMetrics().lineSpacing()


def test_it_takes_the_height_it_needs(line: StatusLine) -> None:
    assert 1 <= height(line) < 2
    line.value = "57 nuclei"
    assert 1 <= height(line) < 2
    line.value = "several words " * 10
    assert 3 <= height(line) < 6
    line.value = "several words " * 1000
    assert height(line) < 10
    line.value = "57 nuclei"
    assert height(line) < 2  # it gives the height back


def test_the_value_is_always_the_whole_text(
    line: StatusLine, tooltip_of: Callable[..., str]
) -> None:
    text = "x" * 300 + " was removed"
    line.value = text
    assert line.is_cut
    assert line.value == text
    assert line.native.text().endswith(" was removed")
    assert tooltip_of(line.native).replace("\u200b", "") == f"<p>{text}</p>"
    line.value = "57 nuclei"
    line.tooltip = "OpenVINO, bf16"
    assert not line.is_cut
    assert tooltip_of(line.native) == "<p>OpenVINO, bf16</p>"


def test_what_has_room_again_is_shown_again(line: StatusLine) -> None:
    line.value = "a_long_name_of_an_image_without_any_spaces_in_it"
    line.native.resize(100, 20)
    assert line.is_cut
    line.native.resize(900, 20)
    assert not line.is_cut


def test_a_text_is_no_html(line: StatusLine) -> None:
    line.value = "<b>bold</b> was removed"
    line.native.resize(500, 20)
    assert line.native.text() == line.value
    assert line.native.textFormat() == line.native.textFormat().PlainText
