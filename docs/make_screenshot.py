"""Take the picture of the README: napari, the Segment widget, the nuclei it found.

Needs a screen with OpenGL: xvfb-run -s '-screen 0 1400x900x24' python docs/make_screenshot.py
"""  # noqa: E501

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import napari
from qtpy.QtWidgets import QApplication

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET = Path(__file__).parent / "images" / "segment-widget.png"
TIMEOUT = 60


def wait_until(is_reached: Callable[[], bool]) -> None:
    """Let Qt work until a condition holds, and a moment longer."""
    end = time.monotonic() + TIMEOUT
    while not is_reached():
        QApplication.processEvents()
        if time.monotonic() > end:
            raise TimeoutError(f"not reached within {TIMEOUT} s")
    end = time.monotonic() + 1
    while time.monotonic() < end:
        QApplication.processEvents()


def main() -> None:
    """Open the drawn nuclei, press the button, take the picture."""
    viewer = napari.Viewer()
    viewer.window._qt_window.resize(1280, 800)
    viewer.open_sample("napari-unet-nuclei", "synthetic_nuclei")
    for layer in list(viewer.layers)[1:]:
        viewer.layers.remove(layer)  # the truth
    _, widget = viewer.window.add_plugin_dock_widget(
        "napari-unet-nuclei", "Segment nuclei"
    )
    widget.panel.run_button.native.click()
    wait_until(lambda: not widget.panel.is_running)
    viewer.reset_view()
    wait_until(lambda: True)
    TARGET.parent.mkdir(exist_ok=True)
    viewer.screenshot(str(TARGET), canvas_only=False, flash=False)
    viewer.close()


if __name__ == "__main__":
    main()
