"""What the Segment widget does to napari's window: stacks, blocks, Cancel, sliders.

Usage, on a server under ``xvfb-run -a -s "-screen 0 1600x1000x24"``:

    python benchmarks/window.py stacks [--runs 10] [--planes 5000]
    python benchmarks/window.py blocks [--sides 512,1024,2048,4096,8000]
    python benchmarks/window.py cancel [--side 4096] [--runs 10]
    python benchmarks/window.py slider [--sides 1024,2048] [--runs 40]

Each opens napari with the widget in processes of their own, so that a first run is
one, and prints a table with the load of the machine.  A *block* is a time in which the
window handles no events.  Whose it is comes from looking at what the window's thread
does every 2 ms: the innermost function of this package or of napari counts.  Where it
does nothing but wait for a worker that holds Python's lock, the worker is named.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ["NAPARI_CONFIG"] = ""  # nobody's own settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from napari.layers import Labels

    from napari_unet_nuclei.plugin.segment.widget import SegmentWidget

TICK_MS = 5
SECONDS_BETWEEN_SAMPLES = 0.002
STALL_SECONDS = 0.02
PACKAGES = {
    "/napari_unet_nuclei/": "ours",
    "/napari/": "napari's",
    "/vispy/": "napari's",
}


class Sampler(threading.Thread):
    """Looks at what the window's thread does, and whom it waits for."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._window = threading.get_ident()
        self.samples: list[tuple[float, str, str]] = []

    def run(self) -> None:
        """Take samples for as long as the process lives."""
        last = time.perf_counter()
        while True:
            time.sleep(SECONDS_BETWEEN_SAMPLES)  # a sampler of a fixed rate
            now = time.perf_counter()
            frames = sys._current_frames()
            owner, place = owner_of(frames[self._window])
            if owner == "Qt" and now - last > STALL_SECONDS:
                places = (
                    owner_of(frame)[1]
                    for thread, frame in frames.items()
                    if thread not in (self._window, self.ident)
                )
                place = " and ".join(filter(None, places))
                owner = "waiting" if place else "Qt"
            self.samples.append((now, owner, place))
            last = now


def owner_of(frame: FrameType | None) -> tuple[str, str]:
    """Say whose the innermost known function is, and what it called."""
    called = ""
    while frame is not None:
        code = frame.f_code
        called = called or f"{os.path.basename(code.co_filename)}:{code.co_name}"
        for part, owner in PACKAGES.items():
            if part in code.co_filename:
                own = f"{os.path.basename(code.co_filename)}:{code.co_name}"
                return owner, own if own == called else f"{own} > {called}"
        frame = frame.f_back
    return "Qt", ""


