"""The colours of both widgets follow napari's theme; its menus hold both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication, QPushButton

from napari_unet_nuclei.plugin.finetune.widget import FineTuneWidget
from napari_unet_nuclei.plugin.segment.widget import SegmentWidget
from napari_unet_nuclei.plugin.shared.theme import theme_colours

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from conftest import NapariWindow

SEGMENT, FINE_TUNE = "Segment nuclei", "Fine-tune on labels"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_run_button_stands_out_in_the_theme_there_is_now(
    window: NapariWindow, theme: str
) -> None:
    widget = window.open(SEGMENT)
    for name in ("light", "dark", theme):  # while the window is open
        window.viewer.theme = name
    window.settle()

    def colour(button: QPushButton) -> str:
        return button.grab().toImage().pixelColor(8, 8).name()

    accent = theme_colours(theme).accent.name()
    assert colour(widget.panel.run_button.native) == accent
    assert colour(widget.copy_button.native) != accent


def test_the_widgets_are_where_readme_and_docs_say(window: NapariWindow) -> None:
    def entries(menu: Any) -> dict[str, Any]:
        menu.aboutToShow.emit()  # napari fills its menus late
        return {each.text().replace("&", ""): each for each in menu.actions()}

    bar = {
        each.text().replace("&", ""): each.menu()
        for each in window.native.menuBar().actions()
    }
    root = Path(__file__).parents[2]
    readme = (root / "README.md").read_text(encoding="utf-8")
    steps = (root / "docs" / "in-napari.md").read_text(encoding="utf-8")
    for title in (SEGMENT, FINE_TUNE):
        assert f"*Plugins ▸ U-Net nuclei ▸ {title}*" in readme
        assert f"*Plugins ▸ U-Net nuclei ▸ {title}*" in steps
        submenu = entries(bar["Plugins"])["U-Net nuclei"].menu()
        assert any(text.startswith(title) for text in entries(submenu))
        submenu = entries(bar["Layers"])["Segment"].menu()
        assert any(text.startswith(title) for text in entries(submenu))
    assert "*Layers ▸ Segment*" in steps


@pytest.mark.parametrize("widget_type", [SegmentWidget, FineTuneWidget])
def test_a_widget_that_is_gone_follows_no_theme(
    qtbot: QtBot, make_model: Callable[..., Path], widget_type: Any
) -> None:
    make_model("tiny")
    viewer = ViewerModel()
    widget = widget_type(viewer)
    with qtbot.waitSignal(widget.native.destroyed):
        widget.native.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    viewer.theme = "light"
