"""A window to take pictures of, and how to wait for what happens in it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
from PIL import Image
from qtpy.QtWidgets import QApplication

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = Path(__file__).parents[1] / "images"
FOR_THE_DOCS = {
    "after-a-run-dark-1366": "segment-widget.png",
    "region-dark-1366": "region.png",
    "pending-dark-1366": "segment-again.png",
    "stack-dark-1366": "stack.png",
    "live-curves-light-1366": "fine-tune-widget.png",
    "live-curves-dark-1366": "fine-tune-dark.png",
    "tuned-light-1366": "fine-tuned-light.png",
    "tuned-dark-1366": "fine-tuned-dark.png",
    "before-and-after-light-1366": "before-and-after-light.png",
    "before-and-after-dark-1366": "before-and-after-dark.png",
    "painted-few-light-1366": "fine-tune-painted.png",
    "several-pairs-dark-1366": "fine-tune-pairs.png",
    "next-tile-dark-1366": "annotate-next.png",
    "splitting-dark-1366": "correct-widget.png",
    "doubtful-dark-1366": "next-doubtful.png",
    "measured-dark-1366": "measure-dark.png",
    "measured-light-1366": "measure-light.png",
    "browse-dark-1366": "browse-dark.png",
    "models-light-1366": "models.png",
}
IN_THE_GALLERY = (
    *("after-a-run", "mid-slide", "nothing-found", "splitting"),
    *("doubtful", "measured", "browse", "models"),
)
GALLERY = {
    f"{name}-{ending}": f"gallery/{name}-{ending}.png"
    for name in IN_THE_GALLERY
    for ending in ("dark-1366", "light-1920")
}
SIZES = ((1366, 768), (1920, 1080))
THEMES = ("dark", "light")
TIMEOUT = 180  # s
N_COLOURS, FEWER_COLOURS = 200, 64  # of a picture in the docs, so that it stays small


class Studio:
    """A napari window of one size and theme, and what a user does in it."""

    def __init__(self, folder: Path, size: tuple[int, int], theme: str) -> None:
        self.viewer = napari.Viewer(show=True)
        self._folder, self._size, self._theme = folder, size, theme
        self.viewer.theme = theme
        self.window = self.viewer.window._qt_window
        self.window.resize(*size)
        wait_until(self.window.windowHandle().isExposed)

    def open_sample(self) -> None:
        """Open drawn nuclei without their truth."""
        self.viewer.open_sample("napari-unet-nuclei", "synthetic_nuclei")
        for layer in list(self.viewer.layers)[1:]:
            self.viewer.layers.remove(layer)

    def open(self, title: str) -> Any:
        """Open a widget the way napari's menu does."""
        _, widget = self.viewer.window.add_plugin_dock_widget(
            "napari-unet-nuclei", title
        )
        wait_until(widget.native.isVisible)
        return widget

    def use(self, theme: str) -> None:
        """Change the theme."""
        self.viewer.theme = self._theme = theme

    def run(self, widget: Any) -> None:
        """Press the button and wait for the end."""
        widget.panel.run_button.native.click()
        wait_until(lambda: not widget.panel.is_running)

    def take(self, name: str) -> None:
        """Take a picture of the window and of the dialog in front of it, if any."""
        wait(0.6)  # vispy and the style sheet of the theme draw some frames later
        path = self._folder / f"{name}-{self._theme}-{self._size[0]}.png"
        dialog = QApplication.activeModalWidget()
        if dialog is None:
            self.viewer.screenshot(str(path), canvas_only=False, flash=False)
        else:
            dialog.grab().save(str(path))
        for shown, n_colours in ((FOR_THE_DOCS, N_COLOURS), (GALLERY, FEWER_COLOURS)):
            if target := shown.get(path.stem):
                shrink(path, IMAGES / target, n_colours)

    def close(self) -> None:
        """Close the window."""
        self.viewer.close()
        wait(0.3)  # Qt deletes the window in a later turn of its event loop


def wait(seconds: float) -> None:
    """Let Qt work for some time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)  # leaves the interpreter to the threads of workers


def wait_until(is_reached: Callable[[], bool], seconds: float = TIMEOUT) -> None:
    """Let Qt work until a condition holds, and a moment longer."""
    end = time.monotonic() + seconds
    while not is_reached():
        wait(0.02)  # often enough: people see 50 frames a second as one motion
        if time.monotonic() > end:
            raise TimeoutError(f"not reached within {seconds} s")
    wait(0.8)  # layouts and splitters settle in later turns of the event loop


def shrink(path: Path, target: Path, n_colours: int) -> None:
    """Write a picture with so few colours that it is small."""
    target.parent.mkdir(exist_ok=True, parents=True)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(n_colours, dither=Image.Dither.NONE)
        small.save(target, optimize=True)
