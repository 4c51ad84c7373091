from __future__ import annotations

import doctest

import pytest

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.plugin.shared import axes_text
from napari_unet_nuclei.plugin.shared.axes_text import describe_axes, read_typed_axes


@pytest.mark.parametrize(
    ("axes", "shape", "channel", "words"),
    [
        ("YX", (512, 640), None, "YX, 512 × 640 px"),
        ("ZYX", (12, 512, 640), None, "ZYX, 12 planes of 512 × 640 px"),
        ("ZYX", (1, 512, 640), None, "ZYX, 1 plane of 512 × 640 px"),
        ("TYX", (5000, 64, 64), None, "TYX, 5,000 time points of 64 × 64 px"),
        ("TZYX", (4, 12, 9, 8), None, "TZYX, 4 time points of 12 planes of 9 × 8 px"),
        ("CZYX", (3, 12, 9, 8), 1, "CZYX, 12 planes of 9 × 8 px; channel 2 of 3"),
        ("YXC", (9, 8, 3), None, "YXC, 9 × 8 px; 3 channels as colours"),
        ("YXC", (9, 8, 1), None, "YXC, 9 × 8 px; 1 channel"),
    ],
)
def test_what_was_understood_is_put_into_words(
    axes: str, shape: tuple[int, ...], channel: int | None, words: str
) -> None:
    assert describe_axes(axes, shape, channel) == words


def test_an_rgb_image_is_in_colour() -> None:
    assert describe_axes("YXC", (9, 8, 3), None, is_rgb=True).endswith("; in colour")


@pytest.mark.parametrize("text", ["zcyx", " Z, c; y X ", "ZSYX"])
def test_axes_may_be_typed_in_several_ways(text: str) -> None:
    assert read_typed_axes(text, (12, 3, 40, 50)) == "ZCYX"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zy", r"a letter for each of the 3 axes \(12 × 40 × 50\). Received: 2, ZY"),
        ("zyxc", r"each of the 3 axes .* Received: 4, ZYXC"),
        ("qyx", "letters out of T, Z, C, Y and X. Received: Q"),
        ("yyx", "different letters"),
        (
            "".join(map(chr, range(0x4E00, 0x4F00))),
            "Received: 一, 丁, 丂, 七, 丄 and 251 more",
        ),
        ("zyx" * 90, "Received: 270, ZYXZY…"),
        ("tzc", "with Y and X among them"),
    ],
)
def test_axes_that_do_not_fit_are_refused_with_the_reason(
    text: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        read_typed_axes(text, (12, 40, 50))


def test_colours_of_napari_stay_last() -> None:
    assert read_typed_axes("yxc", (40, 50, 3), is_rgb=True) == "YXC"
    with pytest.raises(SettingsError, match=r"axes end in C\. Received: CYX"):
        read_typed_axes("cyx", (40, 50, 3), is_rgb=True)


def test_the_examples_are_right() -> None:
    assert doctest.testmod(axes_text).failed == 0
