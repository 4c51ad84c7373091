"""*Browse images* and *Models*."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from qtpy.QtCore import Qt

from napari_unet_nuclei.core.datasets.drawn.looks import draw_look
from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.core.models.managing import import_model
from napari_unet_nuclei.core.models.notes import write_notes
from screenshots.studio import wait, wait_until

if TYPE_CHECKING:
    from screenshots.studio import Studio


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