class Window:
    """Napari with an image and perhaps the widget, and a timer that notices blocks."""

    def __init__(self, model: str | None, image: np.ndarray) -> None:
        import napari
        from qtpy.QtCore import QEventLoop, QTimer

        self.viewer = napari.Viewer()
        self.viewer.window.resize(1500, 900)
        self.image = self.viewer.add_image(image, name="cells")
        self.widget: SegmentWidget | None = None
        if model is not None:
            _, self.widget = self.viewer.window.add_plugin_dock_widget(
                "napari-unet-nuclei", "Segment nuclei"
            )
            self.widget.model.value = model
            self.widget.image.choose(self.image)
        self._loop = QEventLoop()
        self._is_done: Callable[[], bool] = lambda: True
        self._beats: list[float] = []
        self._timer = QTimer()
        self._timer.timeout.connect(self._beat)
        self._timer.start(TICK_MS)
        self._sampler = Sampler()
        self.wait_seconds(1)

    @property
    def labels(self) -> Labels:
        """What the widget has made."""
        return self.viewer.layers["cells nuclei"]

    def is_idle(self) -> bool:
        """Whether nothing runs and nothing waits to be split."""
        if self.widget is None:
            return True
        return not self.widget.panel.is_running and self.widget._splitting.is_idle

    def wait(self, is_done: Callable[[], bool]) -> float:
        """Handle events until something is so; return the seconds it took."""
        start = time.perf_counter()
        self._is_done = is_done
        if not is_done():
            self._loop.exec()
        return time.perf_counter() - start

    def wait_seconds(self, seconds: float) -> None:
        """Handle events for some time."""
        until = time.perf_counter() + seconds
        self.wait(lambda: time.perf_counter() > until)

    def after(self, action: Callable[[], object], *, seconds: float = 0.3) -> None:
        """Do something from within the event loop, and wait until all is idle."""
        from qtpy.QtCore import QTimer

        QTimer.singleShot(0, action)
        self.wait_seconds(0.05)
        self.wait(self.is_idle)
        self.wait_seconds(seconds)

    def longest_block(self, what: str, action: Callable[[], object]) -> str:
        """Do something and return a row of the table: the longest block and whose."""
        if not self._sampler.is_alive():
            self._sampler.start()
        self._beats[:] = [time.perf_counter()]
        self._sampler.samples.clear()
        with load() as during:
            self.after(action)
        gaps = np.diff(self._beats)
        end = self._beats[int(np.argmax(gaps)) + 1]
        start = end - gaps.max()
        shares = {
            owner: self._share(start, end, owner)
            for owner in ("ours", "napari's", "waiting", "Qt")
        }
        cells = " | ".join(f"{1000 * seconds:.0f}" for seconds in shares.values())
        most = max(shares, key=lambda owner: shares[owner])
        ours, waiting = (self._longest(owner) for owner in ("ours", "waiting"))
        return (
            f"| {what} | {1000 * gaps.max():.0f} | {cells} | "
            f"{self._place(start, end, most)} | {ours} | {waiting} | {during[0]:.1f} |"
        )

    def _longest(self, owner: str) -> str:
        """Most that somebody does between two beats, in ms, and where."""
        pairs = zip(self._beats[:-1], self._beats[1:], strict=True)
        seconds, pair = max((self._share(*pair, owner), pair) for pair in pairs)
        return f"{1000 * seconds:.0f} {self._place(*pair, owner)}"

    def _inside(self, start: float, end: float, owner: str) -> list[str]:
        samples = self._sampler.samples
        return [
            place for at, who, place in samples if start < at <= end and who == owner
        ]

    def _share(self, start: float, end: float, owner: str) -> float:
        """Seconds between two moments that somebody is seen at work."""
        n_samples = sum(start < at <= end for at, _, _ in self._sampler.samples)
        n_found = len(self._inside(start, end, owner))
        return (end - start) * n_found / max(1, n_samples)

    def _place(self, start: float, end: float, owner: str) -> str:
        """Where somebody is seen most often between two moments."""
        places = Counter(self._inside(start, end, owner)).most_common(2)
        return ", ".join(place for place, _ in places)

    def _beat(self) -> None:
        self._beats.append(time.perf_counter())
        if self._is_done():
            self._loop.quit()


@contextmanager
def load() -> Iterator[list[float]]:
    """Measure the processors that other programs take in the meantime."""
    found: list[float] = []
    before, own, start = busy_seconds(), time.process_time(), time.perf_counter()
    yield found
    seconds = time.perf_counter() - start
    others = busy_seconds() - before - (time.process_time() - own)
    found.append(max(0.0, others / seconds))


def busy_seconds() -> float:
    """Time for which the processors have worked since the machine was started."""
    import psutil

    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0) - times.guest


