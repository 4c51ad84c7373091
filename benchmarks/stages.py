"""Where the time of one segmentation goes: stage by stage, and layer by layer.

Usage: python benchmarks/stages.py [--data stage1_train.zip] [--side 2048]
                                   [--model classic] [--layers 10]

The image is the mosaic of speed.py.  Stages that are indented are part of the one
above them; components are found in a thread while the depth is smoothed.
`--layers` lists the dearest layers of the network on OpenVINO, what it multiplies in
a second, and what a product of large matrices reaches.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from speed import mosaic

from napari_unet_nuclei import load_model
from napari_unet_nuclei.core.instances import splitting
from napari_unet_nuclei.core.openvino_runtime import import_openvino
from napari_unet_nuclei.core.segmentation import scaled as scaled_prediction
from napari_unet_nuclei.core.segmentation import stacks
from napari_unet_nuclei.core.segmentation import tiled as tiled_prediction
from napari_unet_nuclei.core.segmentation.scale_policy import ScalePolicy

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    import openvino

    from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
    from napari_unet_nuclei.core.segmentation.model import Model

STAGES: list[tuple[str, ModuleType | type, str]] = [
    ("limits of intensity", scaled_prediction, "intensity_limits"),
    ("normalise", tiled_prediction, "normalise"),
    ("network", tiled_prediction, "_predict_tile"),
    ("size of nuclei", ScalePolicy, "better_scale"),
    ("split", stacks, "split_instances"),
    ("  components (in a thread)", splitting, "_find_components"),
    ("  smooth the depth", splitting, "_smooth_depth"),
    ("  flood and name nuclei", splitting, "_divide"),
    ("    flood", splitting, "flood"),
    ("  paint labels", splitting, "paint"),
]
REPEATS = 9
MATRIX = 4096


def time_stages(model: Model, image: np.ndarray) -> dict[str, list[float]]:
    """Seconds of each stage in each of several runs, by its name."""
    taken: dict[str, list[float]] = {"all": []} | {name: [] for name, *_ in STAGES}

    def timed(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            result = function(*arguments, **options)
            taken[name][-1] += time.perf_counter() - start
            return result

        return call

    model.segment(image)
    with ExitStack() as stack:
        for name, module, function in STAGES:
            replacement = timed(getattr(module, function), name)
            stack.enter_context(patch.object(module, function, replacement))
        segment = timed(model.segment, "all")
        for _ in range(REPEATS):
            for seconds in taken.values():
                seconds.append(0)
            segment(image)
    return taken


def time_layers(engine: OpenVinoEngine, image: np.ndarray) -> dict[str, float]:
    """Milliseconds of each layer of the network, by its name and kind."""
    grey = image[np.newaxis, ..., np.newaxis] / np.float32(255)
    tile = np.broadcast_to(grey, (1, *image.shape, 3))
    engine._options["PERF_COUNT"] = "YES"
    engine._held.clear()
    runs: dict[str, list[float]] = {}
    for _ in range(REPEATS):
        engine.predict(tile)
        for layer in engine._held[grey.shape].request.profiling_info:
            name = f"{layer.node_name} ({layer.node_type}, {layer.exec_type})"
            runs.setdefault(name, []).append(layer.real_time.total_seconds() * 1e3)
    return {name: median(times) for name, times in runs.items()}


def count_operations(network: openvino.Model, shape: tuple[int, int]) -> int:
    """Multiplications and additions of all convolutions for one grey image."""
    network = network.clone()
    network.reshape([1, *shape, 1])
    total = 0
    for node in network.get_ordered_ops():
        kind = node.get_type_name()
        if kind not in ("Convolution", "ConvolutionBackpropData"):
            continue
        kernel = node.input_value(1).get_shape()
        # Each pixel of the smaller side meets the whole kernel.
        smaller = node.output(0) if kind == "Convolution" else node.input_value(0)
        total += 2 * int(np.prod(kernel)) * int(np.prod(smaller.get_shape()[2:]))
    return total


def matrix_speed() -> float:
    """Operations per second of a product of large matrices on OpenVINO."""
    openvino = import_openvino()
    opset13 = openvino.opset13
    left = opset13.parameter([MATRIX, MATRIX], np.float32)
    right = opset13.constant(np.ones((MATRIX, MATRIX), np.float32))
    product = openvino.Model([opset13.matmul(left, right, False, False)], [left])
    request = openvino.Core().compile_model(product, "CPU").create_infer_request()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        request.infer(share_outputs=True)
        seconds.append(time.perf_counter() - start)
    return 2 * MATRIX**3 / median(seconds)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="DSB2018 folder or zip")
    parser.add_argument("--side", type=int, default=2048, help="of the image, in px")
    parser.add_argument("--model", default="classic")
    parser.add_argument("--layers", type=int, default=0, help="how many to list")
    arguments = parser.parse_args()
    model = load_model(arguments.model, engine="openvino")
    image = mosaic(arguments.side, arguments.data)
    print(f"{arguments.model}, {arguments.side}², {model.engine.description}")
    print("| stage | ms |")
    print("| --- | --- |")
    stages = time_stages(model, image)
    for name, seconds in stages.items():
        indented = name.replace("  ", "– ")
        print(f"| {indented} | {median(seconds) * 1e3:.1f} |")
    if not arguments.layers:
        return
    layers = time_layers(model.engine, image)
    dearest = sorted(layers.items(), key=lambda layer: -layer[1])
    whole = sum(layers.values())
    print("| layer | ms | % |")
    print("| --- | --- | --- |")
    for name, taken in dearest[: arguments.layers]:
        print(f"| `{name}` | {taken:.1f} | {100 * taken / whole:.0f} |")
    operations = count_operations(model.engine._grey_network, image.shape)
    speed = operations / median(stages["network"])
    print(f"network {speed / 1e12:.2f} TFLOP/s, matrices {matrix_speed() / 1e12:.2f}")


if __name__ == "__main__":
    main()
