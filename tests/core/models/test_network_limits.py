"""Arguments of networks stay in proportion to the weights that come with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.models.network_limits import check_arguments
from napari_unet_nuclei.core.models.store import find_model

if TYPE_CHECKING:
    from typing import Any


@pytest.mark.parametrize("name", ["classic", "resnet"])
def test_arguments_of_the_shipped_models_pass(name: str) -> None:
    bundle = read_bundle(find_model(name))
    check_arguments(bundle.config.arguments, bundle.n_weights // 4)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"widths": (256, 512)}, "ask for 1,179,648 weights or more"),
        ({"widths": (64,) * 17}, "at most 16 levels"),
        ({"widths": (64, 0)}, "no positive integers"),
        ({"widths": "64"}, "no positive integers"),
        ({"decoder_blocks": 65}, "a level has 65 blocks"),
        ({"decoder_blocks": 2.0}, "a level has 2.0 blocks"),
        ({"layers": [{"filters": 10**9}]}, "arguments hold 1000000000"),
        ({"dropout": float("nan")}, "arguments hold nan"),
        ({"layers": [0] * 200_000}, "too many or nested too deep"),
        ({"widths": (64, 64), "encoder_blocks": 40}, "ask for 1,474,560 weights"),
    ],
)
def test_monsters_are_refused(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_arguments(arguments, 100_000)
