"""The widget says what it saw of a colour image, and lets the user choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.progress import TileDone
from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.plugin.segment.messages import describe_progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from plugin.segment.conftest import Scene


@pytest.fixture
def colours(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Nuclei in green; the engine looks at red, and trusts green alone more."""
    rng = np.random.default_rng(0)
    red = np.where(rng.random(image.shape) > 0.9, 120, 0)
    return np.stack([red, image, 60 * (red > 0)], axis=-1).astype(np.uint8)


def test_the_channel_that_was_found_is_said(
    scene: Scene, colours: NDArray[np.uint8]
) -> None:
    scene.viewer.add_image(colours, name="cells")
    labels = scene.segment()
    assert "nuclei found in green" in scene.status
    assert labels.metadata["signal"] == "green"
    assert labels.metadata["settings"]["stain"] == "auto"
    assert scene.n_nuclei > 0


def test_another_stain_asks_for_a_new_run(
    scene: Scene, colours: NDArray[np.uint8]
) -> None:
    scene.viewer.add_image(colours, name="cells")
    scene.segment()
    control = scene.widget.stain
    assert "hematoxylin" in control.tooltip
    control.value = Stain.GREEN
    assert scene.status.startswith("Stain changed: press Segment again")
    labels = scene.segment()
    assert "found in" not in scene.status  # as the user has said so
    assert labels.metadata["settings"]["stain"] == labels.metadata["signal"] == "green"


def test_the_choice_works_in_a_real_window(
    make_napari_viewer: Callable[..., Any],
    open_scene: Callable[..., Scene],
    make_model: Callable[..., Any],
    colours: NDArray[np.uint8],
) -> None:
    make_model("tiny", threshold=0.45)
    scene = open_scene(make_napari_viewer(), is_closed=False)
    scene.viewer.add_image(colours, name="cells")
    combo = scene.widget.stain.native
    assert [combo.itemText(row) for row in (0, combo.count() - 1)] == [
        "automatic",
        "image as it is",
    ]
    combo.setCurrentText("green channel")
    assert scene.widget.settings.stain is Stain.GREEN
    scene.segment()
    assert scene.labels.metadata["signal"] == "green"


def test_a_probe_is_no_progress() -> None:
    said = describe_progress(TileDone(0, 1))
    assert said == "Trying which colour shows the nuclei …"


def test_another_stain_is_advised_where_one_shows_nothing(
    scene: Scene, colours: NDArray[np.uint8]
) -> None:
    colours[..., 2] = 0
    scene.viewer.add_image(colours, name="cells")
    scene.widget.stain.value = Stain.BLUE
    scene.segment()
    assert "Lower the threshold, choose another stain, or set" in scene.status
