from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import pytest

from napari_unet_nuclei.core.networks.building import build_model, complete_arguments
from napari_unet_nuclei.core.settings.layer_plans import PLANS, Plan

if TYPE_CHECKING:
    from typing import Any


def convolution(side: int, n_inputs: int, filters: int) -> int:
    """Count the weights of a convolution with bias."""
    return side * side * n_inputs * filters + filters


def level(n_inputs: int, filters: int) -> int:
    return convolution(3, n_inputs, filters) + convolution(3, filters, filters)


def encoder(n_channels: int, widths: tuple[int, ...]) -> int:
    inputs = (n_channels, *widths[:-1])
    return sum(level(n, filters) for n, filters in zip(inputs, widths, strict=True))


# Added up by hand from the tables of layers, not from the code.
N_WEIGHTS = {
    Plan.NUCLEI_128: 1_732_113,
    Plan.NUCLEI_256: (
        encoder(3, (32, 64, 128, 256))
        + level(256 + 256, 256)
        + level(256 + 128, 128)
        + level(128 + 64, 64)
        + level(64 + 32, 32)
        + convolution(1, 32, 1)
    ),
    Plan.MEMBRANES: 31_031_685,
    Plan.NORMALISED: (
        encoder(3, (16, 32, 64, 128, 256))
        + sum(
            convolution(2, below, filters) + level(2 * filters, filters)
            for below, filters in ((256, 128), (128, 64), (64, 32), (32, 16))
        )
        # Four statistics instead of a bias for each channel of each convolution.
        + 3 * 2 * (16 + 32 + 64 + 128 + 256 + 128 + 64 + 32 + 16)
        + convolution(1, 16, 1)
    ),
}


@pytest.fixture(scope="module", params=list(Plan))
def plan(request: pytest.FixtureRequest) -> Plan:
    chosen: Plan = request.param
    return chosen


@pytest.fixture(scope="module")
def network(plan: Plan) -> keras.Model:
    return build_model("classic", PLANS[plan])


def rates(network: keras.Model, branch: str) -> list[float]:
    """Return the dropout of a branch, level by level on its way."""
    return [
        layer.rate
        for layer in network.layers
        if isinstance(layer, keras.layers.Dropout) and layer.name.startswith(branch)
    ]


def test_a_plan_has_as_many_weights_as_its_model(plan: Plan, network: Any) -> None:
    assert network.count_params() == N_WEIGHTS[plan]


def test_a_plan_gives_one_map_of_the_whole_image(network: Any) -> None:
    shape = network.compute_output_shape((2, 256, 128, 3))
    assert shape == (2, 256, 128, 1)


def test_a_plan_says_all_that_matters(plan: Plan) -> None:
    """Later defaults of the network change nothing."""
    written = PLANS[plan]
    for name in ("stem_stride", "encoder_convolutions", "decoder_convolutions"):
        assert name in written
    stored = complete_arguments("classic", written)
    assert build_model("classic", stored).count_params() == N_WEIGHTS[plan]


@pytest.mark.parametrize(
    ("plan", "down", "up"),
    [
        (Plan.NUCLEI_128, [0.1, 0.1, 0.2, 0.2, 0.3], [0.3, 0.2, 0.1, 0.1]),
        (Plan.NUCLEI_256, [], []),
        (Plan.MEMBRANES, [0.5, 0.5], []),
        (Plan.NORMALISED, [0.1] * 5, [0.1] * 4),
    ],
    indirect=["plan"],
)
def test_dropout_is_where_the_plan_has_it(
    network: Any, down: list[Any], up: list[Any]
) -> None:
    assert rates(network, "encoder") == down
    assert rates(network, "decoder") == up
