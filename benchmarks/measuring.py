"""Measuring, selecting and saving in napari's window: time, blocks and Cancel.

Usage, on a server under ``xvfb-run -a -s "-screen 0 1600x1000x24"``:

    python benchmarks/measuring.py

Draws an image of 2048 × 2048 px with thousands of nuclei, measures everything with a
ring, erases nuclei, selects a third of them in the plot, and saves all forms.  What a
block is, and whose, is said in ``window``.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from window import Window

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE, N_TILES = 256, 8
N_EDITS = 3
COLUMNS = (
    "what | longest block, ms | ours | napari's | waiting | Qt | where | "
    "our longest, ms | longest wait, ms | other load"
)


class Bench(Window):
    """A window in which anything may be waited for."""

    def __init__(self, image: Any) -> None:
        self.ends: list[Callable[[], bool]] = []
        super().__init__(None, image)

    def is_idle(self) -> bool:
        """Whether everything that was begun has ended."""
        return all(end() for end in self.ends)

    def row(self, what: str, action: Callable[[], object]) -> None:
        """Do something and print its row."""
        print(self.longest_block(what, action), flush=True)


def draw() -> tuple[Any, Any]:
    """Return an image of many nuclei and their labels."""
    image, labels = draw_nuclei(0, (SIDE, SIDE), 78)
    n = int(labels.max())
    rows = []
    for y in range(N_TILES):
        number = [n * (y * N_TILES + x) for x in range(N_TILES)]
        rows.append(np.hstack([np.where(labels, labels + each, 0) for each in number]))
    return np.tile(image, (N_TILES, N_TILES)), np.vstack(rows).astype(np.int32)


def measure(bench: Bench, layer: Any) -> Any:
    """Time measuring, edits and the plot; return the widget."""
    places = [np.nonzero(layer.data == 1 + 97 * n) for n in range(2 * N_EDITS)]
    for place in places[:N_EDITS]:
        bench.row("napari alone: an edit", partial(layer.data_setitem, place, 0))
    _, widget = bench.viewer.window.add_plugin_dock_widget(
        "napari-unet-nuclei", "Measure nuclei"
    )
    bench.ends.append(lambda: widget.is_idle)
    widget.form.ring.value = 3
    bench.wait_seconds(1)
    start = time.perf_counter()
    bench.row("measure everything", widget.measure)
    print(f"(in {time.perf_counter() - start:.1f} s)")
    for place in places[N_EDITS:]:
        bench.row("an edit", partial(layer.data_setitem, place, 0))
    bench.row("points of two columns", lambda: choose(widget.plots.y, "solidity"))
    chosen = np.arange(1, layer.data.max(), 3)
    bench.row("napari alone: other colours", layer.new_colormap)
    bench.row("select a third", lambda: widget.plots.plot.selected.emit(chosen))
    bench.row("show all", lambda: widget.plots.plot.selected.emit(chosen[:0]))
    return widget


def choose(control: Any, value: str) -> None:
    """Choose a value in a list."""
    control.value = value


def save(bench: Bench, layer: Any, folder: Path) -> None:
    """Time saving, and Cancel in the midst of it."""
    from napari_unet_nuclei.plugin.files.results_dialog import ResultsDialog

    dialog = ResultsDialog(bench.viewer, layer)
    dialog.folder.setText(str(folder))
    bench.ends.append(lambda: not dialog.panel.is_running)
    start = time.perf_counter()
    bench.row("save results", dialog.save)
    n_files = len(list(folder.iterdir()))
    print(f"({n_files} files in {time.perf_counter() - start:.1f} s)")
    dialog.name.setText("again")
    dialog.save()
    bench.wait(lambda: dialog.panel.progress_bar.native.value() > 0)
    dialog.panel.cancel()
    seconds = bench.wait(lambda: not dialog.panel.is_running)
    n_left = len(list(folder.iterdir())) - n_files
    print(f"(cancelled in {seconds:.2f} s, {n_left} files left)")
    dialog.close()


def main() -> None:
    """Print a table."""
    image, labels = draw()
    bench = Bench(image)
    layer = bench.viewer.add_labels(labels, name="nuclei")
    print(f"{labels.max()} nuclei of {labels.shape[0]} × {labels.shape[1]} px\n")
    print(f"| {COLUMNS} |\n| {' | '.join(['---'] * (COLUMNS.count('|') + 1))} |")
    measure(bench, layer)
    with tempfile.TemporaryDirectory() as folder:
        save(bench, layer, Path(folder))
    sys.stdout.flush()
    os._exit(0)  # the thread that looks at the window does not end


if __name__ == "__main__":
    main()
