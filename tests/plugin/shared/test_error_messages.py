from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.shared import workers
from napari_unet_nuclei.plugin.shared.error_messages import (
    describe_error,
    spell_control,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (lambda: SegmentationSettings(min_area=-1), "Received: smallest nucleus -1"),
        (lambda: SegmentationSettings(diameter=1), "Received: nucleus diameter 1"),
        (lambda: PlaneStack(np.zeros((5, 6, 7))), "as in axes ZYX"),
        (lambda: PlaneStack(np.zeros((2, 6, 7)), "CYX"), "nuclei, channel 0 … 1"),
    ],
)
def test_widgets_have_words_of_their_own(
    cause: Callable[..., Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    monkeypatch.setattr(workers, "show_error", shown.append)
    with pytest.raises(UNetNucleiError) as caught:
        cause()
    workers.notify(caught.value)
    assert words in shown[0]
    assert "=" not in shown[0]
    assert describe_error(caught.value) == shown[0]


def test_settings_without_a_value_are_named() -> None:
    assert spell_control("minutes", None) == "no time (min)"
    assert spell_control("resume", True) == "resume"
    assert describe_error(KeyError("x")) == "'x'"


def test_an_error_without_words_is_named() -> None:
    assert describe_error(ValueError()) == "ValueError"
    assert "not enough memory" in describe_error(MemoryError())
