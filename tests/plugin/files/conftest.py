"""The manifests of napari and of this plugin, as napari loads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from npe2 import PluginManifest

import napari_unet_nuclei

if TYPE_CHECKING:
    from typing import Any

MANIFEST = Path(napari_unet_nuclei.__file__).with_name("napari.yaml")


@pytest.fixture
def plugins(npe2pm: Any) -> Any:
    npe2pm.register(PluginManifest.from_distribution("napari"))
    npe2pm.register(PluginManifest.from_file(MANIFEST))
    return npe2pm
