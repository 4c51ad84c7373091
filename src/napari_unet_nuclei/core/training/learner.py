"""The network that is trained: built, stepped and watched with Keras.

Scores, files and the length of a run are in
:mod:`~napari_unet_nuclei.core.training.run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from napari_unet_nuclei.core.engines.devices import multiplies_bfloat16
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.networks.building import build_model, complete_arguments
from napari_unet_nuclei.core.networks.bundling import (
    get_weights,
    precision,
    set_weights,
    without_normalization,
)
from napari_unet_nuclei.core.networks.geometry import measure_geometry
from napari_unet_nuclei.core.networks.growing import add_residual_blocks
from napari_unet_nuclei.core.training.evaluating import Evaluator
from napari_unet_nuclei.core.training.losses import make_loss
from napari_unet_nuclei.core.training.metrics import METRICS
from napari_unet_nuclei.core.training.replay import count_replayed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.models.bundle import ModelBundle
    from napari_unet_nuclei.core.models.weights import Weights
    from napari_unet_nuclei.core.networks.geometry import Geometry
    from napari_unet_nuclei.core.settings.choices import Architecture
    from napari_unet_nuclei.core.settings.training import TrainingSettings

_MAX_GRADIENT_NORM = 1.0


class Learner:
    """A network, its optimiser, and what validates other weights.

    Parameters
    ----------
    settings : TrainingSettings
        Recipe.
    start : ModelBundle, optional
        Model to begin with; a new network otherwise.
    is_resumed : bool
        Weights will be restored, so that none need be fetched for a new network.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        start: ModelBundle | None,
        *,
        is_resumed: bool = False,
    ) -> None:
        keras.utils.set_random_seed(settings.seed)
        self._settings = settings
        self.architecture: Architecture = settings.architecture
        if start is None:
            self.arguments = complete_arguments(self.architecture, settings.arguments)
        else:
            self.architecture = start.config.architecture
            self.arguments, weights = _prepare_start(start, settings)
        self._precision = _choose_precision(settings)
        self._model = self._build(pretrained=start is None and not is_resumed)
        self._evaluator = Evaluator(
            self._model,
            self.architecture,
            self._build,
            prefers_openvino=_is_on_processor(),
        )
        self._start_weights = None if start is None else weights
        if start is not None:
            set_weights(self._model, weights)
        self.peak_learning_rate = settings.peak_learning_rate(
            is_fine_tuning=start is not None
        )
        n_replayed = count_replayed(settings, is_fine_tuning=start is not None)
        self._optimizer = self._compile(settings, n_replayed)

    def _compile(
        self, settings: TrainingSettings, n_replayed: int
    ) -> keras.optimizers.Optimizer:
        """Prepare the network to be trained, and return what changes its weights."""
        optimizer = keras.optimizers.AdamW(
            self.peak_learning_rate,
            weight_decay=settings.weight_decay,
            global_clipnorm=_MAX_GRADIENT_NORM,
        )
        self._model.compile(
            optimizer=optimizer,
            loss=make_loss(settings.loss, n_replayed),
            metrics=[
                keras.metrics.MeanMetricWrapper(function, name)
                for name, function in METRICS.items()
            ],
            # Without a compiler JAX takes many times longer; the others do not.
            jit_compile=keras.backend.backend() == "jax",
        )
        # What the first step makes while it is traced would have it traced twice.
        optimizer.build(self._model.trainable_variables)
        return optimizer

    def _build(self, *, pretrained: bool = False) -> keras.Model:
        with precision(self._precision):
            return build_model(self.architecture, self.arguments, pretrained=pretrained)

    @property
    def n_maps(self) -> int:
        """Number of output maps."""
        return int(self._model.output_shape[-1])

    @property
    def geometry(self) -> Geometry:
        """Stride and receptive radius."""
        return measure_geometry(self._model)

    def train_on(
        self,
        images: NDArray[np.float32],
        targets: NDArray[np.float32],
        learning_rate: float,
    ) -> dict[str, float]:
        """Take one step.

        Parameters
        ----------
        images : (batch, Y, X, 3) ndarray of float32, values in [0, 1]
            Crops.
        targets : (batch, Y, X, maps) ndarray of float32, values in [0, 1]
            Their maps; those that the network does not predict are left out.
        learning_rate : float
            Length of the step.

        Returns
        -------
        dict of str to float
            Loss and metrics before the step.
        """
        self._optimizer.learning_rate = learning_rate
        logs = self._model.train_on_batch(
            images, targets[..., : self.n_maps], return_dict=True
        )
        return {name: float(logs[name]) for name in ("loss", *METRICS)}

    @property
    def learning_rate(self) -> float:
        """Learning rate of the last step."""
        return float(self._optimizer.learning_rate)

    def engine_with(self, weights: Weights) -> Engine:
        """Evaluate other weights than those that are trained, until the next call."""
        return self._evaluator.engine_with(weights)

    def openvino_form(self, weights: Weights) -> tuple[bytes, bytes] | None:
        """Return the OpenVINO form that weights were evaluated with last, if any."""
        return self._evaluator.openvino_form(weights)

    def make_teacher(self) -> Engine:
        """Return the start model as it was, which training does not change.

        Raises
        ------
        TrainingError
            If there is none.
        """
        if self._start_weights is None:
            raise TrainingError(
                "Expected a model that training starts from. Received: none; name one."
            )
        return self._evaluator.lasting_engine(self._start_weights)

    @property
    def weights(self) -> Weights:
        """Copy of the weights that are trained."""
        return get_weights(self._model)

    @property
    def optimizer(self) -> list[NDArray[np.generic]]:
        """Copy of what the optimiser remembers."""
        return [
            np.asarray(keras.ops.convert_to_numpy(variable))
            for variable in self._optimizer.variables
        ]

    def restore(
        self, weights: Weights, optimizer: Sequence[NDArray[np.generic]]
    ) -> None:
        """Go on from weights and from what the optimiser remembered with them.

        Raises
        ------
        ModelError
            If they belong to another network.
        """
        set_weights(self._model, weights)
        for variable, value in zip(self._optimizer.variables, optimizer, strict=True):
            variable.assign(value)

    def roll_back(self, weights: Weights) -> None:
        """Go on from earlier weights, with nothing in the memory of the optimiser.

        What it remembers of steps that led to weights that are no numbers is none
        either.
        """
        learning_rate = self.learning_rate
        set_weights(self._model, weights)
        for variable in self._optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        self._optimizer.learning_rate = learning_rate


def _prepare_start(
    start: ModelBundle, settings: TrainingSettings
) -> tuple[dict[str, Any], Weights]:
    """Return arguments and weights of what is trained: the start, in a faster form."""
    arguments, weights = without_normalization(start)
    if not settings.grow:
        return arguments, weights
    return add_residual_blocks(
        start.config.architecture, arguments, weights, settings.grow, settings.seed
    )


def _choose_precision(settings: TrainingSettings) -> str:
    """Name the Keras policy: mixed where it is wanted, and faster than float32."""
    is_fast = not _is_on_processor() or multiplies_bfloat16()
    return "mixed_bfloat16" if settings.mixed_precision and is_fast else "float32"


def _is_on_processor() -> bool:
    """Whether Keras computes there; each backend has a device class of its own."""
    return "cpu" in str(keras.ops.zeros(1).device).lower()
