"""Take pictures of napari's window with both widgets, at two sizes, in both themes.

Those that the docs show are copied to ``docs/images``; all of them go into a folder, to
be looked at:

    xvfb-run -s '-screen 0 1700x1100x24' python docs/make_screenshot.py FOLDER

Needs a screen with OpenGL.  All images are drawn or come with the package; models and
settings of the user are neither read nor written.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

os.environ.setdefault("NAPARI_CONFIG", "")  # no settings of the user

import napari
import numpy as np
from napari.utils.notifications import notification_manager
from PIL import Image
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog, QSlider

from napari_unet_nuclei.core.datasets.drawn.looks import draw_look
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.files import correction_journal
from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.core.models.managing import import_model
from napari_unet_nuclei.core.models.notes import write_notes
from napari_unet_nuclei.core.training.verdict import HeldOutComparison, make_verdict
from napari_unet_nuclei.plugin.files import download_dialog, results_dialog
from napari_unet_nuclei.plugin.segment.region_choice import RegionKind
from napari_unet_nuclei.plugin.shared.docking import show_row

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = Path(__file__).parent / "images"
FOR_THE_DOCS = {
    "after-a-run-dark-1366": "segment-widget.png",
    "region-dark-1366": "region.png",
    "painted-dark-1366": "corrections.png",
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
SIZES = ((1366, 768), (1600, 1000))
THEMES = ("dark", "light")
TIMEOUT = 180
N_COLOURS = 200  # of a picture in the docs, so that it stays small
LONG_NAME = "2026-11-27 embryo 17, position 4, " + "very_long_name_" * 20


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
        if (target := FOR_THE_DOCS.get(path.stem)) is not None:
            shrink(path, IMAGES / target)

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


def shrink(path: Path, target: Path) -> None:
    """Write a picture with so few colours that it is small."""
    target.parent.mkdir(exist_ok=True)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(N_COLOURS, dither=Image.Dither.NONE)
        small.save(target, optimize=True)


def empty(studio: Studio) -> None:
    """Show the widget before there is an image."""
    widget = studio.open("Segment nuclei")
    studio.take("empty")
    studio.run(widget)
    studio.take("error")


def after_a_run(studio: Studio) -> None:
    """Show a result, a control that needs a new run, and where the focus is."""
    studio.open_sample()
    widget = studio.open("Segment nuclei")
    studio.run(widget)
    studio.viewer.reset_view()
    studio.take("after-a-run")
    widget.threshold.value, widget.separation.value = 0.35, 0.6
    wait_until(lambda: widget._splitting.is_idle)
    studio.take("mid-slide")
    for section in widget._form.sections.values():
        section.open()
    widget.diameter.value = 30
    widget.model.value = "classic"
    studio.take("pending")
    studio.window.activateWindow()
    widget.threshold.native.findChild(QSlider).setFocus()
    studio.take("focus")


def region(studio: Studio) -> None:
    """Show nuclei of a drawn shape among the others, and the maps behind them."""
    studio.open_sample()
    widget = studio.open("Segment nuclei")
    studio.run(widget)
    rectangle = np.array([[150, 150], [150, 360], [330, 360], [330, 150]])
    shapes = studio.viewer.add_shapes(
        [rectangle],
        name="region",
        face_color="transparent",
        edge_color="yellow",
        edge_width=2,
    )
    widget.region.value = RegionKind.SHAPE
    widget.model.value = "classic"
    studio.run(widget)
    studio.viewer.reset_view()
    studio.take("region")
    widget.show_maps()
    shapes.visible = False
    studio.take("maps")


def stack(studio: Studio) -> None:
    """Show a stack and the shown plane alone."""
    planes = [draw_nuclei(seed, (256, 256), 25)[0] for seed in range(5)]
    studio.viewer.add_image(np.stack(planes), name="stack", scale=(4, 1, 1))
    widget = studio.open("Segment nuclei")
    widget.only_plane.value = True
    studio.run(widget)
    widget.only_plane.value = False
    studio.run(widget)
    studio.take("stack")


def correction(studio: Studio) -> None:
    """Paint over a result, then move the slider."""
    studio.open_sample()
    widget = studio.open("Segment nuclei")
    studio.run(widget)
    nuclei = studio.viewer.layers[-1]
    studio.viewer.layers.selection.active = nuclei
    nuclei.mode = "paint"
    nuclei.brush_size = 30
    for column in range(60, 180, 6):
        nuclei.paint((70, column), 500)
    studio.take("painted")
    before = nuclei.data
    widget.threshold.value = 0.3
    wait_until(lambda: nuclei.data is not before)
    studio.take("painted-then-slider")


def correcting(studio: Studio) -> None:
    """Split a nucleus with the mouse, and move the slider."""
    studio.open_sample()
    segment = studio.open("Segment nuclei")
    studio.run(segment)
    correct = studio.open("Correct nuclei")
    nuclei = studio.viewer.layers[-1]
    studio.viewer.layers.selection.active = nuclei
    areas = np.bincount(nuclei.data.ravel())
    areas[0] = 0
    rows, columns = np.nonzero(nuclei.data == areas.argmax())
    camera = studio.viewer.scene.camera
    camera.center, camera.zoom = (rows.mean(), columns.mean()), 4
    studio.take("correct")
    correct.tools.buttons["split"].click()
    reach = round(4 * 1.6 * np.sqrt(areas.max() / np.pi))
    canvas = studio.window.findChild(QOpenGLWidget)
    path = [
        canvas.rect().center() + QPoint(round(reach * along / 3), round(reach * along))
        for along in np.linspace(-1, 1, 12)
    ]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=path[0])
    for place in path:
        wait(0.05)  # vispy leaves out moves that come faster
        drag_to(canvas, QPointF(place))
    studio.take("splitting")
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=path[-1])
    studio.take("split")
    segment.threshold.value = 0.3
    wait(2)
    studio.take("split-then-slider")


def doubting(studio: Studio) -> None:
    """Go through doubtful nuclei of a dense section."""
    pixels, _ = draw_look("dense-section", 3, (384, 512))
    studio.viewer.add_image(pixels, name="section")
    studio.run(studio.open("Segment nuclei"))
    correct = studio.open("Correct nuclei")
    studio.viewer.layers.selection.active = studio.viewer.layers[-1]
    panel = correct.doubts
    for button in (panel.next_button, panel.accept_button, panel.next_button):
        button.native.click()
        wait_until(lambda: panel.proposal is not None)
    studio.take("doubtful")


def drag_to(canvas: Any, place: QPointF) -> None:
    """Move the mouse with its left button down."""
    left, no = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    everywhere = canvas.mapToGlobal(place)
    keys = Qt.KeyboardModifier.NoModifier
    move = QMouseEvent(QEvent.Type.MouseMove, place, everywhere, no, left, keys)
    QApplication.sendEvent(canvas, move)


def long_names(studio: Studio) -> None:
    """Show names that are too long for the dock, in low and narrow docks."""
    studio.open_sample()
    studio.viewer.layers[0].name = LONG_NAME
    widget = studio.open("Segment nuclei")
    studio.run(widget)
    studio.take("long-names")
    dock = widget.native.parent()
    studio.window.resizeDocks([dock], [1], Qt.Orientation.Horizontal)
    studio.take("narrow")
    fine_tune = studio.open("Fine-tune on labels")
    fine_tune.model_name.value = "CON"
    studio.take("both-widgets")
    studio.window.resize(studio.window.width(), 600)
    studio.take("low")


def training(studio: Studio) -> None:
    """Train for real: cancelled, better, and no better."""
    pixels, truth = draw_nuclei(3, (256, 256), 30)
    studio.viewer.add_image(pixels, name="cells")
    studio.viewer.add_labels(truth, name="cells, labelled")
    widget = studio.open("Fine-tune on labels")
    studio.take("fine-tune")
    command = fake_training("better")
    widget.make_command = command
    widget.panel.run_button.native.click()
    bar = widget.panel.progress_bar.native
    wait_until(lambda: bar.value() > 60 or not widget.panel.is_running)
    studio.take("training")
    wait_until(lambda: not widget.panel.is_running)
    studio.take("training-better")
    widget.make_command = fake_training("worse")
    studio.run(widget)
    studio.take("training-not-better")
    widget.make_command = fake_training("error")
    studio.run(widget)
    studio.take("training-error")


def fine_tuning(studio: Studio) -> None:
    """Fine-tune for real on a look that no shipped model knows; compare on another."""
    pixels, truth = draw_look("rings", seed=1, shape=(384, 384))
    studio.viewer.add_image(pixels, name="rings")
    studio.viewer.add_labels(truth, name="rings, labelled")
    widget = studio.open("Fine-tune on labels")
    widget.start.value, widget.model_name.value = "classic", "my-rings"
    widget.minutes.value = 2
    widget.panel.run_button.native.click()
    bar, longest = widget.panel.progress_bar.native, 60 * (widget.minutes.value + 5)
    wait_until(lambda: bar.value() >= 80 or not widget.panel.is_running, longest)
    for theme in THEMES:
        studio.use(theme)
        studio.take("live-curves")
    wait_until(lambda: not widget.panel.is_running, longest)
    for theme in THEMES:
        studio.use(theme)
        studio.take("tuned")
    studio.viewer.layers.clear()
    segment = studio.open("Segment nuclei")
    for name, model in (("before", "classic"), ("after", widget.start.value)):
        pixels, _ = draw_look("rings", seed=2, shape=(384, 384))
        studio.viewer.add_image(pixels, name=f"{name}: {model}")
        segment.model.value = model
        studio.run(segment)
        studio.viewer.layers[-1].contour = 2
    studio.viewer.grid.stride, studio.viewer.grid.enabled = 2, True
    studio.viewer.reset_view()
    for theme in THEMES:
        studio.use(theme)
        studio.take("before-and-after")


def painting(studio: Studio) -> None:
    """Label a few of many nuclei, draw an area, and list several pairs."""
    pixels, truth = draw_nuclei(3, (512, 512), 120)
    few = np.where(truth <= 13, truth, 0)
    studio.viewer.add_image(pixels, name="cells")
    studio.viewer.add_labels(few, name="cells, painted")
    widget = studio.open("Fine-tune on labels")
    wait_until(lambda: not widget.watch.is_busy)
    studio.take("painted-few")
    widget.report_lines.follow_button.native.click()
    wait_until(lambda: not widget.watch.is_busy)
    studio.take("painted-ring")
    widget.add_pair()
    studio.viewer.add_image(pixels[::-1], name="other cells")
    one_number = (truth[::-1] > 0).astype(np.uint8)
    studio.viewer.add_labels(one_number, name="other cells, labelled")
    widget.annotation.how.value = "area"
    widget.annotation.draw_button.native.click()
    shapes = studio.viewer.layers["annotated area"]
    shapes.add_rectangles([[[30, 30], [30, 240], [260, 240], [260, 30]]])
    wait_until(lambda: not widget.watch.is_busy)
    studio.take("several-pairs")


def annotating(studio: Studio) -> None:
    """Take one tile as checked, and go to the next."""
    halves = [draw_look(look, 1, (512, 384))[0] for look in ("culture", "rings")]
    studio.viewer.add_image(np.hstack(halves), name="slide")
    widget = studio.open("Fine-tune on labels")
    widget.start.value = "classic"
    section = widget.annotate_next
    for name in ("first-tile", "next-tile"):
        section.next_button.native.click()
        wait_until(lambda: not widget.panel.is_running)
        wait(5)  # until the check of the input has seen the tile
        show_row(widget._form.native, section.native)
        studio.take(name)


def measuring(studio: Studio) -> None:
    """Measure a result, select in the plot, and show table and dialog."""
    studio.open_sample()
    widget = studio.open("Segment nuclei")
    studio.run(widget)
    studio.viewer.window.remove_dock_widget(widget.native)
    for layer in studio.viewer.layers:
        layer.scale, layer.units = (0.5, 0.5), ("um", "um")
    nuclei = studio.viewer.layers[-1]
    studio.viewer.layers.selection.active = nuclei
    nuclei.contour = 0
    studio.viewer.reset_view()
    measure = studio.open("Measure nuclei")
    measure.form.ring.value = 2
    studio.run(measure)
    wait_until(lambda: measure.is_idle)
    studio.take("measured-histogram")
    measure.plots.y.value = "solidity"
    frame = measure.plots.plot.frame
    nuclei_in_plot = frame.nuclei
    large = nuclei_in_plot.x > np.quantile(nuclei_in_plot.x, 0.75)
    measure.plots.plot.selected.emit(nuclei_in_plot.label[large])
    show_row(measure.form.native, measure.plots.plot)
    studio.take("measured")
    measure.table_button.native.click()
    studio.take("measured-table")
    dialog = results_dialog.open_dialog()
    dialog.hide()
    dialog.setModal(True)
    dialog.show()
    studio.take("save-results")
    dialog.close()


def browsing(studio: Studio) -> None:
    """Walk through drawn images, of which some are segmented, corrected or done."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "cells"
        folder.mkdir()
        for seed, look in enumerate(
            ("culture", "hematoxylin-eosin", "culture", "rings", "stained-cells")
        ):
            pixels, _ = draw_look(look, seed + 1, (384, 512))
            Image.fromarray(pixels).save(folder / f"field-{seed + 1:02}.png")
        (folder / "field-06.tif").write_bytes(b"II*\0 the rest is missing")
        widget = studio.open("Browse images")
        segment = studio.open("Segment nuclei")
        widget.open(folder)
        wait_until(lambda: widget.browser.is_idle)
        for number in range(3):
            studio.run(segment)
            if number == 1:
                studio.viewer.layers[-1].paint((40, 60), 999)
            if number == 0:
                widget.done_box.click()
            widget.next_button.click()
            wait_until(lambda: widget.browser.is_idle)
        widget.previous_button.click()
        wait_until(lambda: widget.browser.is_idle)
        dock = widget.native.parent()
        studio.window.resizeDocks([dock], [460], Qt.Orientation.Vertical)
        wait(1)  # Segment nuclei seeks its height once more
        studio.take("browse")
        widget.browser.save_now()


