"""What segmentation asks of a runtime, and which one a model gets.

Each runtime takes a batch of tiles and returns its maps; none knows images, tiles or
labels.  OpenVINO is in :mod:`~napari_unet_nuclei.core.engines.openvino`, Keras in
:mod:`~napari_unet_nuclei.core.engines.keras`.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Protocol

from napari_unet_nuclei.core.engines.keras import KerasEngine
from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
from napari_unet_nuclei.core.errors import EngineError
from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.bundle import ModelBundle


class Engine(Protocol):
    """What prediction needs of a runtime."""

    name: EngineName
    description: str

    def predict(self, tiles: NDArray[np.float32]) -> NDArray[np.float32]:
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
        OutOfMemoryError
            If the tiles are too large for the memory there is.
        EngineError
            If the runtime fails otherwise.
        Cancelled
            If the maps are not wanted any more, see
            :mod:`~napari_unet_nuclei.core.cancellation`.
        """
        ...


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
    SettingsError
        If the device that the environment names is not there.
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
