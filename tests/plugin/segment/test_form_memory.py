"""What the form remembers from one session to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.shared.remembered import recall, remember

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from plugin.segment.conftest import Scene


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAPARI_CONFIG", str(tmp_path / "settings.yaml"))


def test_the_next_session_begins_where_this_one_ends(
    open_scene: Callable[..., Scene], make_model: Callable[..., Path], qtbot: QtBot
) -> None:
    make_model("tiny", threshold=0.45)
    first = open_scene().widget
    assert not any(each.is_open for each in first._form.sections.values())
    first.separation.value = 0.8
    first.stain.value = Stain.HDAB
    first.drop_border.value = True
    first.diameter.value = 33
    first._form.sections["Model"].header.click()
    qtbot.waitUntil(lambda: recall("segment").get("open", {}).get("Model") is True)
    second = open_scene().widget
    assert second.settings == first.settings
    assert second.settings.threshold is None
    assert [each.is_open for each in second._form.sections.values()] == [True, False]
    assert "hematoxylin beside DAB" in (
        second._form.sections["Axes and stain"].header.toolTip()
    )
    second._form.defaults_button.click()
    qtbot.waitUntil(lambda: recall("segment")["settings"]["separation"] is None)
    assert open_scene().widget.settings == SegmentationSettings()


@pytest.mark.parametrize(
    "known",
    [
        {"settings": {"threshold": 7}, "open": {"Model": "yes"}},
        {"settings": {"stain": "ink"}, "open": ["Model"]},
        {"settings": {"min_area": "many"}},
        {"settings": [1, 2]},
        {"open": {"Another": True}},
    ],
)
def test_what_cannot_be_used_is_left_out(
    open_scene: Callable[..., Scene], make_model: Callable[..., Path], known: Any
) -> None:
    make_model("tiny")
    remember("segment", known)
    widget = open_scene().widget
    assert widget.settings == SegmentationSettings()
    assert not any(each.is_open for each in widget._form.sections.values())


def test_the_default_model_is_chosen_at_first(
    open_scene: Callable[..., Scene],
    make_model: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from napari_unet_nuclei.plugin.segment import form
    from napari_unet_nuclei.plugin.shared.preferences import Preferences

    make_model("a")
    make_model("tiny")

    def choose(name: str) -> str | None:
        preferences = Preferences(default_model=name)
        monkeypatch.setattr(form, "apply_preferences", lambda: preferences)
        chosen: str | None = open_scene().widget.model.model
        return chosen

    assert choose("tiny") == "tiny"
    assert choose("gone") == "a"


def test_the_section_of_the_axes_opens_where_they_are_guessed(
    open_scene: Callable[..., Scene], make_model: Callable[..., Path]
) -> None:
    make_model("tiny")
    scene = open_scene()
    section = scene.widget._form.sections["Axes and stain"]
    scene.viewer.add_image(np.zeros((20, 30)), name="plain")
    assert not section.is_open
    scene.viewer.add_image(np.zeros((5, 20, 30)), name="z, t or channels")
    assert scene.widget.axes.is_doubtful
    assert section.is_open