def draw_image(side: int) -> np.ndarray:
    """Repeat drawn nuclei up to a height and width."""
    from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei

    tile, _ = draw_nuclei(0, (512, 512))
    repeats = -(-side // len(tile))
    return np.tile(tile, (repeats, repeats))[:side, :side]


def measure_stack(n_planes: int, model: str) -> str:
    """Segment a stack while the window is kept busy; return a row of the table."""
    from qtpy.QtCore import QTimer

    side = 64
    image = draw_image(512)
    planes = [
        image[y : y + side, x : x + side] for y in range(0, 448, 7) for x in (9, 300)
    ]
    window = Window(model, np.stack([planes[n % len(planes)] for n in range(n_planes)]))
    panel = window.widget.panel
    said: list[str] = []
    say = panel.say
    panel.say = lambda text, *rest: (said.append(text), say(text, *rest))
    blocks = iter([3.0])

    def keep_busy() -> None:
        is_splitting = said[-1].startswith("Plane")
        # Stands for work of another plugin, which holds the window's thread.
        time.sleep(next(blocks, 0.1) if is_splitting else 0.1)

    timer = QTimer()
    timer.timeout.connect(keep_busy)
    panel.run_button.native.click()
    timer.start(150)
    with load() as during:
        seconds = window.wait(window.is_idle)
        window.wait_seconds(0.5)
    timer.stop()
    is_well = said[-1] == panel.status.value and "nuclei in" in said[-1]
    n_labels = len(window.labels.data)
    return (
        f"| {n_labels:,} | {seconds:.0f} | {len(said):,} | "
        f"{'yes' if is_well else 'NO'} | {said[-1]} | {during[0]:.1f} |"
    )


def measure_blocks(side: int, model: str) -> list[str]:
    """Return rows of the table: runs, a slide and an edit."""
    window = Window(model, draw_image(side))
    widget = window.widget
    run = widget.panel.run_button.native.click

    def slide() -> None:
        widget.threshold.value = 0.3 if widget.threshold.value > 0.4 else 0.6

    def row(what: str, action: Callable[[], object]) -> str:
        return window.longest_block(f"{side}² | {what}", action)

    rows = [row("first run", run), row("second run", run), row("slide", slide)]
    return [*rows, row("edit", lambda: paint(window.labels))]


def measure_napari(side: int) -> list[str]:
    """Return rows of the table: what napari takes for such labels without us."""
    from scipy import ndimage

    image = draw_image(side)
    pixels, n_labels = ndimage.label(image > image.mean(), output=np.int32)
    features = {"index": np.arange(n_labels + 1), "area": np.ones(n_labels + 1)}
    window = Window(None, image)

    def add() -> None:
        window.viewer.add_labels(pixels, name="cells nuclei", features=features)

    def replace() -> None:
        window.labels.data = pixels.copy()
        window.labels.features = features

    def row(what: str, action: Callable[[], object]) -> str:
        return window.longest_block(f"{side}² | napari alone: {what}", action)

    rows = [row("add labels", add), row("set data and features", replace)]
    return [*rows, row("edit", lambda: paint(window.labels))]


def paint(layer: Labels) -> None:
    """Paint a stroke."""
    row, column = (length // 2 for length in layer.data.shape)
    for step in range(20):
        layer.paint((row, column + 2 * step), 1)


def measure_cancel(side: int, model: str, n_runs: int) -> str:
    """Cancel at random moments, every second time after the last tile; return a row."""
    window = Window(model, draw_image(side))
    panel = window.widget.panel

    def network_is_done() -> bool:
        return panel.progress_bar.native.value() >= 80 or not panel.is_running

    window.after(panel.run_button.native.click)
    panel.run_button.native.click()
    until_split = window.wait(network_is_done)
    until_end = window.wait(window.is_idle)
    rng = np.random.default_rng(0)
    idle, stopped, n_in_splitting, words = [], [], 0, Counter[str]()
    with load() as during:
        while len(idle) < n_runs:
            panel.run_button.native.click()
            task = panel.task
            is_in_splitting = len(idle) % 2 == 1
            if is_in_splitting:
                window.wait(network_is_done)
            moment = rng.random() * (until_end if is_in_splitting else until_split)
            until = time.perf_counter() + moment
            window.wait(
                lambda until=until: not panel.is_running or time.perf_counter() > until
            )
            if not panel.is_running:
                until_end *= 0.9  # this run was faster
                continue
            start = time.perf_counter()
            panel.cancel_button.native.click()
            window.wait(lambda: not panel.is_running)
            idle.append(time.perf_counter() - start)
            window.wait(task.has_stopped.is_set)
            stopped.append(time.perf_counter() - start)
            n_in_splitting += is_in_splitting
            words[panel.status.value] += 1
    cells = " | ".join(
        f"{statistics.median(seconds):.2f} | {max(seconds):.2f}"
        for seconds in (idle, stopped)
    )
    said = ", ".join(f"{n} × {word}" for word, n in words.most_common())
    return (
        f"| {model} | {side}² | {until_split + until_end:.1f} | {cells} | "
        f"{n_in_splitting} of {n_runs} | {said} | {during[0]:.1f} |"
    )


def measure_slider(side: int, model: str, n_moves: int) -> str:
    """Move the threshold back and forth over 500 nuclei; return a row.

    The time ends when napari has the new labels and has computed what it will draw.
    """
    from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei

    image, _ = draw_nuclei(0, (side, side), n_nuclei=500)
    window = Window(model, image)
    window.after(window.widget.panel.run_button.native.click)
    shown: list[float] = []
    window.labels.events.data.connect(lambda: shown.append(time.perf_counter()))
    seconds, own = [], []
    with load() as during:
        for number in range(n_moves):
            shown.clear()
            start, before = time.perf_counter(), time.process_time()
            window.widget.threshold.value = (0.4, 0.6)[number % 2] + number % 10 / 100
            window.wait(lambda: bool(shown))
            own.append(time.process_time() - before)
            seconds.append(shown[0] - start)
            window.wait(window.is_idle)
            window.wait_seconds(0.2)
    n_nuclei = len(window.labels.features) - 1
    cells = " | ".join(
        f"{1000 * value:.0f}"
        for value in (
            statistics.median(seconds),
            min(seconds),
            max(seconds),
            statistics.median(own),
        )
    )
    return f"| {side}² | {n_nuclei} | {cells} | {during[0]:.1f} |"


def say_machine() -> None:
    """Print what the figures were measured on."""
    import napari
    import openvino
    import psutil
    from qtpy import API_NAME, QT_VERSION

    with load() as before:
        time.sleep(1)  # the load of the machine is that of a second
    print(
        f"{os.cpu_count()} processors, {psutil.virtual_memory().total / 1e9:.0f} GB, "
        f"{platform.platform()}, Python {platform.python_version()}, napari "
        f"{napari.__version__}, {API_NAME} on Qt {QT_VERSION}, OpenVINO "
        f"{openvino.__version__.split('-')[0]}. Others took {before[0]:.1f} processors "
        "just before, and on average what the last column says.\n",
        flush=True,
    )


HEADS = {
    "stacks": "planes | seconds | sentences | ended well | last words",
    "blocks": "image | what | longest block, ms | ours | napari's | waiting for a "
    "worker | Qt | mostly in | longest of ours, ms | longest wait for a worker, ms",
    "cancel": "model | image | a run, s | until idle, s: median | worst | until the "
    "work has ended, s: median | worst | while splitting | words at the end",
    "slider": "image | nuclei | move → labels, ms: median | best | worst | processor "
    "time of all threads, ms: median",
}


def main() -> None:
    """Print a table, or in a process of its own the rows of one window."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=HEADS)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--planes", type=int, default=5000)
    parser.add_argument("--sides")
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--model", help="default: classic, for cancel both")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        rows: Any
        match arguments.what:
            case "stacks":
                rows = [measure_stack(arguments.planes, arguments.model)]
            case "blocks" if arguments.model:
                rows = measure_blocks(arguments.side, arguments.model)
            case "blocks":
                rows = measure_napari(arguments.side)
            case "slider":
                runs = arguments.runs
                rows = [measure_slider(arguments.side, arguments.model, runs)]
            case _:
                rows = [measure_cancel(arguments.side, arguments.model, arguments.runs)]
        print(*rows, sep="\n", flush=True)
        os._exit(0)  # closing a window is no part of this
    say_machine()
    head = f"{HEADS[arguments.what]} | others' load"
    print(f"| {head} |\n|{' --- |' * head.count('|')} --- |", flush=True)
    models = [arguments.model or "classic"]
    sides, n_windows = [arguments.side], 1
    match arguments.what:
        case "stacks":
            n_windows = arguments.runs
        case "blocks":
            sides = (arguments.sides or "512,1024,2048,4096,8000").split(",")
            models = [*models, None]
        case "slider":
            sides = (arguments.sides or "1024,2048").split(",")
        case "cancel" if not arguments.model:
            models = ["classic", "resnet"]
    for model in models:
        for side in sides * n_windows:
            one = [arguments.what, "--one", "--side", str(side)]
            one += ["--runs", str(arguments.runs), "--planes", str(arguments.planes)]
            one += ["--model", model] if model else []
            subprocess.run([sys.executable, sys.argv[0], *one], check=True)


if __name__ == "__main__":
    main()
