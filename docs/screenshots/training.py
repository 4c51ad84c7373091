"""*Fine-tune on labels*: what is painted, while it trains, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.datasets.drawn.looks import draw_look
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.plugin.shared.docking import show_row
from screenshots.fake_training import fake_training
from screenshots.studio import THEMES, wait, wait_until

if TYPE_CHECKING:
    from screenshots.studio import Studio


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
