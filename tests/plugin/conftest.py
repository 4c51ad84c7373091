"""Networks that need no Keras, and a home for a user's models."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei.core.files import correction_journal
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.core.models.bundle import ModelBundle, write_bundle
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.segmentation import model as prediction
from napari_unet_nuclei.core.settings.choices import Architecture, EngineName

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: trains or builds a network; takes long")


class BrightnessEngine:
    """Takes brightness for the probability of a nucleus; can be made to wait."""

    name = EngineName.OPENVINO
    description = "OpenVINO, bf16, on a test"

    def __init__(self) -> None:
        self.n_calls = 0
        self.error: Exception | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def predict(self, tiles: NDArray[np.float32]) -> NDArray[np.float32]:
        self.n_calls += 1
        if self.error is not None:
            raise self.error
        assert self.may_go_on.wait(30)
        brightness = tiles[..., 0]
        return np.stack([brightness, np.zeros_like(brightness), brightness], axis=-1)


@pytest.fixture(autouse=True)
def _own_journals(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep journals of corrections out of the folder of who runs the tests."""
    folder = tmp_path / "corrections"
    monkeypatch.setattr(correction_journal, "journal_folder", lambda: folder)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> BrightnessEngine:
    """Return the engine that every model gets in this test."""
    fake = BrightnessEngine()
    monkeypatch.setattr(prediction, "create_engine", lambda *_: fake)
    return fake


@pytest.fixture
def user_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder of the user's models; no model is shipped."""
    folder = tmp_path / "models"
    monkeypatch.setattr(model_store, "user_model_folder", lambda: folder)
    monkeypatch.setattr(model_store, "shipped_models", dict)
    return folder


@pytest.fixture
def make_model(user_folder: Path) -> Callable[..., Path]:
    """Return a function that adds a model, without weights, to the user's."""

    def make(name: str = "tiny", threshold: float = 0.5) -> Path:
        user_folder.mkdir(exist_ok=True)
        path = user_folder / f"{name}.unetnuclei"
        config = ModelConfig(
            architecture=Architecture.CLASSIC,
            stride=8,
            margin=8,
            diameter=20.0,
            splitting=SplittingParameters(
                threshold=threshold, seed_threshold=0.2, min_confidence=0.0
            ),
        )
        write_bundle(path, ModelBundle(name=name, config=config, weights={}))
        return path

    return make


@pytest.fixture
def image() -> NDArray[np.uint8]:
    """Return a dim, a middling and a bright disc, 20 px wide, and a bright speck."""
    pixels = np.zeros((64, 128), np.uint8)
    y, x = np.ogrid[:64, :128]
    for centre, brightness in ((20, 90), (60, 160), (100, 255)):
        pixels[(y - 30) ** 2 + (x - centre) ** 2 < 100] = brightness
    pixels[2:4, 2:5] = 255
    return pixels


@pytest.fixture(scope="session")
def real_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny network with an OpenVINO form.

    It is built in a process of its own, since TensorFlow must not come into the
    one in which viewers open.
    """
    path = tmp_path_factory.mktemp("real") / "real.unetnuclei"
    program = (
        "import sys; from dataclasses import replace; from pathlib import Path\n"
        "from napari_unet_nuclei.core.models.bundle import *\n"
        "from napari_unet_nuclei.core.models.config import ModelConfig\n"
        "from napari_unet_nuclei.core.networks.building import build_model\n"
        "from napari_unet_nuclei.core.networks import bundling\n"
        "from napari_unet_nuclei.core.networks.geometry import measure_geometry\n"
        "arguments = {'widths': (4, 8)}\n"
        "model = build_model('classic', arguments)\n"
        "geometry = measure_geometry(model)\n"
        "config = ModelConfig(architecture='classic', arguments=arguments,\n"
        "    stride=geometry.stride, margin=geometry.margin, diameter=20.0)\n"
        "bundle = ModelBundle(name='real', config=config,\n"
        "    weights=bundling.get_weights(model))\n"
        "openvino = bundling.export_openvino(bundle)\n"
        "write_bundle(Path(sys.argv[1]), replace(bundle, openvino=openvino))\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    return path


@pytest.fixture
def open_widget() -> Callable[[Any, str], Any]:
    """Return what opens a widget of ours the way napari's menu opens it."""

    return _open_by_title


def _open_by_title(viewer: Any, title: str) -> Any:
    _, widget = viewer.window.add_plugin_dock_widget("napari-unet-nuclei", title)
    return widget


