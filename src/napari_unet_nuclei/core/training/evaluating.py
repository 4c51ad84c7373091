"""What evaluates a network with other weights than those that are trained.

How samples are predicted and scored with it is in
:mod:`~napari_unet_nuclei.core.training.validation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.engines.keras import KerasEngine
from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
from napari_unet_nuclei.core.errors import EngineError, ModelError
from napari_unet_nuclei.core.models.bundle import ModelBundle
from napari_unet_nuclei.core.models.config import MAPS, ModelConfig
from napari_unet_nuclei.core.networks.bundling import set_weights
from napari_unet_nuclei.core.networks.geometry import measure_geometry
from napari_unet_nuclei.core.networks.openvino_layers import write_openvino

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.models.weights import Weights
    from napari_unet_nuclei.core.settings.choices import Architecture

    OpenVinoForm = tuple[bytes, bytes]

_ANY_DIAMETER = 1.0  # px; an engine does not ask


class Evaluator:
    """Makes engines of a network and of weights.

    Training on the processor is validated with OpenVINO: that is what a model runs on
    later, nothing has to be traced, and a cancel is heard between two layers.
    Elsewhere, and where a layer is not known, a second Keras network is built.

    Parameters
    ----------
    model : keras.Model
        The network that is trained.
    architecture : Architecture
        Its family.
    build : callable
        Builds another one of the same shape.
    prefers_openvino : bool
        Whether to use OpenVINO where that is possible.
    """

    def __init__(
        self,
        model: keras.Model,
        architecture: Architecture,
        build: Callable[[], keras.Model],
        *,
        prefers_openvino: bool,
    ) -> None:
        self._model = model
        self._build = build
        self._prefers_openvino = prefers_openvino
        self._second: keras.Model | None = None
        self._last: tuple[Weights, OpenVinoForm] | None = None
        geometry = measure_geometry(model)
        self._config = ModelConfig(
            architecture=architecture,
            maps=MAPS[: model.output_shape[-1]],
            stride=geometry.stride,
            margin=geometry.margin,
            diameter=_ANY_DIAMETER,
        )

    def engine_with(self, weights: Weights) -> Engine:
        """Return an engine with such weights, to be used until the next call."""
        if engine := self._openvino_engine(weights):
            return engine
        if self._second is None:
            self._second = self._build()
        set_weights(self._second, weights)
        return KerasEngine(self._second)

    def openvino_form(self, weights: Weights) -> OpenVinoForm | None:
        """Return the OpenVINO form that such weights were evaluated with last, if any.

        Parameters
        ----------
        weights : dict of str to ndarray of float32
            The same object as was given to :meth:`engine_with`.
        """
        if self._last is None or self._last[0] is not weights:
            return None
        return self._last[1]

    def lasting_engine(self, weights: Weights) -> Engine:
        """Return an engine with such weights, which nothing changes later."""
        if engine := self._openvino_engine(weights):
            return engine
        network = self._build()
        set_weights(network, weights)
        return KerasEngine(network)

    def _openvino_engine(self, weights: Weights) -> OpenVinoEngine | None:
        if not self._prefers_openvino:
            return None
        try:
            form = write_openvino(self._model, weights)
            engine = OpenVinoEngine(
                ModelBundle(
                    name="training", config=self._config, weights={}, openvino=form
                )
            )
            self._last = None if form is None else (weights, form)
            return engine
        except (EngineError, ModelError, ImportError):
            self._prefers_openvino = False  # all scores are to be of one engine
            return None
