"""*Segment nuclei*: before and after a run, in a region, and with long names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSlider

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.plugin.segment.region_choice import RegionKind
from screenshots.studio import wait_until

if TYPE_CHECKING:
    from screenshots.studio import Studio

LONG_NAME = "2026-11-27 embryo 17, position 4, " + "very_long_name_" * 20


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


def nothing_found(studio: Studio) -> None:
    """Show what is said where there are no nuclei."""
    noise = np.random.default_rng(0).normal(100, 8, (400, 400)).astype(np.uint16)
    studio.viewer.add_image(noise, name="empty well")
    widget = studio.open("Segment nuclei")
    studio.run(widget)
    studio.viewer.reset_view()
    studio.take("nothing-found")


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
