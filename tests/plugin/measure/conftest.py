"""The measuring widget, and what a user does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.plugin.measure.widget import MeasureWidget
from napari_unet_nuclei.plugin.shared.nuclei_table import nuclei_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Labels
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from napari_unet_nuclei.core.settings.measurements import MeasurementSettings


class Bench:
    """A viewer and the widget."""

    def __init__(self, qtbot: QtBot, viewer: Any, widget: Any) -> None:
        self.viewer, self.widget, self._qtbot = viewer, widget, qtbot

    def measure(self) -> None:
        self.widget.panel.run_button.native.click()
        self.wait()

    def wait(self) -> None:
        self._qtbot.waitUntil(lambda: self.widget.is_idle, timeout=30_000)

    def table(self, name: str = "nuclei") -> dict[str, NDArray[Any]]:
        table = nuclei_table(self.viewer.layers[name])
        assert table is not None
        return table

    @property
    def labels(self) -> Labels:
        return self.viewer.layers["nuclei"]

    @property
    def status(self) -> str:
        return str(self.widget.panel.status.value)

    def assert_measured(self, settings: MeasurementSettings, **more: Any) -> None:
        """Compare the table with a new measurement of the layer as it is."""
        pixels = self.viewer.layers["cells"].data
        more.setdefault("channels", {"": pixels})
        expected = measure_nuclei(
            np.asarray(self.labels.data), pixels, settings=settings, **more
        )
        table = self.table()
        assert set(expected) <= set(table)
        for name, column in expected.items():
            found = table[name].astype(float)
            np.testing.assert_allclose(found, column, err_msg=name, rtol=1e-6)


@pytest.fixture
def nuclei() -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Return an image of some twenty nuclei and their labels."""
    image, labels = draw_nuclei(0, (160, 200), 20)
    return image, np.asarray(labels, np.int32)


@pytest.fixture
def open_bench(qtbot: QtBot) -> Callable[..., Bench]:
    """Return what opens the widget on a viewer, which needs no window."""

    def open_it(viewer: Any = None, *, is_closed: bool = True) -> Bench:
        viewer = ViewerModel() if viewer is None else viewer
        widget = MeasureWidget(viewer)
        if is_closed:
            qtbot.addWidget(widget.native)
        return Bench(qtbot, viewer, widget)

    return open_it


@pytest.fixture
def bench(open_bench: Callable[..., Bench], nuclei: Any) -> Bench:
    """Return the widget on an image and its labels."""
    viewer = ViewerModel()
    viewer.add_image(nuclei[0], name="cells")
    viewer.add_labels(nuclei[1].copy(), name="nuclei")
    return open_bench(viewer)