def models(studio: Studio) -> None:
    """List models, two of them of the user, and compare two on a drawn image."""
    shipped = model_store.shipped_models()
    for name, notes in (("embryo-2", ""), ("my-rings", "Widefield, 20x. For Ada.")):
        path = import_model(shipped["classic"], name)
        if notes:
            write_notes(path, notes)
    pixels, _ = draw_look("dense-section", 4, (384, 512))
    studio.viewer.add_image(pixels, name="section")
    widget = studio.open("Models")
    widget.form.second.value = "classic"
    widget.form.table.select(widget.form.table.names.index("my-rings"))
    studio.run(widget)
    studio.take("models")


def dialogs(studio: Studio) -> None:
    """Show a download and a choice of a file."""
    is_taken = False

    def fetch(name: str, progress: Callable[[int, int], None]) -> Path:
        while not is_taken:
            progress(31_000_000, 83_000_000)
            time.sleep(0.05)  # a server sends pieces now and then, too
        return Path(name)

    def take() -> None:
        nonlocal is_taken
        if QApplication.activeModalWidget() is None:
            QTimer.singleShot(50, take)
            return
        studio.take("download")
        is_taken = True
        QApplication.activeModalWidget().cancel()

    studio.window.activateWindow()
    QTimer.singleShot(0, take)
    with patch.object(download_dialog, "fetch", fetch), suppress(UNetNucleiError):
        download_dialog.fetch_with_dialog("stage1_train")
    files = QFileDialog(studio.window, "Choose a model", "", "Models (*.unetnuclei)")
    files.setOption(QFileDialog.Option.DontUseNativeDialog)
    files.setModal(True)
    files.show()
    studio.take("file-dialog")
    files.close()


