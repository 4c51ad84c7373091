"""Networks from Keras files become bundles, without running anything they hold.

What a file says is translated, layer by layer, into the description that
:mod:`~napari_unet_nuclei.core.networks.imported` builds networks from; what has no
place there is refused.  Files are read in
:mod:`~napari_unet_nuclei.core.conversion.keras_files`, and the order of layers in
:mod:`~napari_unet_nuclei.core.conversion.keras_graph`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.conversion.keras_files import read_keras_file
from napari_unet_nuclei.core.conversion.keras_graph import (
    KerasGraph,
    KerasLayer,
    read_graph,
)
from napari_unet_nuclei.core.errors import ModelError, SettingsError
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS
from napari_unet_nuclei.core.models.bundle import ModelBundle
from napari_unet_nuclei.core.models.config import ONE_MAP, ModelConfig
from napari_unet_nuclei.core.settings.choices import Architecture
from napari_unet_nuclei.core.settings.segmentation import USUAL_DIAMETER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import keras

    from napari_unet_nuclei.core.conversion.keras_parsing import KerasFile
    from napari_unet_nuclei.core.models.weights import Weights

# Arguments that the layers here do not have, and the values they nevertheless have.
_IMPLIED: Mapping[str, Sequence[Any]] = {
    "axis": (-1, 3, [-1], [3]),
    "data_format": (None, "channels_last"),
    "dilation_rate": (1, [1, 1]),
    "groups": (1,),
    "output_padding": (None,),
}
_RENAMED_ARGUMENTS = {("LeakyReLU", "alpha"): "negative_slope"}  # by Keras 3
_RENAMED_ACTIVATIONS = {"swish": "silu"}


@dataclass(frozen=True)
class ImportedModel:
    """A network that came from a Keras file.

    Parameters
    ----------
    bundle : ModelBundle
        The model, with its OpenVINO form.
    notes : tuple of str
        Sentences on what had to be assumed.
    """

    bundle: ModelBundle
    notes: tuple[str, ...]


def import_model(
    path: Path, *, diameter: float | None = None, brightest: float | None = None
) -> ImportedModel:
    """Turn a Keras file with a network for one foreground map into a model.

    Parameters
    ----------
    path : Path
        ``.keras`` or ``.h5`` file of a network that ends in one sigmoid map.
    diameter : float, in px, optional
        Typical diameter of the nuclei in the images it was trained on,
        `USUAL_DIAMETER` by default.
    brightest : float, optional
        What it was given for the brightest pixel, usually 1 or 255; by default 255
        where its first layer scales images down, and otherwise 1.

    Returns
    -------
    ImportedModel
        The model and what was assumed.  As for every model, images are normalised
        by percentiles before the network sees them, even if it was trained without.

    Raises
    ------
    SettingsError
        If the diameter or the brightest pixel is not positive.
    ModelError
        If the file cannot be read, or its network cannot be rebuilt from the layers
        in :mod:`~napari_unet_nuclei.core.networks.layer_kinds`, for images of any
        size and with one sigmoid map.
    EngineError
        If the network cannot be converted to OpenVINO.
    """
    for name, value in (("diameter", diameter), ("brightest pixel", brightest)):
        if value is not None and not 0 < value < np.inf:
            raise SettingsError(f"The {name} must be positive. Received: {value}")
    file = read_keras_file(path)

    # Only now, as it loads Keras, which takes seconds.
    from napari_unet_nuclei.core.networks.exporting import add_openvino

    try:
        bundle, notes = _translate(file, path, diameter, brightest)
    except DECODING_ERRORS as error:
        reason = (
            error
            if isinstance(error, ValueError)
            else f"part of the description is missing or odd ({error!r})"
        )
        raise ModelError(
            "Expected a Keras file with a network of common layers, from images of any "
            f"size to one sigmoid map. Received: {path}, where {reason}. Change the "
            "network and save it again, or train one with `napari-unet-nuclei train`."
        ) from error
    return ImportedModel(add_openvino(bundle), notes)


def _translate(
    file: KerasFile, path: Path, diameter: float | None, brightest: float | None
) -> tuple[ModelBundle, tuple[str, ...]]:
    """Rebuild the network of a file; return it with what was assumed."""
    from napari_unet_nuclei.core.networks.geometry import measure_geometry
    from napari_unet_nuclei.core.networks.imported import ImportedShape, build_imported

    graph, notes = _settle_input(read_graph(file.config), brightest)
    layers, n_channels = _describe(graph), graph.n_channels
    network = build_imported(ImportedShape(layers=layers, n_channels=n_channels))
    weights = _match_weights(network, graph, file)
    geometry = measure_geometry(network)
    if layers[-1].get("activation") != "sigmoid":
        raise ValueError(f"the last layer, {graph.layers[-1].name!r}, is no sigmoid")
    _check_size(network, geometry.stride)
    config = ModelConfig(
        architecture=Architecture.IMPORTED,
        arguments={"layers": layers, "n_channels": n_channels},
        maps=ONE_MAP,
        stride=geometry.stride,
        margin=geometry.margin,
        diameter=diameter or USUAL_DIAMETER,
        provenance={
            "package": version("napari-unet-nuclei"),
            "imported": path.name,
            "notes": list(notes),
        },
    )
    return ModelBundle(name=path.stem, config=config, weights=weights), notes


def _settle_input(
    graph: KerasGraph, brightest: float | None
) -> tuple[KerasGraph, tuple[str, ...]]:
    """Make the network take images in [0, 1], and say what was assumed."""
    first, *others = graph.layers
    notes = []
    if first.kind == "Lambda" and first.sources == (graph.image,):
        # Its code stays unread: images that go to 255 leave little else to do first.
        first = replace(
            first, kind="Rescaling", config={"scale": 1 / 255, "offset": 0.0}
        )
        notes.append(
            f"The layer {first.name!r} is code, which is never run; as the first layer "
            "it is taken to divide by 255."
        )
    if brightest is None:
        scale = first.config.get("scale") if first.kind == "Rescaling" else None
        brightest = 255.0 if isinstance(scale, float) and 0 < scale < 0.1 else 1.0
        notes.append(
            "The brightest pixels the network was given are taken to have been "
            f"{brightest:g}."
        )
    layers = [first, *others]
    if brightest != 1:
        config = {"scale": float(brightest), "offset": 0.0}
        unscale = KerasLayer("", "Rescaling", config, (graph.image,))
        layers = [unscale, *(_redirect(each, graph.image, "") for each in layers)]
    return replace(graph, layers=tuple(layers)), tuple(notes)


def _redirect(layer: KerasLayer, before: str, after: str) -> KerasLayer:
    sources = tuple(after if name == before else name for name in layer.sources)
    return replace(layer, sources=sources)


def _describe(graph: KerasGraph) -> list[dict[str, Any]]:
    """Translate layers into those that can be imported."""
    from napari_unet_nuclei.core.networks.layer_kinds import LAYER_KINDS, check_layer

    numbers = {graph.image: 0}
    described = []
    for number, layer in enumerate(graph.layers, start=1):
        known = LAYER_KINDS[layer.kind].arguments if layer.kind in LAYER_KINDS else {}
        arguments = {}
        for name, value in layer.config.items():
            name = _RENAMED_ARGUMENTS.get((layer.kind, name), name)
            if name in known:
                if name == "activation" and isinstance(value, str):
                    value = _RENAMED_ACTIVATIONS.get(value, value)
                arguments[name] = value
            elif name in _IMPLIED and value not in _IMPLIED[name]:
                raise ValueError(f"the layer {layer.name!r} has {name}={value!r}")
        try:
            arguments = check_layer({"kind": layer.kind, **arguments})
        except ValueError as error:
            raise ValueError(f"the layer {layer.name!r} is no such: {error}") from error
        inputs = [numbers[source] for source in layer.sources]
        described.append({"kind": layer.kind, "inputs": inputs, **arguments})
        numbers[layer.name] = number
    return described


def _match_weights(network: keras.Model, graph: KerasGraph, file: KerasFile) -> Weights:
    """Give each weight of the rebuilt network its value."""
    from napari_unet_nuclei.core.networks.imported import layer_name

    weights: Weights = {}
    for number, layer in enumerate(graph.layers, start=1):
        needed = network.get_layer(layer_name(number, layer.kind)).weights
        given = file.weights.get(layer.name, ())
        shapes = [tuple(each.shape) for each in needed]
        if shapes != [each.shape for each in given]:
            raise ValueError(
                f"the layer {layer.name!r} needs weights of shapes {shapes} and has "
                f"{[each.shape for each in given]}"
            )
        weights |= {each.path: value for each, value in zip(needed, given, strict=True)}
    for path, value in weights.items():
        # Kernels are stored in half precision; NaN compares false.
        largest = np.finfo(np.float16 if value.ndim > 1 else np.float32).max
        if not (np.abs(value) <= largest).all():
            raise ValueError(f"the weight {path!r} is not finite or too large")
    return weights


def _check_size(network: keras.Model, stride: int) -> None:
    """Make sure that there is one map, as large as the image."""
    height, width = 16 * stride, 24 * stride
    shape = tuple(network.compute_output_shape((1, height, width, 3)))
    if shape != (1, height, width, 1):
        raise ValueError(
            f"an image of shape {(height, width)} becomes maps of shape {shape[1:]}"
        )
