"""The segment widget on a viewer without a window, and what a user does with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.core.segmentation import plausibility
from napari_unet_nuclei.core.segmentation.scale_policy import ScalePolicy
from napari_unet_nuclei.plugin.segment import live_table
from napari_unet_nuclei.plugin.segment.widget import SegmentWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Image
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from conftest import BrightnessEngine


class Scene:
    """A viewer, the widget and what a user does with them."""

    def __init__(
        self,
        qtbot: QtBot,
        engine: BrightnessEngine,
        viewer: Any = None,
        *,
        is_closed: bool = True,
    ) -> None:
        self.viewer = ViewerModel() if viewer is None else viewer
        self.widget = SegmentWidget(self.viewer)
        self.engine = engine
        self._qtbot = qtbot
        if is_closed:
            qtbot.addWidget(self.widget.native)

    def start(self) -> None:
        """Press the button and wait until the network is at work."""
        n_calls = self.engine.n_calls
        self.widget.panel.run_button.native.click()
        self._qtbot.waitUntil(lambda: self.engine.n_calls > n_calls, timeout=30_000)

    def segment(self) -> Any:
        """Press the button, wait, and return the newest labels, if there are any."""
        self.widget.panel.run_button.native.click()
        return self.wait()

    def move_slider(self, threshold: float) -> Any:
        """Move the slider, wait, and return the newest labels, if there are any."""
        self.widget.threshold.value = threshold
        return self.wait()

    def wait(self) -> Any:
        widget = self.widget
        self._qtbot.waitUntil(
            lambda: not widget.panel.is_running and widget._splitting.is_idle,
            timeout=30_000,  # the first run imports what it needs
        )
        return self.results[-1] if self.results else None

    def wait_for_table(self, layer: Labels) -> Any:
        """Return the table of a result once it has followed every edit."""
        tables = self.widget._layers.tables
        (table,) = (each for each in tables if each.layer is layer)
        self._qtbot.waitUntil(lambda: table._task is None and not table._dirty)
        return table

    def activate(self, name: str) -> None:
        self.viewer.layers.selection.active = self.viewer.layers[name]

    @property
    def results(self) -> list[Labels]:
        return [layer for layer in self.viewer.layers if isinstance(layer, Labels)]

    @property
    def labels(self) -> Labels:
        return self.viewer.layers["cells nuclei"]

    @property
    def n_nuclei(self) -> int:
        return int(self.labels.data.max())

    @property
    def status(self) -> str:
        return str(self.widget.panel.status.value)

    def assert_follows(self, layer: Labels, image: NDArray[Any]) -> None:
        """Compare the table with a measurement of the layer as it is."""
        expected = measure_nuclei(layer.data, image, image / 255)
        table = layer.features[layer.features["area"].notna()]
        labels = table.get("index", table.index)
        assert labels.tolist() == expected["label"].tolist()
        for name, column in expected.items():
            if name != "label":
                np.testing.assert_allclose(table[name], column, err_msg=name)

    def assert_idle(self) -> None:
        panel = self.widget.panel
        assert panel.run_button.enabled
        assert not panel.cancel_button.enabled
        assert not panel.progress_bar.native.isVisibleTo(panel.native)
        assert not panel.is_running


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure at once what a slow machine would leave to a worker."""
    patient = live_table.WindowShare(seconds=60, seconds_per_turn=60)
    monkeypatch.setattr(live_table, "WINDOW_SHARE", patient)


@pytest.fixture(autouse=True)
def _no_doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doubt nothing: a network that sees nothing but brightness is never confident."""
    monkeypatch.setattr(plausibility, "find_doubts", lambda *_, **__: ())
    monkeypatch.setattr(ScalePolicy, "needs_coarse_pass", lambda *_: False)


@pytest.fixture
def open_scene(
    qtbot: QtBot, engine: BrightnessEngine, user_folder: Path
) -> Callable[..., Scene]:
    """Return what opens the widget on a viewer, which may be one that is there."""

    def open_widget(viewer: Any = None, *, is_closed: bool = True) -> Scene:
        return Scene(qtbot, engine, viewer, is_closed=is_closed)

    return open_widget


@pytest.fixture
def scene(open_scene: Callable[..., Scene], make_model: Callable[..., Path]) -> Scene:
    """Return a viewer with nothing in it, and the widget with one model."""
    make_model("tiny", threshold=0.45)
    return open_scene()


@pytest.fixture
def cells(scene: Scene, image: NDArray[np.uint8]) -> Image:
    """Return an image of which two nuclei are brighter than the threshold."""
    return scene.viewer.add_image(
        image,
        name="cells",
        scale=(0.5, 0.25),
        translate=(3, 4),
        units=("um", "um"),
        axis_labels=("y", "x"),
    )
