from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.sample import Sample


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3), (4, 5, 4)])
def test_image_and_labels_of_one_size_make_a_sample(shape):
    assert Sample("a", np.zeros(shape), np.zeros((4, 5), np.int32)).sample_id == "a"


@pytest.mark.parametrize("shape", [(5, 4), (4, 5, 6), (2, 4, 5), (4, 5, 3, 3), (4,)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(DatasetError, match=r"Sample a needs .* Received: image \("):
        Sample("a", np.zeros(shape), np.zeros((4, 5), np.int32))
