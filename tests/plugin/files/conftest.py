"""The manifests of napari and of this plugin, as napari loads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_unet_nuclei

MANIFEST = Path(napari_unet_nuclei.__file__).with_name("napari.yaml")


@pytest.fixture
def plugins(npe2pm):
    npe2pm.register(PluginManifest.from_distribution("napari"))
    npe2pm.register(PluginManifest.from_file(MANIFEST))
    return npe2pm
