"""What a correction and a move of the slider cost the window, and whose time it is.

Usage, on a server under ``xvfb-run -a -s "-screen 0 1600x1000x24"``:

    python benchmarks/corrections.py edits [--sides 2048,8000] [--edits 200]
    python benchmarks/corrections.py slider [--sides 1024,2048,8000] [--moves 10]
        [--crowded]
    python benchmarks/corrections.py tools [--sides 2048] [--edits 20] [--moves 10]

``--crowded`` draws four times as many nuclei: 500 in 1024², 2,000 in 2048².
``--cpu`` counts the processor time of the window's thread: for a busy machine.

``tools`` are those of *Correct nuclei*, on 2,000 nuclei in 2048², and then the slider
with all these corrections locked.

Each size has napari to itself, in a process of its own.  Time in the window's thread is
sorted out by who is called: inside the methods of this plugin that Qt and napari call
it is *ours*, inside the methods of napari that these call in turn it is napari's, and
the same edit of a layer that nobody follows tells what napari takes alone.  A *block*
is one such call of ours, without what napari takes inside it.
"""

from __future__ import annotations

import argparse
import functools
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ["NAPARI_CONFIG"] = ""  # nobody's own settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.layers import Labels

NUCLEI_PER_PIXEL = 500 / 2048**2
CROWDED = 2000 / 2048**2  # nuclei per pixel
OURS = {
    "segment.live_table.LiveTable": (
        "_note_paint _follow_painted _follow_data _note_redraw _follow _follow_all _end"
    ),
    "segment.widget.SegmentWidget": (
        "_take_result _show _say _say_corrected _show_pending _take_target "
        "_split_again _say_progress"
    ),
    "correct.widget.CorrectWidget": "_take_drawn",
    "shared.workers.BackgroundTask": "_take_step _take_result _tell _tell_steps _end",
}
NAPARI = {
    "data": "layers.Labels",
    "features": "layers.Labels",
    "visible": "layers.base.Layer",
    "metadata": "layers.base.Layer",
}


clock = time.perf_counter


