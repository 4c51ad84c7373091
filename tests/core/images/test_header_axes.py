from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import ImageError, SettingsError
from napari_unet_nuclei.core.images.header_axes import settle_axes
from napari_unet_nuclei.core.images.stored_image import StoredImage

if TYPE_CHECKING:
    from typing import Any

LENGTHS = {"T": 4, "Z": 5, "C": 2, "S": 3, "Y": 6, "X": 7}


def image(axes: str, channels: tuple[Any, ...] = (), **lengths: Any) -> StoredImage:
    shape = [(LENGTHS | lengths)[axis] for axis in axes]
    return StoredImage(np.zeros(shape), axes, channels=channels)


@pytest.mark.parametrize(
    ("stored", "given", "axes"),
    [
        ("ZYX", None, "ZYX"),
        ("TZYX", None, "TZYX"),
        ("YXS", None, "YXS"),
        ("ZYX", "ZYX", "ZYX"),
        ("ZYX", "zyx", "ZYX"),
        ("YXS", "YXS", "YXS"),
        ("YXS", "YXC", "YXS"),
        # A plane among stacks is a stack of one.
        ("YX", "ZYX", "YX"),
        ("YXS", "ZYXC", "YXS"),
        ("ZYX", "TZYX", "ZYX"),
    ],
)
def test_header_and_user_agree(stored: str, given: str | None, axes: str) -> None:
    assert settle_axes(image(stored), given, None) == (axes, None)


@pytest.mark.parametrize(
    ("stored", "given", "axes", "warning"),
    [
        ("TYX", "ZYX", "ZYX", "Its header says TYX: the axes ZYX were used instead"),
        ("CYX", "ZYX", "ZYX", "Its header says CYX"),
        ("SYX", "ZYX", "ZYX", "Its header says SYX"),
        ("TZYX", "ZTYX", "ZTYX", "Its header says TZYX"),
        ("YXS", "ZYX", "YXS", r"colours of a pixel \(YXS\): the axes ZYX were not"),
        ("YXS", "TZYX", "YXS", r"colours of a pixel \(YXS\)"),
    ],
)
def test_where_they_differ_there_is_a_warning(
    stored: str, given: str, axes: str, warning: str
) -> None:
    settled, sentence = settle_axes(image(stored), given, None)
    assert settled == axes
    assert sentence is not None
    assert re.search(warning, sentence)


@pytest.mark.parametrize(
    ("shape", "given", "axes"),
    [((6, 7), None, None), ((6, 7), "ZYX", "YX"), ((5, 6, 7), "ZYX", "ZYX")],
)
def test_who_says_nothing_is_believed_the_user(
    shape: tuple[int, ...], given: str | None, axes: str | None
) -> None:
    assert settle_axes(StoredImage(np.zeros(shape)), given, None) == (axes, None)


@pytest.mark.parametrize(
    ("stored", "given"), [("ZYX", "YX"), ("TZYX", "ZYX"), ("ZYXS", "YXC")]
)
def test_axes_that_cannot_fit_are_refused_with_what_the_header_says(
    stored: str, given: str
) -> None:
    reason = rf"axes of the image, which its header calls {stored}\. .*'{given}'"
    with pytest.raises(SettingsError, match=reason):
        settle_axes(image(stored), given, 0)


@pytest.mark.parametrize(
    ("channels", "evidence"),
    [((), "2 channels. Ch"), (("DAPI", "GFP"), r"2 channels \(0 DAPI, 1 GFP\)\.")],
)
@pytest.mark.parametrize("given", [None, "CYX"])
def test_channels_need_a_choice(
    given: str | None, channels: tuple[Any, ...], evidence: str
) -> None:
    with pytest.raises(ImageError, match=rf"{evidence}.*--channel, 0 to 1\.$"):
        settle_axes(image("CYX", channels), given, None)
    assert settle_axes(image("CYX", channels), given, 1) == ("CYX", None)


def test_three_channels_are_colours_where_that_is_said() -> None:
    three = image("CYX", C=3)
    with pytest.raises(ImageError, match=r"0 to 2, or --axes CYX to use all as"):
        settle_axes(three, None, None)
    assert settle_axes(three, "CYX", None) == ("CYX", None)
    named = image("CYX", ("Red", "Green", "Blue"), C=3)
    assert settle_axes(named, None, None) == ("CYX", None)


def test_four_channels_are_no_colours_and_one_is_no_question() -> None:
    with pytest.raises(ImageError, match=r"with 4 channels\. Choose"):
        settle_axes(image("CYX", C=4), "CYX", None)
    assert settle_axes(image("CYX", C=1), None, None) == ("CYX", None)


@pytest.mark.parametrize(("axes", "is_one"), [("CYX", False), ("YXC", True)])
def test_of_arrays_without_a_header_too(axes: str, is_one: bool) -> None:
    stored = StoredImage(np.zeros([4 if axis == "C" else 9 for axis in axes]))
    if is_one:  # colours and alpha
        assert settle_axes(stored, axes, None) == (axes, None)
    else:
        with pytest.raises(ImageError, match="with 4 channels"):
            settle_axes(stored, axes, None)


def test_many_channels_are_not_all_named() -> None:
    names = tuple(f"stain{number}" for number in range(40))
    with pytest.raises(ImageError, match=r"11 stain11, …\)\. Choose"):
        settle_axes(image("CYX", names, C=40), None, None)
