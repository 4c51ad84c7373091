"""Fine-tuning from painted nuclei to a model, with a real process, in a real window."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.models.bundle import read_config
from napari_unet_nuclei.core.settings.choices import Annotated
from napari_unet_nuclei.plugin.shared import commands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

MINUTES_MS = 240_000


def few_steps(*arguments: Any) -> list[str]:
    """Write the command of the widget, for a run of a few steps."""
    words = commands.fine_tune_arguments(*arguments)
    where = words.index("--minutes")
    words[where : where + 2] = ["--epochs", "2", "--learning-rate", "0.002"]
    words[words.index("--steps-per-epoch") + 1] = "4"
    return words


@pytest.mark.slow
def test_from_painted_nuclei_to_a_chosen_model(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
    user_folder: Path,
    real_model: Path,
) -> None:
    user_folder.mkdir()
    shutil.copy(real_model, user_folder / "start.unetnuclei")
    pixels, truth = draw_nuclei(3, (300, 300), 40)
    viewer = make_napari_viewer()
    viewer.add_image(pixels, name="first")
    viewer.add_labels(np.where(truth <= 12, truth, 0), name="first nuclei")
    segment = open_widget(viewer, "Segment nuclei")
    widget = open_widget(viewer, "Fine-tune on labels")

    def wait_for_check() -> None:
        qtbot.waitUntil(lambda: not widget.watch.is_busy, timeout=MINUTES_MS)

    # Count only what is painted, and list the pair.
    widget.annotation.how.value = Annotated.PAINTED
    wait_for_check()
    assert widget.report_lines.all.value.startswith("12 nuclei painted in 1 image;")
    widget.more.add_button.native.click()
    assert len(widget.more.items) == 1

    # Choose a second pair, and draw the area in which it is complete.
    viewer.add_image(pixels[::-1], name="second")
    labels = viewer.add_labels(truth[::-1], name="second nuclei")
    viewer.layers.selection.active = labels
    assert widget.image.layer.name == "second"
    widget.annotation.how.value = Annotated.AREA
    widget.annotation.draw_button.native.click()
    widget.annotation.area.layer.add_rectangles(
        [[[0, 0], [0, 299], [200, 299], [200, 0]]]
    )
    wait_for_check()
    assert "painted in 2 images" in widget.report_lines.all.value
    assert widget.panel.run_button.enabled

    # Train, and see the start before the curves.
    widget.make_command = few_steps
    widget.panel.run_button.native.click()
    qtbot.waitUntil(lambda: not widget.panel.is_running, timeout=MINUTES_MS)
    said = widget.panel.status.value
    n_losses, n_scores = widget._plot.n_points
    assert n_losses >= 2, said
    assert n_scores >= 2, said
    own = user_folder / "my-nuclei.unetnuclei"
    if own.exists():
        assert "my-nuclei is chosen now" in said
        assert segment.model.model == widget.start.model == "my-nuclei"
        names = str(read_config(own).provenance)
        assert "first" in names
        assert "second" in names
    else:
        assert "No model was added" in said
        assert segment.model.model == widget.start.model == "start"
