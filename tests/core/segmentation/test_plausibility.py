from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from napari_unet_nuclei import load_model
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.plausibility import (
    DEFAULT_LIMITS,
    DoubtKind,
    doubt_nothing_found,
    find_doubts,
)
from napari_unet_nuclei.core.segmentation.stacks import iter_segmentation
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.segmentation.seen_planes import Segmentation

SURE = 0.9


def lattice(*sides: int, period: int = 40, n: int = 6) -> NDArray[np.int32]:
    """Squares with these sides in turn, numbered."""
    labels = np.zeros((n * period, n * period), np.int32)
    for number in range(n * n):
        y, x = divmod(number, n)
        side = sides[number % len(sides)]
        corner = np.s_[y * period : y * period + side, x * period : x * period + side]
        labels[corner] = number + 1
    return labels


def kinds(
    labels: NDArray[np.int32], confidence: float, scale: float = 1.0
) -> list[DoubtKind]:
    return [doubt.kind for doubt in find_doubts(labels, [scale], confidence)]


@pytest.mark.parametrize(
    ("labels", "confidence", "expected"),
    [
        (lattice(20), SURE, []),
        (lattice(20), 0.56, []),
        (lattice(20), 0.54, [DoubtKind.CONFIDENCE]),
        (lattice(5), SURE, [DoubtKind.TEXTURE]),
        (lattice(5, n=4), SURE, []),
        (lattice(35), SURE, []),
        (lattice(35), 0.7, [DoubtKind.COVERAGE]),
        (lattice(27), 0.7, []),
        (lattice(27), 0.6, [DoubtKind.COVERAGE]),
        (lattice(6, 30), SURE, []),
        (lattice(6, 30), 0.65, [DoubtKind.SIZES]),
        (lattice(12, 30), 0.65, []),
        (lattice(20) * 0, 0.1, []),
        (np.zeros((0, 9, 9), np.int32), 0.0, []),
    ],
)
def test_what_no_nuclei_look_like_is_doubted(
    labels: NDArray[np.int32], confidence: float, expected: list[DoubtKind]
) -> None:
    found = find_doubts(labels, [1.0] * (labels.ndim == 2), confidence)
    assert [doubt.kind for doubt in found] == expected


def test_sizes_count_as_the_network_saw_them() -> None:
    assert kinds(lattice(5), SURE, scale=4) == []
    assert kinds(lattice(20), SURE, scale=1 / 4) == [DoubtKind.TEXTURE]


def test_planes_of_a_stack_are_doubted_together() -> None:
    stack = np.stack([lattice(5), lattice(5)])
    assert not find_doubts(stack, [4.0, 4.0], SURE)
    (doubt,) = find_doubts(stack, [1.0, 1.0], SURE)
    assert "Half of the 72 objects" in doubt.sentence


def test_areas_that_are_known_are_not_counted_anew() -> None:
    labels = lattice(6, 30)
    areas = np.bincount(labels.ravel())[1:]
    counted = find_doubts(labels, [1.0], 0.5)
    assert find_doubts(labels, [1.0], 0.5, areas=[areas]) == counted
    assert not find_doubts(labels, [1.0], 0.5, areas=[areas[:0]])


def test_a_doubt_says_what_to_do() -> None:
    confidence, sizes = find_doubts(lattice(6, 30), [1.0], 0.5)
    assert "Low confidence (50%)" in confidence.sentence
    assert "fine-tune the model" in confidence.sentence
    assert "25 times the area" in sizes.sentence
    assert "set the nucleus diameter" in sizes.sentence


@pytest.mark.parametrize(
    ("image", "is_doubted"),
    [
        (np.zeros((40, 40), np.uint8), False),
        (np.random.default_rng(0).normal(100, 3, (200, 200)), False),
        (np.add.outer(np.arange(60), np.arange(80)), True),
        (np.tile(np.arange(60) // 20 % 2, (60, 1)), True),
    ],
    ids=["even", "noise", "gradient", "stripes"],
)
def test_nothing_found_is_doubted_where_there_is_something(
    image: NDArray[np.generic], is_doubted: bool
) -> None:
    found = doubt_nothing_found(PlaneStack(image))
    assert [doubt.kind for doubt in found] == [DoubtKind.NOTHING] * is_doubted
    stacked = doubt_nothing_found(PlaneStack(np.stack([image] * 2), "ZYX"))
    assert stacked == found


def test_a_stack_without_planes_is_not_doubted() -> None:
    assert doubt_nothing_found(PlaneStack(np.zeros((0, 9, 9)), "ZYX")) == ()


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("resnet")


def segment(model: Model, image: NDArray[np.generic]) -> Segmentation:
    steps = iter_segmentation(model, PlaneStack(image), SegmentationSettings())
    return exhaust(steps)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("diameter", [12, 25, 60])
def test_nuclei_are_not_doubted(model: Model, seed: int, diameter: int) -> None:
    image, _ = draw_nuclei(seed, (256, 256), 20, diameter=diameter)
    found = segment(model, image)
    assert found.confidence > DEFAULT_LIMITS.min_confidence
    assert found.doubts == ()


def noise(sigma: float) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    return ndimage.gaussian_filter(rng.normal(size=(256, 256)), sigma)


@pytest.mark.parametrize(
    "image",
    [
        *(noise(sigma) for sigma in (1, 2, 4, 8)),
        *(getattr(data, name)() for name in ("camera", "text", "grass", "page")),
        np.sin(np.add.outer(np.zeros(256), np.arange(256)) / 3),
    ],
    ids=["noise 1", "2", "4", "8", "camera", "text", "grass", "page", "waves"],
)
def test_what_is_no_nuclei_is_doubted(model: Model, image: NDArray[np.generic]) -> None:
    assert segment(model, image).doubts


def test_python_is_told(model: Model, caplog: pytest.LogCaptureFixture) -> None:
    image, _ = draw_nuclei(0, (128, 128), 6)
    model.segment(image)
    assert not caplog.messages
    model.segment(data.grass())
    assert any("Low confidence" in message for message in caplog.messages)
