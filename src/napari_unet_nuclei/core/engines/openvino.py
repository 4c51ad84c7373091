"""The OpenVINO engine: neither Keras nor TensorFlow is imported."""

from __future__ import annotations

import math
import weakref
from collections import OrderedDict
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.cancellation import (
    can_be_cancelled,
    check_cancelled,
)
from napari_unet_nuclei.core.engines import devices
from napari_unet_nuclei.core.engines.failures import engine_error
from napari_unet_nuclei.core.engines.openvino_check import check_shapes, check_text
from napari_unet_nuclei.core.engines.openvino_graph import (
    hand_out_maps,
    shuffle_last_upsampling,
    split_concatenations,
    take_grey,
)
from napari_unet_nuclei.core.errors import EngineError, ModelError, SettingsError
from napari_unet_nuclei.core.images.channels import distinct_channels
from napari_unet_nuclei.core.openvino_runtime import import_openvino
from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable

    import openvino

    from napari_unet_nuclei.core.models.bundle import ModelBundle

Array = NDArray[np.float32]

_MAX_HELD_AREA = 4 * 2**20  # px² in all; a compiled network holds 110 bytes each …
_MAX_HELD = 8  # … and threads of its own
_MAX_HELD_SHARE = 1 / 8  # of all memory
_BYTES_PER_HELD_PIXEL = 110

# What OpenVINO hands to NumPy for the first time it hands out without letting go of
# Python; two threads that do so at once wait for each other for good.
_one_loads = Lock()


class OpenVinoEngine:
    """OpenVINO; imports neither Keras nor TensorFlow.

    The network is compiled for each shape of tiles, because that nearly doubles
    its speed and takes a tenth of a second; the compiled ones are kept.  Calls
    from several threads take turns; one that is cancelled ends after the layer of the
    network that is being computed.

    Parameters
    ----------
    bundle : ModelBundle
        Model with an OpenVINO IR.
    precision : {"f32", "bf16", "f16"}, optional
        Type to compute in; ``None`` leaves it to OpenVINO, which takes bfloat16
        where the processor multiplies it faster.
    poll_interval : int, in ms
        How often it asks whether it is cancelled while a network computes.

    Raises
    ------
    EngineError
        If OpenVINO is not installed, cannot read the IR, or the bundle has none.
    ModelError
        If the IR is not one that this package writes.
    SettingsError
        If the device that the environment names is not there.
    """

    name = EngineName.OPENVINO

    def __init__(
        self,
        bundle: ModelBundle,
        precision: str | None = None,
        *,
        poll_interval: int = 20,
    ) -> None:
        if bundle.openvino is None:
            raise EngineError(
                f"The model {bundle.name!r} holds no OpenVINO form, because its "
                "training or its export was interrupted; use the Keras engine."
            )
        try:
            with _one_loads:
                self._read(bundle, *bundle.openvino, precision)
        except ImportError as error:
            raise EngineError(
                "OpenVINO is not installed; install it with `pip install openvino` "
                "or use the Keras engine."
            ) from error
        except SettingsError:  # of the device, which is no fault of the model
            raise
        except ModelError as error:
            raise ModelError(f"The model {bundle.name!r}: {error}") from error
        except (RuntimeError, ValueError) as error:
            raise EngineError(
                f"OpenVINO cannot load the model {bundle.name!r}: {error}"
            ) from error
        self._poll_interval = poll_interval
        self._options: dict[str, str | int] = {"PERFORMANCE_HINT": "LATENCY"}
        n_processors = hardware.n_processors()
        if n_processors < hardware.available_processors():  # which OpenVINO would take
            self._options["INFERENCE_NUM_THREADS"] = n_processors
        if precision is not None:
            self._options["INFERENCE_PRECISION_HINT"] = precision
        self._held: OrderedDict[tuple[int, ...], _CompiledNetwork] = OrderedDict()
        self._lock = Lock()

    def _read(
        self, bundle: ModelBundle, xml: bytes, weights: bytes, precision: str | None
    ) -> None:
        openvino = import_openvino()
        check_text(xml, weights)
        self._core = openvino.Core()
        network = self._core.read_model(model=xml, weights=weights)
        check_shapes(network, len(bundle.config.maps), bundle.config.stride)
        split_concatenations(network)
        shuffle_last_upsampling(network)
        self._network = hand_out_maps(network)
        self._grey_network = take_grey(self._network.clone())
        self._device = devices.choose_device(self._core.available_devices)
        self.description = _describe(self._core, self._device, precision)

    def predict(self, tiles: Array) -> Array:
        """Evaluate the network; its contract is that of ``Engine``."""
        tiles = distinct_channels(tiles)
        with self._lock:
            check_cancelled()
            try:
                maps = self._compiled(tiles.shape).infer(tiles)
            except (RuntimeError, MemoryError) as error:
                # What it holds of larger shapes would stay in the way.
                self._held.clear()
                raise engine_error("OpenVINO", error) from error
        return np.moveaxis(maps, 1, -1)

    def _compiled(self, shape: tuple[int, ...]) -> _CompiledNetwork:
        """Compile the network for a shape, or take it from the last time."""
        if shape in self._held:
            self._held.move_to_end(shape)
            return self._held[shape]
        self._forget(math.prod(shape[:3]))
        network = self._grey_network if shape[-1] == 1 else self._network
        network = network.clone()
        network.reshape(list(shape))
        compiled = self._core.compile_model(network, self._device, self._options)
        self._held[shape] = _CompiledNetwork(
            compiled.create_infer_request(), self._poll_interval
        )
        return self._held[shape]

    def _forget(self, wanted: int) -> None:
        """Drop the networks unused for longest, until there is memory for a tile.

        Parameters
        ----------
        wanted : int, in px²
            Area of the tile.
        """
        share = hardware.total_memory() * _MAX_HELD_SHARE / _BYTES_PER_HELD_PIXEL
        left = min(_MAX_HELD_AREA, share) - wanted
        area = sum(math.prod(held[:3]) for held in self._held)
        while self._held and (area > left or len(self._held) >= _MAX_HELD):
            held, _ = self._held.popitem(last=False)
            area -= math.prod(held[:3])


