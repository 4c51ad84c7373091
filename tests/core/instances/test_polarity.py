from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances import polarity
from napari_unet_nuclei.core.instances.polarity import drop_pale

if TYPE_CHECKING:
    from typing import Any

    import pytest
    from numpy.typing import NDArray


def squares(*values: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Nuclei of 10 px side by side, as dark as asked for, in tissue of darkness 100."""
    labels = np.zeros((24, 20 * len(values)), np.int32)
    darkness = np.full(labels.shape, 100, np.uint8)
    for number, value in enumerate(values, start=1):
        box = np.s_[7:17, 20 * number - 15 : 20 * number - 5]
        labels[box], darkness[box] = number, value
    return labels, darkness


def kept(labels: NDArray[np.int32], *darkness: NDArray[Any], scale: float = 1) -> Any:
    """Which of the nuclei are left."""
    left = drop_pale(labels, darkness, scale)
    numbers = np.unique(left[left > 0])
    assert numbers.tolist() == list(range(1, len(numbers) + 1))
    return sorted(np.unique(labels[left > 0]).tolist())


def test_what_is_not_darker_than_its_surroundings_is_dropped() -> None:
    labels, darkness = squares(160, 40, 101, 100, 99)
    assert kept(labels, darkness) == [1, 3]


def test_labels_are_left_alone_where_none_is_dropped() -> None:
    labels, darkness = squares(160, 120)
    assert drop_pale(labels, [darkness]) is labels
    assert drop_pale(labels, []) is labels
    nothing = np.zeros_like(labels)
    assert drop_pale(nothing, [darkness]) is nothing


def test_more_of_one_kind_of_darkness_is_enough() -> None:
    labels, darkness = squares(160, 40, 40)
    _, dye = squares(40, 160, 40)
    assert kept(labels, darkness, dye) == [1, 2]


def test_a_nucleus_without_background_beside_it_stays() -> None:
    labels = np.ones((12, 24), np.int32)
    labels[:, 12:] = 2
    assert kept(labels, np.zeros(labels.shape, np.uint8)) == [1, 2]


def test_other_nuclei_are_no_background() -> None:
    labels, darkness = squares(140, 200, 150)
    labels[:, 20:40], darkness[:, 20:40] = 2, 200  # touches both
    labels[:, :5] = labels[:, 55:] = 0
    assert kept(labels, darkness) == [1, 2, 3]


def test_the_ring_follows_the_scale() -> None:
    labels, darkness = squares(120)
    darkness[labels == 0] = 200
    darkness[5:19, 3:17] = 90  # a halo of 2 px
    darkness[labels == 1] = 120
    assert kept(labels, darkness) == []  # half of it at 2 px, half at 4 px
    assert kept(labels, darkness, scale=4) == [1]


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 2, (12, 12)), np.ones((9, 9), int))
    labels = np.where(labels > 0, np.cumsum(labels.any(axis=1))[:, np.newaxis], 0)
    labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    labels = labels.astype(np.int32)
    darkness = rng.integers(0, 255, labels.shape).astype(np.uint8)
    whole = drop_pale(labels, [darkness])
    assert 0 < whole.max() < labels.max()
    monkeypatch.setattr(polarity, "BLOCK_AREA", 300)
    np.testing.assert_array_equal(drop_pale(labels, [darkness]), whole)
