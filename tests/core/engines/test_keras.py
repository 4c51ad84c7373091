from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.engines.keras import KerasEngine
from napari_unet_nuclei.core.errors import OutOfMemoryError
from napari_unet_nuclei.core.networks.bundling import (
    get_weights,
    restore_model,
    set_weights,
)

if TYPE_CHECKING:
    from typing import Any

    from napari_unet_nuclei.core.models.bundle import ModelBundle

TILES = np.random.default_rng(0).random((2, 48, 32, 3), np.float32)


def test_keras_sees_later_weights(tiny_bundle: ModelBundle) -> None:
    network = restore_model(tiny_bundle)
    engine = KerasEngine(network)
    before = engine.predict(TILES)
    set_weights(network, {k: 0 * v for k, v in get_weights(network).items()})
    after = engine.predict(TILES)
    np.testing.assert_allclose(after, 0.5)
    assert not np.array_equal(before, after)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("allocator.cpp:79: std::bad_alloc"),
        RuntimeError("Failed to allocate 113246208 bytes of memory"),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory"),
        TypeError("OOM when allocating tensor"),
    ],
)
def test_a_lack_of_memory_is_told_from_other_failures(error: Any) -> None:
    class Failing:
        compiled = True

        def predict_on_batch(self, _: object) -> None:
            raise error

    with pytest.raises(OutOfMemoryError, match="Keras found no memory"):
        KerasEngine(Failing()).predict(TILES)