class _CompiledNetwork:
    """A network for tiles of one shape, with memory for them and for their maps.

    The maps are handed out without a copy, and their memory is used again once
    nobody looks at them any more, because fresh memory takes longer than filling it.
    """

    def __init__(self, request: openvino.InferRequest, poll_interval: int) -> None:
        self.request = request
        self._poll_interval = poll_interval
        self._output = self._new_output()
        self._handed_out: Callable[[], Array | None] = lambda: None

    def infer(self, tiles: Array) -> Array:
        """Turn (batch, Y, X, channels) tiles into (batch, maps, Y, X) maps."""
        if self._handed_out() is not None:
            self._output = self._new_output()
        self.request.get_input_tensor().data[:] = tiles
        if can_be_cancelled():
            self._infer_unless_cancelled()
        else:
            self.request.infer(share_outputs=True)  # else they would be copied
        maps: Array = self._output.data  # any view of which keeps it alive
        self._handed_out = weakref.ref(maps)
        return maps

    def _infer_unless_cancelled(self) -> None:
        check_cancelled()  # compiling has taken a while
        self.request.start_async(share_inputs=True)
        try:
            while not self.request.wait_for(self._poll_interval):
                check_cancelled()
        except BaseException:  # also Ctrl-C, and whatever the question raises
            self.request.cancel()
            with suppress(RuntimeError):  # which says that it was cancelled
                self.request.wait()
            raise
        self.request.wait()  # raises what went wrong

    def _new_output(self) -> openvino.Tensor:
        import openvino

        maps = np.empty(self.request.get_output_tensor().shape, np.float32)
        output = openvino.Tensor(maps, shared_memory=True)
        self.request.set_output_tensor(output)
        return output


def _describe(core: openvino.Core, device: str, precision: str | None) -> str:
    if device not in core.available_devices:  # a choice of several
        return f"OpenVINO, {device}, on {' or '.join(core.available_devices)}"
    if precision is None:
        hint = core.get_property(device, "INFERENCE_PRECISION_HINT")
        precision = hint.get_type_name()
    name = core.get_property(device, "FULL_DEVICE_NAME").strip()
    return f"OpenVINO, {precision}, on {name}"
