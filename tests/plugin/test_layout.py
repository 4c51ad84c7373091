"""How both widgets look in napari's window, at any size of it and in both themes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QWidget,
)

from napari_unet_nuclei.plugin.files import download_dialog
from napari_unet_nuclei.plugin.finetune.widget import FineTuneWidget
from napari_unet_nuclei.plugin.segment.widget import SegmentWidget
from napari_unet_nuclei.plugin.shared.docking import FormArea
from napari_unet_nuclei.plugin.shared.form import make_form
from napari_unet_nuclei.plugin.shared.theme import theme_colours

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

SEGMENT, FINE_TUNE = "Segment nuclei", "Fine-tune on labels"
CONTROLS = (QAbstractSpinBox, QCheckBox, QComboBox, QLabel, QLineEdit, QPushButton)
LONG_NAME = "x" * 300
both = pytest.mark.parametrize("title", [SEGMENT, FINE_TUNE])


class Scene:
    """A real window of a size, with an image, its labels and widgets."""

    def __init__(self, viewer: Any, qtbot: QtBot) -> None:
        self.viewer = viewer
        self._qtbot = qtbot

    @property
    def window(self) -> Any:
        return self.viewer.window._qt_window  # kept, it would look like a leak

    def open(self, title: str) -> Any:
        _, widget = self.viewer.window.add_plugin_dock_widget(
            "napari-unet-nuclei", title
        )
        self.settle()
        return widget

    def resize(self, width: int, height: int) -> None:
        self.window.resize(width, height)
        self.settle()

    def float(self, widget: Any, width: int, height: int) -> None:
        """Take a dock out of the window, whose other docks need more height."""
        dock = widget.native.parent()
        dock.setFloating(True)
        dock.resize(width, height)
        self.settle()

    def settle(self) -> None:
        self._qtbot.wait(120)  # Qt lays out in several rounds of events


@pytest.fixture
def scene(
    make_napari_viewer: Callable[..., Any],
    qtbot: QtBot,
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
) -> Scene:
    make_model("tiny")
    viewer = make_napari_viewer(show=True)
    viewer.add_image(image, name="cells")
    viewer.add_labels((image > 80).astype(np.uint8), name="truth")
    scene = Scene(viewer, qtbot)
    scene.resize(1366, 768)
    return scene


def area_of(widget: Any) -> FormArea:
    area = widget.native.findChild(FormArea)
    assert area is not None
    return area


def assert_not_cut(widget: Any) -> None:
    """Every control lies within the dock, and has the room it asks for."""
    dock = widget.native.parent().rect()
    for control in widget.native.findChildren(QWidget):
        if not isinstance(control, CONTROLS) or not control.isVisible():
            continue
        place = control.rect().translated(
            control.mapTo(widget.native.parent(), QPoint(0, 0))
        )
        assert dock.contains(place), control
        needed = control.minimumSizeHint()
        assert control.width() >= needed.width() or control.hasHeightForWidth()
        assert control.height() >= min(needed.height(), 18), control


def is_reachable(control: QWidget) -> bool:
    """Whether all of a control is on the screen."""
    return control.visibleRegion().boundingRect() == control.rect()


@pytest.mark.parametrize("size", [(1366, 768), (1600, 1000)])
@both
def test_all_controls_are_seen_at_usual_sizes(
    scene: Scene, title: str, size: tuple[int, int]
) -> None:
    widget = scene.open(title)
    scene.resize(*size)
    assert not area_of(widget).can_scroll
    assert_not_cut(widget)
    assert is_reachable(widget.panel.run_button.native)


def test_both_widgets_fit_into_one_window(scene: Scene, qtbot: QtBot) -> None:
    scene.resize(1600, 1000)
    segment = scene.open(SEGMENT)
    qtbot.wait(1000)  # long before the other
    fine_tune = scene.open(FINE_TUNE)
    qtbot.waitUntil(lambda: not area_of(segment).can_scroll)
    qtbot.waitUntil(lambda: not area_of(fine_tune).can_scroll)
    for widget in (segment, fine_tune):
        assert_not_cut(widget)


def test_the_threshold_has_the_whole_width(scene: Scene) -> None:
    widget = scene.open(SEGMENT)
    slider = widget.threshold.native.findChild(QSlider)
    assert slider.width() >= 200
    assert slider.width() >= 0.9 * widget.native.width()
    dock = widget.native.parent()
    scene.window.resizeDocks([dock], [1], Qt.Orientation.Horizontal)
    scene.settle()
    assert widget.native.width() <= 300
    assert slider.width() >= 200
    assert_not_cut(widget)


@both
def test_in_a_low_dock_the_controls_scroll_and_the_button_stays(
    scene: Scene, title: str
) -> None:
    widget = scene.open(title)
    widget.panel.say("Some sentence of a line or two that says what has happened. " * 2)
    scene.float(widget, 320, 300 if title == SEGMENT else 220)
    assert widget.native.parent().height() <= 400
    status = widget.panel.status.native
    assert status.height() >= status.heightForWidth(status.width())
    for reachable in (
        widget.panel.run_button.native,
        widget.panel.cancel_button.native,
        widget.panel.status.native,
    ):
        assert is_reachable(reachable)
    area = area_of(widget)
    assert area.can_scroll
    last = widget.tta if title == SEGMENT else widget.model_name
    area.ensureWidgetVisible(last.native)
    assert is_reachable(last.native)
    bars = [bar for bar in widget.native.findChildren(FormArea) if bar.can_scroll]
    assert len(bars) <= 1
    assert not area.horizontalScrollBar().isVisible()


@both
def test_long_names_make_no_dock_wide(
    scene: Scene, title: str, tooltip_of: Callable[..., str]
) -> None:
    widget = scene.open(title)
    width = widget.native.width()
    least = widget.native.parent().minimumSizeHint().width()
    for layer in scene.viewer.layers:
        layer.name = LONG_NAME
    widget.panel.say(f"{LONG_NAME} was removed", "a tooltip")
    scene.settle()
    assert widget.native.width() == width
    assert widget.native.parent().minimumSizeHint().width() == least <= 300
    assert_not_cut(widget)
    for place in (widget.image.native, widget.panel.status.native):
        assert LONG_NAME in tooltip_of(place).replace("\u200b", "")
    assert "…" in widget.panel.status.native.text()


def test_nothing_above_the_status_moves_when_it_grows(scene: Scene) -> None:
    widget = scene.open(SEGMENT)
    button = widget.panel.run_button.native

    def places() -> list[QPoint]:
        below = widget.copy_button.native
        return [each.mapTo(widget.native, QPoint(0, 0)) for each in (button, below)]

    before = places()
    gap = widget.panel.status.native.mapTo(widget.native, QPoint(0, 0)).y()
    gap -= before[0].y() + button.height()
    assert gap < 24
    for text in ("One line.", "A sentence of several lines. " * 10):
        widget.panel.say(text)
        widget.panel.progress_bar.visible = len(text) > 20
        scene.settle()
        assert places() == before


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_run_button_stands_out_in_the_theme_there_is_now(
    scene: Scene, theme: str
) -> None:
    widget = scene.open(SEGMENT)
    for name in ("light", "dark", theme):  # while the window is open
        scene.viewer.theme = name
    scene.settle()

    def colour(button: QPushButton) -> str:
        return button.grab().toImage().pixelColor(8, 8).name()

    accent = theme_colours(theme).accent.name()
    assert colour(widget.panel.run_button.native) == accent
    assert colour(widget.copy_button.native) != accent


@both
def test_the_tab_key_goes_down_the_widget(
    scene: Scene, title: str, qtbot: QtBot
) -> None:
    widget = scene.open(title)
    scene.window.activateWindow()
    widget.image.native.setFocus()
    qtbot.waitUntil(widget.image.native.hasFocus)
    heights, seen = [], []
    while not seen or seen[-1] is not widget.panel.run_button.native:
        focused = QApplication.focusWidget()
        assert focused is not None
        assert focused not in seen
        assert widget.native.isAncestorOf(focused)
        seen.append(focused)
        heights.append(focused.mapTo(widget.native, QPoint(0, 0)).y())
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    assert heights == sorted(heights)
    assert len(seen) >= 6


@both
def test_the_focus_is_seen(scene: Scene, title: str, qtbot: QtBot) -> None:
    widget = scene.open(title)
    scene.window.activateWindow()
    widget.image.native.setFocus()
    qtbot.waitUntil(widget.image.native.hasFocus)
    for control in widget.native.findChildren(QWidget):
        if not isinstance(control, (*CONTROLS, QSlider)) or not control.isVisible():
            continue
        if not control.focusPolicy() & Qt.FocusPolicy.TabFocus:
            continue
        if not control.isEnabled():
            continue
        control.clearFocus()
        before = control.grab().toImage()
        control.setFocus()
        assert control.grab().toImage() != before, control


def test_the_wheel_scrolls_and_changes_nothing_it_passes_over(scene: Scene) -> None:
    widget = scene.open(SEGMENT)
    scene.float(widget, 320, 300)
    area = area_of(widget)
    assert area.can_scroll

    def turn(control: QWidget) -> None:
        place = QPointF(control.rect().center())
        event = QWheelEvent(
            place,
            QPointF(control.mapToGlobal(place.toPoint())),
            QPoint(0, -120),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(control, event)

    before = widget.settings
    slider = widget.threshold.native.findChild(QSlider)
    for control in (slider, widget.min_area.native, widget.model.native):
        control.clearFocus()
        area.verticalScrollBar().setValue(0)
        turn(control)
        assert area.verticalScrollBar().value() > 0
    assert widget.settings == before


def test_the_plot_has_its_place_when_training_begins(
    scene: Scene, qtbot: QtBot, fake_training: Callable[..., Callable[..., list[str]]]
) -> None:
    scene.open(SEGMENT)
    widget = scene.open(FINE_TUNE)
    widget.make_command = fake_training('{"event": "status", "message": "Go"}', "WAIT")
    widget.panel.run_button.native.click()
    qtbot.waitUntil(lambda: "Go" in widget.panel.status.value, timeout=30_000)
    scene.settle()
    assert is_reachable(widget._plot)
    assert is_reachable(widget.panel.cancel_button.native)
    scene.viewer.theme = "light"
    scene.settle()
    light = theme_colours("light").background
    assert widget._plot.grab().toImage().pixelColor(0, 0) == light
    widget.panel.cancel_button.native.click()
    qtbot.waitUntil(lambda: not widget.panel.is_running, timeout=30_000)


def test_the_keyboard_moves_the_threshold(scene: Scene, qtbot: QtBot) -> None:
    widget = scene.open(SEGMENT)
    slider = widget.threshold.native.findChild(QSlider)
    for key, value in (
        (Qt.Key.Key_Right, 0.51),
        (Qt.Key.Key_PageUp, 0.61),
        (Qt.Key.Key_Left, 0.6),
    ):
        qtbot.keyClick(slider, key)
        assert widget.threshold.value == pytest.approx(value, abs=1e-4)


def test_the_widgets_are_where_the_readme_says(scene: Scene) -> None:
    def entries(menu: Any) -> dict[str, Any]:
        menu.aboutToShow.emit()  # napari fills its menus late
        return {each.text().replace("&", ""): each for each in menu.actions()}

    bar = {
        each.text().replace("&", ""): each.menu()
        for each in scene.window.menuBar().actions()
    }
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for title in (SEGMENT, FINE_TUNE):
        assert f"*Plugins ▸ U-Net nuclei ▸ {title}*" in readme
        submenu = entries(bar["Plugins"])["U-Net nuclei"].menu()
        assert any(text.startswith(title) for text in entries(submenu))
        submenu = entries(bar["Layers"])["Segment"].menu()
        assert any(text.startswith(title) for text in entries(submenu))
    assert "*Layers ▸ Segment*" in readme


def test_what_is_wrong_with_a_name_is_seen_in_a_low_dock(
    scene: Scene, qtbot: QtBot
) -> None:
    widget = scene.open(FINE_TUNE)
    scene.float(widget, 320, 220)
    widget.model_name.native.setText("a/b")
    qtbot.waitUntil(lambda: is_reachable(widget.name_problem.native))


def test_the_dialog_of_a_download_has_the_theme_of_its_window(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    is_seen, colours = threading.Event(), []

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        assert dialog is not None
        colours.append(dialog.grab().toImage().pixelColor(3, 3))
        is_seen.set()

    def fetch(name: str, progress: Callable[[int, int], None]) -> Path:
        assert is_seen.wait(30)
        return Path(name)

    monkeypatch.setattr(download_dialog, "fetch", fetch)
    scene.viewer.theme = "light"
    scene.window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is scene.window)
    QTimer.singleShot(1500, look)
    assert download_dialog.fetch_with_dialog("stage1_train") == Path("stage1_train")
    assert colours == [theme_colours("light").background]


def test_a_row_comes_and_goes_with_its_control(qtbot: QtBot) -> None:
    from magicgui.widgets import ComboBox, Label, LineEdit

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
