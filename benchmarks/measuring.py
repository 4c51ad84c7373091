"""Time measuring in napari's window, and how long it holds the window's thread.

    xvfb-run -s '-screen 0 1700x1100x24' python benchmarks/measuring.py

Draws one image of 2048 × 2048 px with some thousand nuclei, measures everything with a
ring, edits a nucleus many times, selects in the plot, and saves all forms.  Prints the
time of each, and the longest time for which the event loop did not turn.  napari itself
draws in that thread, too: its own part is printed for edits without the widget.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("NAPARI_CONFIG", "")  # no settings of the user

import napari
import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.plugin.files.results_dialog import ResultsDialog

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE, N_TILES = 256, 8
N_EDITS = 10


class Blocks:
    """Notes how long the event loop stands still, with a timer of a millisecond."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.timeout.connect(self._turn)
        self._timer.start(1)

    def _turn(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last)
        self._last = now

    def restart(self) -> None:
        """Forget what was."""
        self.longest, self._last = 0.0, time.perf_counter()


def wait_until(is_reached: Callable[[], bool]) -> None:
    """Let Qt work until a condition holds."""
    while not is_reached():
        QApplication.processEvents()
        time.sleep(0.0005)


def draw() -> tuple[Any, Any]:
    """Return an image of many nuclei and their labels."""
    image, labels = draw_nuclei(0, (SIDE, SIDE), 78)
    n = int(labels.max())
    rows = []
    for y in range(N_TILES):
        number = [n * (y * N_TILES + x) for x in range(N_TILES)]
        rows.append(np.hstack([np.where(labels, labels + each, 0) for each in number]))
    return np.tile(image, (N_TILES, N_TILES)), np.vstack(rows).astype(np.int32)


def timed(name: str, blocks: Blocks, act: Callable[[], object], end: Any) -> None:
    """Act, wait for the end, and print time and longest block."""
    QApplication.processEvents()
    blocks.restart()
    start = time.perf_counter()
    act()
    wait_until(end)
    seconds = time.perf_counter() - start
    for _ in range(5):
        QApplication.processEvents()
    print(f"| {name} | {seconds:.2f} s | {1000 * blocks.longest:.0f} ms |", flush=True)


def main() -> None:
    """Print a table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    image, labels = draw()
    viewer = napari.Viewer()
    viewer.add_image(image, name="cells")
    layer = viewer.add_labels(labels, name="nuclei")
    blocks = Blocks()
    print(f"{labels.max()} nuclei of {labels.shape[0]} × {labels.shape[1]} px")
    print("| what | time | longest block |\n| --- | --- | --- |")
    places = [np.nonzero(labels == 1 + 97 * number) for number in range(2 * N_EDITS)]

    def edit(number: int) -> Callable[[], object]:
        return lambda: layer.data_setitem(places[number], 0)

    for number in range(N_EDITS):
        QApplication.processEvents()
        edit(number)()
    blocks.restart()
    timed("napari alone: an edit", blocks, edit(N_EDITS), lambda: True)
    _, widget = viewer.window.add_plugin_dock_widget(
        "napari-unet-nuclei", "Measure nuclei"
    )
    widget.form.ring.value = 3
    wait_until(lambda: widget.is_idle)
    run = widget.panel.run_button.native.click
    timed("measure everything", blocks, run, lambda: widget.is_idle)
    for number in range(N_EDITS + 1, N_EDITS + 4):
        timed("an edit", blocks, edit(number), lambda: widget.is_idle)
    widget.plots.y.value = "solidity"
    chosen = np.arange(1, labels.max(), 3)
    select = widget.plots.plot.selected.emit
    timed("napari alone: other colours", blocks, layer.new_colormap, lambda: True)
    timed("select a third", blocks, lambda: select(chosen), lambda: True)
    timed("show all", blocks, lambda: select(chosen[:0]), lambda: True)
    with tempfile.TemporaryDirectory() as folder:
        dialog = ResultsDialog(viewer, layer)
        dialog.folder.setText(folder)
        save = dialog.panel.run_button.native.click
        timed("save results", blocks, save, lambda: not dialog.panel.is_running)
        n_files = len(list(Path(folder).iterdir()))
        dialog.name.setText("again")
        save()
        wait_until(lambda: dialog.panel.progress_bar.native.value() > 0)
        cancel = dialog.panel.cancel
        timed("cancel", blocks, cancel, lambda: not dialog.panel.is_running)
        n_left = len(list(Path(folder).iterdir())) - n_files
        print(f"{n_files} files written; {n_left} left by the one that was cancelled")
        dialog.close()
    viewer.close()


if __name__ == "__main__":
    main()
