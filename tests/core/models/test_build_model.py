from __future__ import annotations

import json

import pytest

from napari_unet_nuclei.core.errors import ModelError, SettingsError
from napari_unet_nuclei.core.models import build_model, complete_arguments
from napari_unet_nuclei.core.settings import Architecture


@pytest.mark.parametrize("architecture", list(Architecture))
def test_every_architecture_can_be_built(architecture):
    network = build_model(architecture, {"widths": (4, 8)})
    assert network.name == architecture
    assert build_model(str(architecture), {"widths": [4, 8]}).count_params() == (
        network.count_params()
    )


def test_unknown_architectures_are_refused():
    with pytest.raises(SettingsError, match="'vgg'"):
        build_model("vgg")
    with pytest.raises(SettingsError, match="'vgg'"):
        complete_arguments("vgg", {})


@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [
        ("classic", {"depth": 3}),
        ("classic", {"widths": (4, 8), "upsampling": "nearest"}),
        ("classic", {"widths": 4}),
        ("resnet", {"widths": (4, 8), "encoder_blocks": (1, 1, 1)}),
        ("resnet", {"widths": (4, -8)}),
    ],
)
def test_arguments_that_do_not_fit_are_refused(architecture, arguments):
    with pytest.raises(
        ModelError, match=f"Cannot build the architecture '{architecture}'"
    ):
        build_model(architecture, arguments)


@pytest.mark.parametrize("architecture", list(Architecture))
def test_a_bundle_outlives_a_change_of_the_defaults(architecture):
    chosen = {"widths": [4, 8], "n_maps": 2}
    arguments = complete_arguments(architecture, chosen)
    assert arguments.items() >= chosen.items()
    assert {"stem_stride", "upsampling", "dropout"} <= arguments.keys()
    stored = json.loads(json.dumps(arguments))
    assert build_model(architecture, stored).count_params() == (
        build_model(architecture, chosen).count_params()
    )
