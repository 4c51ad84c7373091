from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.images.staining import Staining
from napari_unet_nuclei.core.insights.inspection import (
    SampleInsights,
    UnreadableSample,
    inspect_sample,
    iter_insights,
)
from napari_unet_nuclei.core.insights.masks import Mask, read_label_masks
from napari_unet_nuclei.core.insights.suspicion import Suspicion

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

SHAPE = (60, 80)


def square(top: int, left: int, side: int) -> NDArray[Any]:
    mask = np.zeros(SHAPE, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def inspect(*masks: Any, image: Any = None) -> Any:
    """Look at a sample whose nuclei are these masks."""
    image = np.zeros(SHAPE, np.uint8) if image is None else image
    labels = np.zeros(image.shape[:2], np.int32)
    for number, mask in enumerate(masks, start=1):
        labels[mask] = number
    sample = Sample("x", image, labels)
    return inspect_sample(sample, read_label_masks(sample))


def test_nuclei_are_measured() -> None:
    insights = inspect(square(5, 5, 9), square(20, 5, 10), square(40, 60, 4))
    assert (insights.sample_id, insights.height, insights.width) == ("x", *SHAPE)
    assert insights.areas.tolist() == [81, 100, 16]
    assert insights.foreground == pytest.approx(197 / (60 * 80))
    assert insights.staining is Staining.GRAYSCALE_DARK
    assert insights.suspicious_masks == ()


def test_masks_are_inspected_as_they_were_drawn() -> None:
    # The label image lacks the pixels that an earlier mask has, masks do not.
    mask = Mask("twice.png", np.s_[0:4, 0:5], np.ones((4, 5), bool))
    labels = np.zeros(SHAPE, np.int32)
    labels[:4, :5] = 1
    sample = Sample("x", np.zeros(SHAPE, np.uint8), labels)
    insights = inspect_sample(sample, [mask, mask])
    assert insights.areas.tolist() == [20, 20]
    (odd,) = insights.suspicious_masks
    assert (odd.sample_id, odd.mask) == ("x", "twice.png")
    assert odd.reason is Suspicion.OVERLAP


@pytest.mark.parametrize(
    ("top", "left", "n_touching"),
    [(10, 20, 2), (20, 10, 2), (20, 20, 2), (0, 20, 2), (10, 21, 0), (21, 10, 0)],
)
def test_nuclei_touch_across_edges_and_corners(
    top: int, left: int, n_touching: int
) -> None:
    assert inspect(square(10, 10, 10), square(top, left, 10)).n_touching == n_touching


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_intensities_inside_and_outside_of_nuclei(dtype: type[Any]) -> None:
    # The brightest pixel sets the scale of all but 8-bit images.
    image = np.full(SHAPE, 51, dtype)
    mask = square(10, 10, 10)
    image[mask] = 102
    image[0, 0] = 255
    insights = inspect(mask, image=image)
    expected = np.zeros((2, 256), int)
    expected[0, 102] = 100
    expected[1, 51], expected[1, 255] = 60 * 80 - 101, 1
    np.testing.assert_array_equal(insights.nucleus_intensities, expected[0])
    np.testing.assert_array_equal(insights.background_intensities, expected[1])


def test_colours_count_by_their_mean() -> None:
    image = np.zeros((*SHAPE, 4), np.uint8)
    image[..., 0], image[..., 3] = 30, 255
    insights = inspect(image=image)
    assert insights.background_intensities[10] == 60 * 80
    assert insights.staining is Staining.STAINED_DARK


def test_equal_pixels_have_equal_digests_however_stored() -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 255, SHAPE, np.uint8)
    rgb = np.repeat(grey[..., np.newaxis], 3, axis=-1)
    rgba = np.dstack([rgb, np.full(SHAPE, 255, np.uint8)])
    digests = {inspect(image=image).digest for image in (grey, rgb, rgba)}
    assert len(digests) == 1
    other = grey.copy()
    other[3, 4] += 1
    coloured = rgb.copy()
    coloured[3, 4, 2] += 1
    for image in (other, coloured, grey.astype(np.uint16), grey.reshape(80, 60)):
        shape = image.shape[:2]
        sample = Sample("x", image, np.zeros(shape, np.int32))
        digests.add(inspect_sample(sample, []).digest)
    assert len(digests) == 5


def test_an_image_without_nuclei_is_measured_too() -> None:
    insights = inspect()
    assert insights.areas.size == insights.foreground == insights.n_touching == 0


class Source:
    """A data set whose second sample is bad."""

    name = "drawn"
    sample_ids = ("a", "b", "c")

    def read_sample(self, sample_id: Any) -> Any:
        if sample_id == "b":
            raise DatasetError("Sample b has no image.")
        labels = np.zeros(SHAPE, np.int32)
        labels[10:20, 10:20] = 1
        return Sample(sample_id, np.zeros(SHAPE, np.uint8), labels)


def test_a_bad_sample_is_reported_and_the_rest_goes_on() -> None:
    first, bad, last = iter_insights(Source(), read_label_masks, Source.sample_ids)
    assert bad == UnreadableSample(sample_id="b", reason="Sample b has no image.")
    for insights, name in ((first, "a"), (last, "c")):
        assert isinstance(insights, SampleInsights)
        assert insights.sample_id == name
        assert insights.areas.tolist() == [100]


def test_samples_are_read_one_at_a_time() -> None:
    inspections = iter_insights(Source(), read_label_masks, itertools.repeat("a"))
    assert next(inspections).sample_id == "a"
