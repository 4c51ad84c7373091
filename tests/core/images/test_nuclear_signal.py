from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.images.channels import distinct_channels, to_channels
from napari_unet_nuclei.core.images.nuclear_signal import Light, NuclearSignal
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

NUCLEI, LABELS = draw_nuclei(0, (160, 200), 15)
EOSIN, DAB = (0.07, 0.99, 0.11), (0.27, 0.57, 0.78)


def in_blue() -> NDArray[np.uint8]:
    image = np.zeros((*NUCLEI.shape, 3), np.uint8)
    image[..., 2] = NUCLEI
    return image


@pytest.mark.parametrize(
    "image",
    [
        NUCLEI,
        255 - NUCLEI,
        np.repeat(255 - NUCLEI[..., np.newaxis], 3, axis=-1),
        in_blue(),
        np.full((9, 9, 3), 255, np.uint8),
        np.full((9, 9, 3), (10, 200, 90), np.uint8),
    ],
    ids=["grey", "inverted", "grey in RGB", "blue on black", "white", "one colour"],
)
def test_without_colours_there_is_no_choice(image: NDArray[Any]) -> None:
    signal = NuclearSignal(to_channels(image))
    assert signal.light is Light.GREY
    assert signal.candidates == ()
    assert signal.darkness() == ()
    assert signal.settle(Stain.HE) is Stain.NONE


def test_a_grey_image_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    signal = NuclearSignal(to_channels(NUCLEI))
    for name in ("intensity_limits", "sample_pixels", "normalise"):
        monkeypatch.delattr(f"{NuclearSignal.__module__}.{name}")
    assert [signal.settle(stain) for stain in Stain] == [Stain.NONE] * len(Stain)
    assert signal.darkness() == ()


def test_a_stained_image_may_show_its_nuclear_dye(stain: Callable[..., Any]) -> None:
    for tissue, dye in ((EOSIN, Stain.HE), (DAB, Stain.HDAB)):
        signal = NuclearSignal(stain(NUCLEI, tissue))
        assert signal.light is Light.BRIGHT_FIELD
        assert signal.candidates == (dye,)
        pixels, limits = signal.see(dye)
        assert limits == (0, 255)
        assert distinct_channels(pixels).shape[-1] == 1
        assert np.corrcoef(pixels[..., 0].ravel(), NUCLEI.ravel())[0, 1] > 0.95


def test_a_fluorescence_image_may_show_each_channel_with_light(
    cells_in_colours: Callable[..., Any],
) -> None:
    image = cells_in_colours(NUCLEI, LABELS, 2)
    signal = NuclearSignal(image)
    assert signal.light is Light.FLUORESCENCE
    assert signal.candidates == (Stain.RED, Stain.GREEN, Stain.BLUE)
    assert signal.darkness() == ()
    pixels, limits = signal.see(Stain.BLUE)
    np.testing.assert_array_equal(pixels[..., 0], NUCLEI)
    assert limits[1] <= NUCLEI.max()
    image[..., 1] = 3  # noise of a camera without a dye
    assert NuclearSignal(image).candidates == (Stain.RED, Stain.BLUE)


@pytest.mark.parametrize("choice", [Stain.NONE, Stain.GREEN, Stain.HE])
def test_a_window_is_shown_as_in_the_whole(
    stain: Callable[..., Any], choice: Stain
) -> None:
    signal = NuclearSignal(stain(NUCLEI))
    whole, limits = signal.see(choice)
    part, limits_of_part = signal.see(choice, np.s_[20:90, 60:])
    assert limits == limits_of_part
    np.testing.assert_array_equal(part, whole[20:90, 60:])


def test_what_is_chosen_is_seen_in_any_colours(stain: Callable[..., Any]) -> None:
    stained, blue = NuclearSignal(stain(NUCLEI)), NuclearSignal(in_blue())
    assert stained.settle(Stain.RED) is Stain.RED
    assert stained.settle(Stain.HDAB) is Stain.HDAB
    assert blue.settle(Stain.GREEN) is Stain.GREEN
    pixels, _ = blue.see(Stain.GREEN)
    assert not pixels.any()


def test_nuclei_are_darker_or_denser(stain: Callable[..., Any]) -> None:
    (darkness,) = NuclearSignal(stain(NUCLEI, EOSIN)).darkness()
    is_nucleus = NUCLEI > 128
    assert darkness.dtype == np.uint8
    assert darkness[is_nucleus].mean() > darkness[~is_nucleus].mean() + 20
    _, dye = NuclearSignal(stain(NUCLEI, DAB)).darkness()
    assert dye[is_nucleus].mean() > dye[~is_nucleus].mean() + 100


def test_a_part_is_seen_as_in_the_whole_image(stain: Callable[..., Any]) -> None:
    colours = np.stack([NUCLEI // 2, NUCLEI.T[:160, :1] + 0 * NUCLEI, NUCLEI], axis=-1)
    for whole in (stain(NUCLEI, EOSIN), stain(NUCLEI, DAB), in_blue(), colours):
        channels = to_channels(whole)
        window = np.s_[20:70, 10:90]
        signal, part = (
            NuclearSignal(channels),
            NuclearSignal(channels[window], typical=channels),
        )
        assert part.light is signal.light
        assert part.candidates == signal.candidates
        for choice in (Stain.NONE, *signal.candidates):
            pixels, limits = part.see(choice)
            expected, its_limits = signal.see(choice, window)
            assert limits == its_limits
            np.testing.assert_array_equal(pixels, expected)
        for dark, expected_dark in zip(part.darkness(), signal.darkness(), strict=True):
            np.testing.assert_array_equal(dark, expected_dark[window])
