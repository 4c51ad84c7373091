"""The Keras engine, for models that have no OpenVINO form yet.

Keras takes seconds to load, so only the functions below load it.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.engines.failures import engine_error
from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.bundle import ModelBundle


class KerasEngine:
    """Keras on whichever backend is configured: the float32 reference.

    Calls from several threads take turns.

    Parameters
    ----------
    model : keras.Model
        Network to evaluate; later changes of its weights are seen.
    """

    name = EngineName.KERAS

    def __init__(self, model: keras.Model) -> None:
        import keras

        if not model.compiled:  # else each shape of tiles is, for seconds
            model.jit_compile = keras.backend.backend() == "jax"
        self._model = model
        self._lock = Lock()
        self.description = f"Keras on the {keras.backend.backend()} backend"

    @classmethod
    def from_bundle(cls, bundle: ModelBundle) -> KerasEngine:
        """Build the network of a bundle, in float32."""
        from napari_unet_nuclei.core.networks.bundling import restore_model

        return cls(restore_model(bundle))

    def predict(self, tiles: NDArray[np.float32]) -> NDArray[np.float32]:
        """Evaluate the network; its contract is that of ``Engine``."""
        with self._lock:
            try:
                return np.asarray(self._model.predict_on_batch(tiles), np.float32)
            except Exception as error:  # each backend has classes of its own
                raise engine_error("Keras", error) from error
