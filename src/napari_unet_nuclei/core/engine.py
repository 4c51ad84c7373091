"""Runtimes that evaluate a bundle: OpenVINO, or Keras where it cannot.

Each takes a batch of tiles and returns its maps; nothing here knows images,
tiles or labels.  Keras is imported only by the engine that is built on it.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_unet_nuclei.core.errors import EngineError
from napari_unet_nuclei.core.settings import EngineName

if TYPE_CHECKING:
    import keras

    from napari_unet_nuclei.core.model_store import ModelBundle

Array = NDArray[np.float32]


class Engine(Protocol):
    """What prediction needs of a runtime."""

    name: EngineName
    description: str

    def predict(self, tiles: Array) -> Array:
        """Evaluate the network.

        Parameters
        ----------
        tiles : (batch, Y, X, 3) ndarray of float32, values in [0, 1]
            Y and X are multiples of the model's stride.

        Returns
        -------
        (batch, Y, X, maps) ndarray of float32, values in [0, 1]
            Output maps.

        Raises
        ------
        EngineError
            If the runtime fails.
        """
        ...


class OpenVinoEngine:
    """OpenVINO on the CPU; imports neither Keras nor TensorFlow.

    Parameters
    ----------
    bundle : ModelBundle
        Model with an OpenVINO IR.

    Raises
    ------
    EngineError
        If OpenVINO is not installed, cannot read the IR, or the bundle has none.
    """

    name = EngineName.OPENVINO

    def __init__(self, bundle: ModelBundle) -> None:
        if bundle.openvino is None:
            raise EngineError(
                f"The model {bundle.name!r} holds no OpenVINO form, because its "
                "training was interrupted; use the Keras engine."
            )
        try:
            import openvino
        except ImportError as error:
            raise EngineError(
                "OpenVINO is not installed; install it with `pip install openvino` "
                "or use the Keras engine."
            ) from error
        xml, weights = bundle.openvino
        try:
            core = openvino.Core()
            network = core.read_model(model=xml, weights=weights)
            compiled = core.compile_model(
                network, "CPU", {"PERFORMANCE_HINT": "LATENCY"}
            )
            device = core.get_property("CPU", "FULL_DEVICE_NAME")
            precision = compiled.get_property("INFERENCE_PRECISION_HINT")
        except RuntimeError as error:
            raise EngineError(
                f"OpenVINO cannot load the model {bundle.name!r}: {error}"
            ) from error
        self._request = compiled.create_infer_request()
        self.description = f"OpenVINO, {precision.get_type_name()}, on {device.strip()}"

    def predict(self, tiles: Array) -> Array:
        """Evaluate the network; see :class:`Engine`."""
        try:
            outputs = self._request.infer({0: np.ascontiguousarray(tiles)})
        except RuntimeError as error:
            raise EngineError(f"OpenVINO failed: {error}") from error
        return np.array(outputs[0], dtype=np.float32)


class KerasEngine:
    """Keras on whichever backend is configured: the float32 reference.

    Parameters
    ----------
    model : keras.Model
        Network to evaluate; later changes of its weights are seen.
    """

    name = EngineName.KERAS

    def __init__(self, model: keras.Model) -> None:
        import keras

        self._model = model
        self.description = f"Keras on the {keras.backend.backend()} backend"

    @classmethod
    def from_bundle(cls, bundle: ModelBundle) -> KerasEngine:
        """Build the network of a bundle, in float32."""
        from napari_unet_nuclei.core.models.bundling import restore_model

        return cls(restore_model(bundle))

    def predict(self, tiles: Array) -> Array:
        """Evaluate the network; see :class:`Engine`."""
        from keras import ops

        return np.asarray(
            ops.convert_to_numpy(self._model(tiles, training=False)), np.float32
        )


def create_engine(bundle: ModelBundle, name: EngineName = EngineName.AUTO) -> Engine:
    """Choose a runtime for a model.

    Parameters
    ----------
    bundle : ModelBundle
        Model to run.
    name : EngineName
        ``auto`` prefers OpenVINO and falls back to Keras where OpenVINO is
        missing or fails.

    Returns
    -------
    Engine
        Ready to predict; its description says what was chosen and why.

    Raises
    ------
    EngineError
        If the engine that was asked for is not available.
    """
    match name:
        case EngineName.OPENVINO:
            return OpenVinoEngine(bundle)
        case EngineName.KERAS:
            return KerasEngine.from_bundle(bundle)
        case EngineName.AUTO:
            try:
                return OpenVinoEngine(bundle)
            except EngineError as reason:
                if importlib.util.find_spec("keras") is None:
                    raise
                engine = KerasEngine.from_bundle(bundle)
                engine.description += f" (not OpenVINO: {reason})"
                return engine
