from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.cancellation import Cancelled, cancellable
from napari_unet_nuclei.core.images import rescaling
from napari_unet_nuclei.core.images.rescaling import rescale


@pytest.mark.parametrize("shape", [(30, 70), (61, 140), (122, 35)])
@pytest.mark.parametrize("area", [1, 500, 10**6])
def test_strips_make_the_picture_that_the_whole_makes(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], area: int
) -> None:
    monkeypatch.setattr(rescaling, "STRIP_AREA", area)
    channels = np.random.default_rng(0).random((61, 70, 2), np.float32)
    rescaled = rescale(channels, shape)
    for index in range(2):
        channel = np.ascontiguousarray(channels[..., index])
        expected = Image.fromarray(channel).resize(
            shape[::-1], Image.Resampling.BILINEAR
        )
        np.testing.assert_array_equal(rescaled[..., index], np.asarray(expected))


def test_grey_stays_one_channel() -> None:
    grey = np.random.default_rng(0).random((20, 30, 1), np.float32)
    rescaled = rescale(np.broadcast_to(grey, (20, 30, 3)), (40, 60))
    assert rescaled.shape == (40, 60, 3)
    assert rescaled.strides[-1] == 0


def test_rescaling_can_be_cancelled() -> None:
    with cancellable(lambda: True), pytest.raises(Cancelled):
        rescale(np.zeros((20, 30, 1), np.float32), (40, 60))