SCENES = (
    *(
        empty,
        after_a_run,
        region,
        stack,
        correction,
        correcting,
        doubting,
        long_names,
        training,
        painting,
        annotating,
        measuring,
        browsing,
        models,
        dialogs,
        fine_tuning,
    ),
)
TAKEN_ONCE = (fine_tuning,)  # takes minutes, and both themes in turn

# Its first sleep keeps the message on show, as when Keras starts; the second
# makes the curve grow while a picture is taken.
FAKE = """
import json, math, sys, time
from pathlib import Path
output, how = Path(sys.argv[1]), sys.argv[2]
def say(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)
say("status", message="Starting Keras")
time.sleep(0.5)
if how == "error":
    say("error", message="x", template="The time must be above 0. Received: {minutes}.",
        settings={"minutes": 0})
    sys.exit(1)
gain = 0.09 if how == "better" else -0.06
for step in range(120):
    epoch, seconds = step // 12, step * 2.2
    score = 0.61 + gain * (1 - math.exp(-epoch / 3)) if step % 12 == 0 else None
    say("step", epoch=epoch, progress=step / 130, seconds=seconds, is_best=False,
        loss=0.16 + 0.2 * math.exp(-step / 30) + 0.004 * math.sin(step * 5),
        scores=None if score is None else {"dsb2018": score},
        note=NOTE if step == 40 and how == "worse" else None)
    time.sleep(0.08)
if how == "better":
    output.write_bytes(b"")
say("finished", output=str(output), scores={"dsb2018": 0.7 if gain > 0 else 0.61},
    start_scores={"dsb2018": 0.61}, is_better_than_start=gain > 0, seconds=264,
    warning=None, **json.loads(sys.argv[3])[how])
"""