class Ledger:
    """Adds up what is ours, call by call, without what napari takes inside."""

    def __init__(self) -> None:
        self.blocks: list[tuple[float, str]] = []
        self.napari = 0.0
        self._depth = 0
        self._inside = 0.0

    def ours(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose outermost calls are written down."""

        @functools.wraps(function)  # napari asks what arguments it takes
        def call(*arguments: Any, **kwargs: Any) -> Any:
            if self._depth:
                return function(*arguments, **kwargs)
            self._depth, self._inside = 1, 0.0
            start = clock()
            try:
                return function(*arguments, **kwargs)
            finally:
                taken = clock() - start - self._inside
                self._depth = 0
                self.blocks.append((taken, name))

        return call

    def theirs(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose time is napari's, wherever it is called."""

        def call(*arguments: Any, **kwargs: Any) -> Any:
            if self._depth != 1:
                return function(*arguments, **kwargs)
            self._depth = 2
            start = clock()
            try:
                return function(*arguments, **kwargs)
            finally:
                taken = clock() - start
                self._inside += taken
                self.napari += taken
                self._depth = 1

        return call

    def clear(self) -> None:
        """Begin anew."""
        self.blocks, self.napari = [], 0.0

    @property
    def total(self) -> float:
        """Seconds that were ours."""
        return sum(seconds for seconds, _ in self.blocks)

    @property
    def worst(self) -> tuple[float, str]:
        """Our longest block and the method that Qt or napari called."""
        return max(self.blocks, default=(0.0, ""))


def install(ledger: Ledger) -> None:
    """Put the ledger around our methods and those of napari that we call."""
    import importlib

    import napari.components
    import napari.layers

    for place, names in OURS.items():
        module, _, kind = place.rpartition(".")
        owner = getattr(
            importlib.import_module(f"napari_unet_nuclei.plugin.{module}"), kind
        )
        for name in filter(owner.__dict__.__contains__, names.split()):
            label = f"{kind}.{name}"
            setattr(owner, name, ledger.ours(label, getattr(owner, name)))
    for name, place in NAPARI.items():
        module, _, kind = place.rpartition(".")
        owner = getattr(importlib.import_module(f"napari.{module}"), kind)
        before = getattr(owner, name)
        setattr(owner, name, property(before.fget, ledger.theirs(before.fset)))
    model = napari.components.ViewerModel
    model.add_layer = ledger.theirs(model.add_layer)


class Scene:
    """Napari with an image whose nuclei have been found."""

    def __init__(self, side: int, density: float = NUCLEI_PER_PIXEL) -> None:
        import napari

        from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei

        self.ledger = Ledger()
        install(self.ledger)
        drawn = min(side, 2048)
        n_nuclei = round(density * drawn**2)
        image = draw_nuclei(0, (drawn, drawn), n_nuclei)[0]
        tiles = -(-side // drawn)
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1500, 900)
        self.viewer.add_image(np.tile(image, (tiles, tiles))[:side, :side], name="c")
        _, self.widget = self.viewer.window.add_plugin_dock_widget(
            "napari-unet-nuclei", "Segment nuclei"
        )
        self.widget.model.value = "classic"
        self.wait(lambda: True, 1)
        self.widget.segment()
        self.wait(lambda: not self.widget.panel.is_running, 1)
        self.layer: Labels = self.viewer.layers["c nuclei"]

    @property
    def table(self) -> Any:
        """Return what follows the layer."""
        key = self.viewer.layers["c"].unique_id, None
        return self.widget._layers.get(key).table

    def wait(self, is_done: Callable[[], bool], seconds: float = 0) -> None:
        """Let the window live until something is done and some time is over."""
        from qtpy.QtWidgets import QApplication

        end = time.perf_counter() + seconds
        QApplication.processEvents()
        while not is_done() or time.perf_counter() < end:
            time.sleep(0.001)  # leaves the processor to the threads waited for
            QApplication.processEvents()


def edits_of(layer: Labels, n_edits: int) -> Iterator[Callable[[], object]]:
    """Paint, erase, fill and undo, all over the layer."""
    rng = np.random.default_rng(0)
    layer.brush_size = 20
    n_nuclei = int(layer.data.max())
    for number in range(n_edits):
        place = tuple(rng.integers(20, length - 20) for length in layer.data.shape)
        kinds = (
            lambda place=place, number=number: layer.paint(place, n_nuclei + number),
            lambda place=place: layer.paint(place, 0),
            lambda place=place: layer.paint_polygon(
                [np.add(place, corner) for corner in ((0, 0), (0, 15), (15, 15))], 1
            ),
            layer.undo,
        )
        yield kinds[number % len(kinds)]


def measure_edits(side: int, n_edits: int) -> None:
    """Print a row: milliseconds an edit with us, ours of these, and napari's alone."""
    scene = Scene(side)
    layer, table = scene.layer, scene.table
    n_nuclei = table.n_nuclei
    scene.ledger.clear()
    seconds = []
    for edit in edits_of(layer, n_edits):
        start = time.perf_counter()
        edit()
        scene.wait(lambda: table._task is None and not table._dirty)
        seconds.append(time.perf_counter() - start)
    ours, worst = scene.ledger.total / n_edits, scene.ledger.worst
    layer.visible = False
    plain = scene.viewer.add_labels(layer.data.copy(), name="plain")
    plain.contour = layer.contour
    alone = []
    for edit in edits_of(plain, n_edits):
        start = time.perf_counter()
        edit()
        scene.wait(lambda: True)
        alone.append(time.perf_counter() - start)
    print(
        f"| {side}² | {n_nuclei:,} | {milliseconds(seconds)} | {1e3 * ours:.1f} | "
        f"{milliseconds(alone)} | {1e3 * worst[0]:.0f} ({worst[1]}) |",
        flush=True,
    )


def gestures_of(layer: Labels, tool: str, n_gestures: int) -> Iterator[Any]:
    """Draw with a tool of ours, all over the layer."""
    from scipy import ndimage

    from napari_unet_nuclei.plugin.correct.pointer import Drawn

    rng = np.random.default_rng(1)
    for _ in range(n_gestures):
        boxes = ndimage.find_objects(layer.data)
        while (box := boxes[rng.integers(len(boxes))]) is None:
            pass
        y, x = (part.start for part in box)
        height, width = (part.stop - part.start for part in box)
        middle = y + height / 2, x + width / 2
        through = [(y - 2, middle[1]), middle, (y + height + 2, middle[1])]
        across = [(middle[0], x - 30), middle, (middle[0], x + width + 30)]
        around = [
            np.add(middle, (40 * np.sin(angle), 40 * np.cos(angle)))
            for angle in np.linspace(0, 6, 30)
        ]
        box_of = [(y - 30, x - 30), (y - 30, x + 60), (y + 60, x + 60), (y + 60, x)]
        drawn = {
            "delete": box_of,
            "merge": across,
            "split": through,
            "add": around,
            "smooth": through,
        }
        yield Drawn(positions=[tuple(point) for point in drawn[tool]], is_click=False)


def measure_tools(side: int, n_gestures: int, n_moves: int) -> None:
    """Print a row for each tool, and one for the slider around all corrections."""
    from napari_unet_nuclei.core.files import correction_journal
    from napari_unet_nuclei.plugin.shared.locked_nuclei import locked_ids

    folder = Path(tempfile.mkdtemp())
    correction_journal.journal_folder = lambda: folder
    scene = Scene(side, CROWDED)
    _, correct = scene.viewer.window.add_plugin_dock_widget(
        "napari-unet-nuclei", "Correct nuclei"
    )
    layer = scene.layer
    scene.viewer.layers.selection.active = layer
    scene.wait(lambda: True, 1)
    n_nuclei = scene.table.n_nuclei
    for tool, button in correct.tools.buttons.items():
        button.click()
        scene.ledger.clear()
        seconds, n_done = [], len(layer._undo_history)
        for drawn in gestures_of(layer, tool, n_gestures):
            start = clock()
            correct._take_drawn(drawn)
            seconds.append(clock() - start)
            table = scene.table
            scene.wait(lambda table=table: table._task is None and not table._dirty)
        n_done = len(layer._undo_history) - n_done
        worst = scene.ledger.worst
        print(
            f"| {tool}, {n_done} of {n_gestures} | {n_nuclei:,} | "
            f"{milliseconds(seconds)} | {1e3 * worst[0]:.0f} ({worst[1]}) |",
            flush=True,
        )
    n_locked = len(locked_ids(layer.metadata))
    move_slider(scene, n_moves, f"slider, {n_locked} locked, {side}²")
    shutil.rmtree(folder)


def measure_slider(side: int, n_moves: int, density: float) -> None:
    """Print a row: move → labels shown, and whose time in the window's thread it is."""
    move_slider(Scene(side, density), n_moves, f"{side}²")


def move_slider(scene: Scene, n_moves: int, title: str) -> None:
    """Move the slider and print a row."""
    widget, table = scene.widget, scene.table
    seconds, ours, napari, worst = [], [], [], (0.0, "")
    for number in range(n_moves):
        scene.ledger.clear()
        before = table
        start = time.perf_counter()
        widget.threshold.value = (0.4, 0.6)[number % 2] + 0.01 * (number // 2)
        scene.wait(lambda before=before: scene.table is not before)
        seconds.append(time.perf_counter() - start)
        table = scene.table
        scene.wait(lambda: widget._splitting.is_idle, 0.3)
        ours.append(scene.ledger.total)
        napari.append(scene.ledger.napari)
        worst = max(worst, scene.ledger.worst)
    print(
        f"| {title} | {table.n_nuclei:,} | {milliseconds(seconds)} | "
        f"{milliseconds(ours)} | {milliseconds(napari)} | "
        f"{1e3 * worst[0]:.0f} ({worst[1]}) |",
        flush=True,
    )


def milliseconds(seconds: list[float]) -> str:
    """Write the median and the worst."""
    return f"{1e3 * statistics.median(seconds):.1f} (≤ {1e3 * max(seconds):.0f})"


HEADS = {
    "edits": (
        "| layer | nuclei | ms an edit | ours | napari alone | our longest block |"
    ),
    "slider": (
        "| layer | nuclei | move → shown, ms | ours in the window's thread | napari's "
        "there | our longest block |"
    ),
    "tools": "| what | nuclei | ms a correction, with napari's | our longest block |",
}
SIDES = {"edits": "2048,8000", "slider": "1024,2048,8000", "tools": "2048"}


def main() -> None:
    """Print a table, one process for each row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=HEADS)
    parser.add_argument("--sides")
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--moves", type=int, default=10)
    parser.add_argument("--crowded", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cpu:
        globals()["clock"] = time.thread_time
    if options.one:
        if options.what == "edits":
            measure_edits(options.one, options.edits)
        elif options.what == "tools":
            measure_tools(options.one, min(options.edits, 20), options.moves)
        else:
            density = CROWDED if options.crowded else NUCLEI_PER_PIXEL
            measure_slider(options.one, options.moves, density)
        sys.stdout.flush()
        os._exit(0)  # closing a viewer is no part of this
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors,")
    print(f"load {os.getloadavg()[0]:.1f} before. Median (≤ worst).\n")
    print(HEADS[options.what])
    print("| --- " * (HEADS[options.what].count("|") - 1) + "|", flush=True)
    for side in (options.sides or SIDES[options.what]).split(","):
        subprocess.run([sys.executable, *sys.argv, "--one", side], check=True)
    print(f"\nLoad {os.getloadavg()[0]:.1f} after.")


if __name__ == "__main__":
    main()
