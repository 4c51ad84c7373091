from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import ImageError, SettingsError
from napari_unet_nuclei.core.images.channel_stacks import split_channels

PIXELS = np.arange(2 * 3 * 8 * 9).reshape(2, 3, 8, 9)


def test_each_channel_is_a_stack_of_its_own() -> None:
    channels = split_channels(PIXELS, "ZCYX", ["DAPI", "a-b", "c d"])
    assert list(channels) == ["DAPI", "a_b", "c_d"]
    for number, stack in enumerate(channels.values()):
        assert stack.leading_shape == (2,)
        np.testing.assert_array_equal(stack.plane((1,)), PIXELS[1, number])


@pytest.mark.parametrize("names", [[], ["a"], ["a", "a", "b"], ["a", "b", "?"]])
def test_names_that_do_not_tell_channels_apart_become_numbers(
    names: list[str],
) -> None:
    assert list(split_channels(PIXELS, "ZCYX", names)) == ["0", "1", "2"]


def test_colours_are_named_and_alpha_is_left_out() -> None:
    rgba = np.zeros((8, 9, 4))
    assert list(split_channels(rgba)) == ["red", "green", "blue"]
    assert list(split_channels(rgba, "YXS")) == ["red", "green", "blue"]
    assert list(split_channels(rgba, "YXC", is_rgb=False)) == ["0", "1", "2", "3"]


def test_the_only_channel_needs_no_name() -> None:
    assert list(split_channels(PIXELS[0, 0])) == [""]
    (stack,) = split_channels(PIXELS[:1, :1], "ZCYX", ["DAPI"]).values()
    np.testing.assert_array_equal(stack.single_plane(), PIXELS[0, 0])
    assert list(split_channels(PIXELS[:1, 0])) == [""]


def test_axes_must_fit() -> None:
    with pytest.raises(SettingsError, match="each of the 4 axes"):
        split_channels(PIXELS, "ZYX")
    with pytest.raises(ImageError, match="name its axes"):
        split_channels(PIXELS)
