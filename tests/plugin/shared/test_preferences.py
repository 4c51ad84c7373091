from __future__ import annotations

import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from npe2 import PluginManifest

from napari_unet_nuclei.core.engines.devices import DEVICE_VARIABLE
from napari_unet_nuclei.core.models.store import FOLDER_VARIABLE, user_model_folder
from napari_unet_nuclei.core.segmentation.memory import TILE_MEMORY_VARIABLE
from napari_unet_nuclei.plugin.shared import preferences
from napari_unet_nuclei.plugin.shared.preferences import (
    Preferences,
    apply_preferences,
    read_preferences,
)
from napari_unet_nuclei.plugin.shared.remembered import remember

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIABLES = (FOLDER_VARIABLE, TILE_MEMORY_VARIABLE, DEVICE_VARIABLE)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(preferences, "_ours", {})
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that what is set is undone
        monkeypatch.delenv(name)
    yield
    for name in VARIABLES:
        os.environ.pop(name, None)


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Play a napari without pages for plugins, whose settings are in a folder."""
    monkeypatch.setattr(preferences, "_napari_page", lambda: None)
    monkeypatch.setenv("NAPARI_CONFIG", str(tmp_path / "settings.yaml"))


def environment() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in VARIABLES}


def test_the_manifest_lists_the_preferences_with_their_defaults() -> None:
    contributions = PluginManifest.from_distribution("napari-unet-nuclei").contributions
    if not hasattr(contributions, "configurations"):
        pytest.skip("this npe2 knows no preferences of plugins")
    properties = contributions.configurations["segmentation"].properties
    listed = {name: each.default for name, each in properties.items()}
    assert listed == {each.name: each.default for each in fields(Preferences)}


def test_what_napari_shows_is_followed(tmp_path: Path) -> None:
    settings = pytest.importorskip("napari.settings")
    if not hasattr(settings, "get_plugin_settings"):
        pytest.skip("this napari shows no preferences of plugins")
    page = settings.get_plugin_settings("napari-unet-nuclei").segmentation
    assert apply_preferences() == Preferences()
    assert not any(environment().values())
    try:
        page.model_folder = str(tmp_path / "own")
        page.tile_memory, page.device = 1.5, "GPU"
        assert read_preferences().device == "GPU"
        assert environment() == {
            FOLDER_VARIABLE: str(tmp_path / "own"),
            TILE_MEMORY_VARIABLE: "1.5",
            DEVICE_VARIABLE: "GPU",
        }
        assert user_model_folder() == tmp_path / "own"
    finally:
        page.model_folder, page.tile_memory, page.device = "", 0.0, "CPU"
    assert not any(environment().values())


@pytest.mark.usefixtures("stored")
def test_an_older_napari_reads_them_from_a_file() -> None:
    assert apply_preferences() == Preferences()
    remember("preferences", {"default_model": "classic", "device": "AUTO"})
    assert apply_preferences() == Preferences(default_model="classic", device="AUTO")
    assert os.environ[DEVICE_VARIABLE] == "AUTO"


@pytest.mark.usefixtures("stored")
def test_what_the_environment_says_comes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, "GPU.1")
    remember("preferences", {"device": "AUTO"})
    apply_preferences()
    assert os.environ[DEVICE_VARIABLE] == "GPU.1"


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("value", [None, [1], {"a": 1}, True])
def test_values_of_another_kind_are_ignored(value: Any) -> None:
    remember("preferences", dict.fromkeys(("device", "tile_memory", "x"), value))
    assert read_preferences() == Preferences()