@pytest.fixture
def tooltip_of(qtbot: QtBot) -> Callable[..., str]:
    """Return what tells what a user reads who points at a widget."""
    from qtpy.QtCore import QEvent, QPoint
    from qtpy.QtGui import QHelpEvent
    from qtpy.QtWidgets import QApplication, QToolTip, QWidget

    def point(widget: QWidget, place: QPoint | None = None) -> str:
        place = widget.rect().center() if place is None else place
        QToolTip.hideText()  # takes a moment
        qtbot.waitUntil(lambda: not QToolTip.isVisible() and not QToolTip.text())
        event = QHelpEvent(QEvent.Type.ToolTip, place, widget.mapToGlobal(place))
        QApplication.sendEvent(widget, event)
        return QToolTip.text()

    return point


@pytest.fixture
def notifications() -> Any:
    """Return what the user is told, as a list that grows."""
    from napari.utils.notifications import notification_manager

    told: list[str] = []

    def note(notification: Any) -> None:
        told.append(notification.message)

    notification_manager.notification_ready.connect(note)
    yield told
    notification_manager.notification_ready.disconnect(note)


@pytest.fixture
def fake_training() -> Callable[..., Callable[..., list[str]]]:
    """Return what makes the command of a training process that says these lines."""
    program = Path(__file__).with_name("fake_training.py")

    def make(*lines: str) -> Callable[..., list[str]]:
        def command(data: Path, output: Path, start: Path, minutes: float) -> list[str]:
            return [sys.executable, str(program), str(output), *lines]

        return command

    return make


class NapariWindow:
    """A real window of a size, with an image, its labels and widgets."""

    def __init__(self, viewer: Any, qtbot: QtBot) -> None:
        self.viewer = viewer
        self._qtbot = qtbot

    @property
    def native(self) -> Any:
        return self.viewer.window._qt_window  # kept, it would look like a leak

    def open(self, title: str) -> Any:
        widget = _open_by_title(self.viewer, title)
        last, place = getattr(widget, "panel", widget), -1
        while place != (place := last.native.y()):  # which a busy machine finds late
            self.settle()
        return widget

    def resize(self, width: int, height: int) -> None:
        self.native.resize(width, height)
        self.settle()

    def float(self, widget: Any, width: int, height: int) -> None:
        """Take a dock out of the window, whose other docks need more height."""
        dock = widget.native.parent()
        dock.setFloating(True)
        dock.resize(width, height)
        self.settle()

    def settle(self) -> None:
        self._qtbot.wait(120)  # Qt lays out in several rounds of events

    def area_of(self, widget: Any) -> Any:
        """Return the part of a widget that scrolls."""
        from napari_unet_nuclei.plugin.shared.form_area import FormArea

        area = widget.native.findChild(FormArea)
        assert area is not None
        return area

    def controls_of(self, widget: Any) -> list[Any]:
        """Return the controls of a widget that are shown."""
        from qtpy import QtWidgets as qt

        kinds = (qt.QAbstractSpinBox, qt.QCheckBox, qt.QComboBox, qt.QLabel)
        kinds += (qt.QLineEdit, qt.QPushButton, qt.QSlider)
        return [
            each
            for each in widget.native.findChildren(qt.QWidget)
            if isinstance(each, kinds) and each.isVisible()
        ]

    def assert_not_cut(self, widget: Any) -> None:
        """Every control lies within the dock, and has the room it asks for."""
        from qtpy.QtCore import QPoint

        dock = widget.native.parent().rect()
        for control in self.controls_of(widget):
            place = control.rect().translated(
                control.mapTo(widget.native.parent(), QPoint(0, 0))
            )
            assert dock.contains(place), control
            needed = control.minimumSizeHint()
            assert control.width() >= needed.width() or control.hasHeightForWidth()
            assert control.height() >= min(needed.height(), 18), control

    @staticmethod
    def is_reachable(control: Any) -> bool:
        """Whether all of a control is on the screen."""
        return bool(control.visibleRegion().boundingRect() == control.rect())


@pytest.fixture
def window(
    make_napari_viewer: Callable[..., Any],
    qtbot: QtBot,
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
) -> NapariWindow:
    """Return a window of usual size with an image and labels."""
    make_model("tiny")
    viewer = make_napari_viewer(show=True)
    viewer.add_image(image, name="cells")
    viewer.add_labels(ndimage.label(image > 80)[0], name="truth")
    window = NapariWindow(viewer, qtbot)
    window.resize(1366, 768)
    return window
