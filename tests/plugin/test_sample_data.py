from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManifest

import napari_unet_nuclei

MANIFEST = Path(napari_unet_nuclei.__file__).with_name("napari.yaml")
NAME = "napari-unet-nuclei"


@pytest.fixture
def open_sample(npe2pm, monkeypatch):
    """Opens a sample of the manifest in a new viewer, without a network."""

    def refuse(*_, **__):
        pytest.fail("a sample asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    npe2pm.register(PluginManifest.from_file(MANIFEST))
    return lambda key: ViewerModel().open_sample(NAME, key)


def test_stained_tissue_is_an_rgb_image(open_sample):
    (image,) = open_sample("ihc")
    assert image.rgb
    assert image.data.shape == (512, 512, 3)
    assert image.metadata["sample_id"] == "immunohistochemistry"


def test_synthetic_nuclei_come_with_their_labels(open_sample):
    image, labels = open_sample("synthetic_nuclei")
    assert not image.rgb
    assert image.data.shape == labels.data.shape
    assert len(np.unique(labels.data)) > 20
    assert image.metadata == labels.metadata == {"sample_id": "synthetic_nuclei"}


def test_every_sample_of_the_manifest_opens(open_sample):
    manifest = PluginManifest.from_file(MANIFEST)
    for sample in manifest.contributions.sample_data:
        assert open_sample(sample.key)
