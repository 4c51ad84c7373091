from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample, make_sample
from napari_unet_nuclei.core.errors import DatasetError

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3), (4, 5, 4)])
def test_image_and_labels_of_one_size_make_a_sample(shape: tuple[int, ...]) -> None:
    assert Sample("a", np.zeros(shape), np.zeros((4, 5), np.int32)).sample_id == "a"


@pytest.mark.parametrize(
    "shape", [(5, 4), (4, 5, 2), (4, 5, 6), (2, 4, 5), (4, 5, 3, 3), (4,)]
)
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DatasetError, match=r"Sample a needs .* Received: image \("):
        Sample("a", np.zeros(shape), np.zeros((4, 5), np.int32))


def test_the_data_set_of_a_bad_sample_is_named() -> None:
    image, labels = np.zeros((4, 5)), np.zeros((4, 5), np.int32)
    assert make_sample("train.zip", "a", image, labels).labels is labels
    with pytest.raises(DatasetError, match=r"^train\.zip: Sample a needs an image"):
        make_sample("train.zip", "a", image.T, labels)


@pytest.mark.parametrize("image", [np.zeros((0, 5)), np.zeros((4, 5), complex)])
def test_what_cannot_be_trained_on_is_refused(image: NDArray[Any]) -> None:
    with pytest.raises(DatasetError, match=r"a needs .* some pixels, real .* \d\) of "):
        Sample("a", image, np.zeros(image.shape, np.int32))