NOTE = "The loss was no number: back to the last good weights, at half of the rate."
FAKE = FAKE.replace("NOTE", repr(NOTE))


def fake_verdict(*, is_better: bool) -> dict[str, str | None]:
    """Return what training says of two scores."""
    verdict = make_verdict(
        HeldOutComparison(
            model="my-nuclei",
            start="resnet",
            n_images=2,
            n_nuclei=31,
            score=0.7 if is_better else 0.61,
            start_score=0.61,
            n_steps=480,
        )
    )
    return {"verdict": verdict.sentence, "advice": verdict.advice}


def fake_training(how: str) -> Callable[..., list[str]]:
    """Return the command of a process that tells of a training in seconds."""
    return lambda data, output, start, minutes: [
        *(sys.executable, "-c", FAKE, str(output), how),
        json.dumps(
            {
                "better": fake_verdict(is_better=True),
                "worse": fake_verdict(is_better=False),
            }
        ),
    ]


def main() -> None:
    """Take all pictures, or those of some scenes."""
    names = [scene.__name__ for scene in SCENES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="for all pictures")
    parser.add_argument("--scenes", nargs="+", choices=names, default=names)
    parser.add_argument("--first-size", action="store_true", help="only the smaller")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    own_models = Path(tempfile.mkdtemp())
    model_store.user_model_folder = lambda: own_models
    correction_journal.journal_folder = lambda: own_models / "corrections"
    with notification_manager:  # as napari.run() does: errors become notifications
        for size in SIZES[: 1 if options.first_size else None]:
            for theme in THEMES:
                is_first = (size, theme) == (SIZES[0], THEMES[0])
                for scene in SCENES:
                    if scene in TAKEN_ONCE and not is_first:
                        continue
                    if scene.__name__ in options.scenes:
                        studio = Studio(options.folder, size, theme)
                        scene(studio)
                        studio.close()
                        for path in own_models.iterdir():
                            shutil.rmtree(path) if path.is_dir() else path.unlink()
                        print(f"{scene.__name__} {theme} {size[0]}", flush=True)
    shutil.rmtree(own_models)


if __name__ == "__main__":
    main()
