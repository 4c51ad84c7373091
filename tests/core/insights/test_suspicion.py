from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei.core.insights.masks import Mask
from napari_unet_nuclei.core.insights.suspicion import MaskInspector, Suspicion

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

SHAPE = (60, 80)


def square(top: int, left: int, side: int) -> NDArray[Any]:
    mask = np.zeros(SHAPE, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def inspect(*masks: Any) -> MaskInspector:
    """Inspect masks called 0, 1, 2 …"""
    inspector = MaskInspector("x", SHAPE)
    for number, mask in enumerate(masks):
        inspector.add(Mask(str(number), *crop(mask)))
    return inspector


def crop(mask: NDArray[Any]) -> Any:
    if not mask.any():
        return np.s_[0:0, 0:0], mask[:0, :0]
    (box,) = ndimage.find_objects(mask.astype(int))
    return box, mask[box]


def odd(*masks: Any) -> list[Any]:
    """Which masks are odd, and why."""
    found = inspect(*masks).find_suspicious()
    return [(mask.mask, mask.reason, mask.evidence) for mask in found]


FIVE = [square(5, 5 + 12 * n, 9) for n in range(5)]  # 81 px² each, 3 px apart


def test_ordinary_nuclei_are_not_suspicious() -> None:
    assert odd(*FIVE) == []
    assert inspect(*FIVE).areas == [81] * 5


def test_no_mask_at_all_is_not_suspicious() -> None:
    assert odd() == inspect().areas == []


def test_a_mask_without_a_pixel_is_empty() -> None:
    masks = (*FIVE, square(0, 0, 0))
    assert odd(*masks) == [("5", Suspicion.EMPTY, "no pixel")]
    assert inspect(*masks).areas == [81] * 5


def test_tiny_and_huge_are_relative_to_the_median() -> None:
    evidence = "{} px², median of the image 81 px²"
    tiny, huge = square(50, 70, 2), square(20, 5, 29)
    assert odd(*FIVE, tiny, huge) == [
        ("5", Suspicion.TINY, evidence.format(4)),
        ("6", Suspicion.HUGE, evidence.format(841)),
    ]
    assert odd(*FIVE, square(50, 70, 3), square(20, 5, 28)) == []


def test_a_small_piece_at_the_border_is_no_tiny_nucleus() -> None:
    assert odd(*FIVE, square(58, 70, 2)) == []


def test_a_median_of_few_says_nothing() -> None:
    assert odd(*FIVE[:3], square(50, 70, 2)) == []


@pytest.mark.parametrize("edge", [np.s_[0, 5:20], np.s_[-1, 5:20], np.s_[5:20, 79]])
def test_a_mask_that_lies_on_the_border_alone(edge: Any) -> None:
    sliver = np.zeros(SHAPE, bool)
    sliver[edge] = True
    assert odd(sliver) == [("0", Suspicion.BORDER, "15 px²")]
    wider = ndimage.binary_dilation(sliver)
    assert odd(wider) == []


def test_a_mask_of_nearly_all_the_image() -> None:
    assert odd(np.ones(SHAPE, bool)) == [("0", Suspicion.FULL, "100.0% of the image")]
    almost = np.ones(SHAPE, bool)
    almost[:6] = False
    assert odd(almost) == []


def test_holes_are_counted_in_pixels() -> None:
    ring = square(10, 10, 20)
    ring[15:18, 15:19] = False
    assert odd(ring) == [("0", Suspicion.HOLES, "12 px² of holes in 388 px²")]
    ring[10:18, 15] = False  # open to the outside: a bay
    assert odd(ring) == []


def test_pieces_are_apart_even_across_corners() -> None:
    two = square(10, 10, 6) | square(16, 16, 3)
    assert odd(two) == []
    two = square(10, 10, 6) | square(17, 17, 3)
    evidence = "2 pieces, the second of 9 px²"
    assert odd(two) == [("0", Suspicion.PIECES, evidence)]


def test_overlaps_name_the_mask_that_was_first() -> None:
    one, two = square(10, 10, 10), square(18, 10, 10)
    masks = one, two, square(17, 19, 5)
    assert odd(*masks) == [
        ("1", Suspicion.OVERLAP, "20 px² shared with 0"),
        ("2", Suspicion.OVERLAP, "5 px² shared with 0 and 1 more"),
    ]
    assert inspect(*masks).areas == [100, 100, 25]


def test_the_worse_the_more_severe() -> None:
    ring = square(10, 10, 20)
    ring[15, 15] = False
    worse = square(35, 40, 20)
    worse[40:45, 45:50] = False
    small, large = inspect(ring, worse).find_suspicious()
    assert small.severity < large.severity


def test_masks_name_their_sample() -> None:
    (mask,) = inspect(np.ones(SHAPE, bool)).find_suspicious()
    assert mask.sample_id == "x"
