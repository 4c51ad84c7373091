from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_unet_nuclei.core.flooding import flood, pack

boxes_strategy = st.lists(
    st.builds(
        lambda y, x, height, width: (slice(y, y + height), slice(x, x + width)),
        *(st.integers(0, 50),) * 2,
        *(st.integers(1, 30),) * 2,
    ),
    min_size=1,
    max_size=40,
)


@given(boxes=boxes_strategy)
def test_boxes_keep_their_size_and_a_distance_in_the_atlas(boxes):
    places, shape = pack(boxes)
    atlas = np.zeros((shape[0] + 1, shape[1] + 1), int)
    for box, (y, x) in zip(boxes, places, strict=True):
        assert (y.stop - y.start, x.stop - x.start) == tuple(
            side.stop - side.start for side in box
        )
        assert y.stop <= shape[0]
        assert x.stop <= shape[1]
        assert not atlas[y.start : y.stop + 1, x.start : x.stop + 1].any()
        atlas[y.start : y.stop + 1, x.start : x.stop + 1] = 1


@given(boxes=boxes_strategy)
def test_the_atlas_is_not_much_larger_than_the_boxes(boxes):
    _, (height, width) = pack(boxes)
    largest = max(y.stop - y.start for y, _ in boxes)
    widest = max(x.stop - x.start for _, x in boxes)
    area = sum((y.stop - y.start + 1) * (x.stop - x.start + 1) for y, x in boxes)
    assert height * width <= 4 * area + 2 * largest * widest + largest * width


def test_only_the_chosen_components_are_divided():
    components = np.zeros((3, 9), int)
    components[:, :4] = 1
    components[:, 5:] = 2
    hearts = np.zeros_like(components)
    hearts[1, [0, 3, 5, 8]] = [1, 2, 3, 4]
    labels = components.astype(np.int32)
    chosen = {2: np.s_[0:3, 5:9]}
    flood(labels, np.ones((3, 9), np.float32), hearts, components, chosen)
    np.testing.assert_array_equal(labels[:, :5], components[:, :5])
    np.testing.assert_array_equal(labels[:, 5:], [[3, 3, 4, 4]] * 3)
