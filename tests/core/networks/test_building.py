from __future__ import annotations

import json
from typing import Any

import pytest

from napari_unet_nuclei.core.errors import ModelError, SettingsError
from napari_unet_nuclei.core.networks.building import build_model, complete_arguments
from napari_unet_nuclei.core.settings.choices import Architecture

SMALL: dict[Architecture, dict[str, Any]] = {
    Architecture.CLASSIC: {"widths": (4, 8)},
    Architecture.RESNET: {"widths": (4, 8)},
    Architecture.RESNET50: {"widths": (4, 4, 4, 4)},
    Architecture.IMPORTED: {
        "layers": [
            {"kind": "Conv2D", "inputs": [0], "filters": 2, "kernel_size": 1},
            {"kind": "Activation", "inputs": [1], "activation": "sigmoid"},
        ]
    },
    Architecture.ENSEMBLE: {
        "members": [
            {"architecture": "classic", "arguments": {"widths": (4, 8)}},
            {"architecture": "resnet", "arguments": {"widths": (4, 8)}},
        ]
    },
}


@pytest.mark.parametrize("architecture", list(Architecture))
def test_every_architecture_can_be_built(architecture: Architecture) -> None:
    network = build_model(architecture, SMALL[architecture])
    assert network.name == architecture
    stored = json.loads(json.dumps(SMALL[architecture]))
    again = build_model(str(architecture), stored)
    assert again.count_params() == network.count_params()


def test_unknown_architectures_are_refused() -> None:
    with pytest.raises(SettingsError, match="'vgg'"):
        build_model("vgg")
    with pytest.raises(SettingsError, match="'vgg'"):
        complete_arguments("vgg", {})


@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [
        ("classic", {"depth": 3}),
        ("classic", {"widths": (4, 8), "upsampling": "cubic"}),
        ("classic", {"widths": 4}),
        ("resnet", {"widths": (4, 8), "encoder_blocks": (1, 1, 1)}),
        ("resnet", {"widths": (4, -8)}),
        ("classic", {"encoder_weights": None}),
        ("classic", {"widths": (4, 8), "dropout": (0.1, 0.1, 0.1)}),
        ("resnet50", {"widths": (4, 8)}),
        ("imported", {}),
        ("ensemble", {}),
        ("ensemble", {"members": "classic"}),
        ("ensemble", {"members": 2}),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    architecture: str, arguments: dict[Any, Any]
) -> None:
    with pytest.raises(
        ModelError, match=f"Cannot build the architecture '{architecture}'"
    ):
        build_model(architecture, arguments)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "there must be 2 or more parts"),
        ([{"architecture": "classic"}] * 2, "described by .'architecture'."),
        (
            [{"architecture": "ensemble", "arguments": {}}] * 2,
            "no part may be an ensemble",
        ),
        (
            [{"architecture": "classic", "arguments": {}}] * 17,
            "may be 16 parts. Received: 17",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(members: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build_model("ensemble", {"members": members})


def test_a_long_description_is_cut_in_the_message() -> None:
    layers = [{"kind": "Conv2D", "inputs": [0]}] * 100
    with pytest.raises(ModelError, match=r"…: layer 1: .* 'kernel_size'$") as caught:
        build_model("imported", {"layers": layers})
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("architecture", [Architecture.CLASSIC, Architecture.RESNET])
def test_a_bundle_outlives_a_change_of_the_defaults(architecture: Architecture) -> None:
    chosen = {"widths": [4, 8], "n_maps": 2}
    arguments = complete_arguments(architecture, chosen)
    assert arguments.items() >= chosen.items()
    assert {"stem_stride", "upsampling", "dropout"} <= arguments.keys()
    stored = json.loads(json.dumps(arguments))
    assert build_model(architecture, stored).count_params() == (
        build_model(architecture, chosen).count_params()
    )


# As bundles hold them since the first release; they are never renamed.
STORED = {
    "classic": """{"widths": [4, 8], "n_channels": 3, "stem_stride": 2,
        "encoder_convolutions": 2, "decoder_convolutions": 1, "bottleneck": true,
        "batch_normalization": false, "dropout": 0.0, "decoder_dropout": [0.1],
        "dropout_after": null, "upsampling": "transposed",
        "upsampling_filters": null, "head_filters": 0, "n_maps": 3}""",
    "resnet": """{"widths": [4, 8], "stem_stride": 2, "encoder_blocks": [1, 1],
        "decoder_blocks": 1, "batch_normalization": false, "dropout": 0.0,
        "upsampling": "transposed", "n_maps": 3}""",
    "resnet50": """{"encoder_weights": "imagenet", "widths": [4, 4, 4, 4],
        "decoder_convolutions": 2, "dropout": 0.1, "upsampling": "transposed",
        "n_maps": 3}""",
    "imported": """{"layers": [{"kind": "Conv2D", "inputs": [0], "filters": 1,
        "kernel_size": 1, "activation": "sigmoid"}], "n_channels": 1}""",
    "ensemble": """{"members": [
        {"architecture": "classic", "arguments": {"widths": [4, 8]}},
        {"architecture": "resnet", "arguments": {"widths": [4, 8], "n_maps": 1}}]}""",
}
N_WEIGHTS = {
    "classic": 1615,
    "resnet": 1987,
    "resnet50": 23_688_739,
    "imported": 2,
    "ensemble": 3796,
}


@pytest.mark.parametrize("architecture", Architecture)
def test_what_old_bundles_hold_builds_the_networks_they_were_trained_as(
    architecture: Architecture,
) -> None:
    stored = json.loads(STORED[architecture])
    assert complete_arguments(architecture, stored) == stored
    network = build_model(architecture, stored)
    assert network.count_params() == N_WEIGHTS[architecture]
