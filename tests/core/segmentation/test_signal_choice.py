"""Which signal of an image is seen, and that deciding it takes little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.images.nuclear_signal import WHOLE, NuclearSignal
from napari_unet_nuclei.core.instances.maps import Maps
from napari_unet_nuclei.core.progress import TileDone, exhaust
from napari_unet_nuclei.core.segmentation.signal_choice import iter_signal_choice
from napari_unet_nuclei.core.segmentation.signal_policy import SignalPolicy
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from numpy.typing import NDArray


def probe(probability: float, n_nuclei: int = 16) -> Maps:
    """Nuclei of 8 px that a network is so confident of."""
    foreground = np.zeros((160, 160), np.float32)
    for number in range(n_nuclei):
        y, x = divmod(number, 8)
        foreground[20 * y : 20 * y + 8, 20 * x : 20 * x + 8] = probability
    return Maps(foreground)


@pytest.mark.parametrize(
    ("probes", "expected"),
    [
        ({Stain.NONE: probe(0.8), Stain.HE: probe(0.85)}, Stain.HE),
        ({Stain.NONE: probe(0.8), Stain.HE: probe(0.82)}, Stain.NONE),
        ({Stain.NONE: probe(0.8), Stain.HE: probe(0.99, n_nuclei=4)}, Stain.NONE),
        ({Stain.NONE: probe(0), Stain.HE: probe(0.7)}, Stain.HE),
        ({Stain.NONE: probe(0), Stain.HE: probe(0)}, Stain.NONE),
        (
            {Stain.NONE: probe(0.6), Stain.RED: probe(0.8), Stain.BLUE: probe(0.9)},
            Stain.BLUE,
        ),
        ({Stain.NONE: probe(0.6), Stain.RED: probe(0.9, n_nuclei=5)}, Stain.RED),
        ({Stain.NONE: probe(0.89), Stain.RED: probe(0.9)}, Stain.NONE),
    ],
)
def test_a_signal_must_raise_the_confidence(
    probes: dict[Stain, Maps], expected: Stain
) -> None:
    assert SignalPolicy().choose(probes) is expected


def test_a_policy_says_by_how_much() -> None:
    probes = {Stain.NONE: probe(0.8), Stain.HDAB: probe(0.85)}
    assert SignalPolicy(min_gain_of_dye=0.2).choose(probes) is Stain.NONE
    few = {Stain.NONE: probe(0.8), Stain.HDAB: probe(0.9, n_nuclei=4)}
    assert SignalPolicy(min_nuclei_of_dye=2).choose(few) is Stain.HDAB
    probes = {Stain.NONE: probe(0.8), Stain.GREEN: probe(0.9)}
    assert SignalPolicy(min_gain_of_channel=0.3).choose(probes) is Stain.NONE


def colours(shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Grains of two dyes, in the lower right corner."""
    rng = np.random.default_rng(0)
    image = np.zeros((*shape, 3), np.uint8)
    grains = rng.random((shape[0] // 4, shape[1] // 4, 2)) > 0.7
    image[-grains.shape[0] :, -grains.shape[1] :, :2] = 200 * grains
    return image


def choose(image: NDArray[Any], policy: SignalPolicy) -> tuple[Any, list[Any], Any]:
    asked = []

    def iter_maps(stain: Stain, window: Any) -> Generator[TileDone, None, Maps]:
        asked.append((stain, window))
        yield TileDone(1, 2)
        yield TileDone(2, 2)
        return probe({Stain.NONE: 0.6, Stain.GREEN: 0.9}.get(stain, 0.7))

    signal = NuclearSignal(image)
    steps = list(iter_signal_choice(signal, iter_maps, policy))
    chosen = exhaust(iter_signal_choice(signal, iter_maps, policy))
    return chosen, asked[: len(asked) // 2], steps


def test_a_small_image_is_probed_as_a_whole_and_the_probe_kept() -> None:
    chosen, asked, steps = choose(colours((80, 100)), SignalPolicy())
    assert [stain for stain, _ in asked] == [Stain.NONE, Stain.RED, Stain.GREEN]
    assert all(window is WHOLE for _, window in asked)
    assert chosen.stain is Stain.GREEN
    assert chosen.maps.foreground.max() == np.float32(0.9)
    assert steps == [TileDone(0, 2)] * 6  # nothing of the result is done yet


def test_a_large_image_is_probed_where_there_is_something() -> None:
    policy = SignalPolicy(max_probe_area=10_000, window_side=60)
    chosen, asked, _ = choose(colours((300, 400)), policy)
    assert (chosen.stain, chosen.maps) == (Stain.GREEN, None)
    assert len({str(window) for _, window in asked}) == 1
    rows, columns = asked[0][1]
    assert rows.stop - rows.start == columns.stop - columns.start == 60
    assert 220 <= rows.start <= 240
    assert 290 <= columns.start <= 340


@pytest.mark.parametrize("shape", [(20, 5000), (5000, 20), (1300, 1500)])
def test_windows_fit_into_images_of_any_shape(shape: tuple[int, int]) -> None:
    policy = SignalPolicy(max_probe_area=10_000, window_side=64)
    _, asked, _ = choose(colours(shape), policy)
    for part, length in zip(asked[0][1], shape, strict=True):
        assert 0 <= part.start < part.stop
        assert part.start <= max(0, length - 64)


def test_an_image_without_colours_is_not_probed() -> None:
    chosen, asked, steps = choose(np.zeros((60, 60, 3), np.uint8), SignalPolicy())
    assert (chosen.stain, chosen.maps, asked, steps) == (Stain.NONE, None, [], [])
