"""Speed of candidate network shapes in OpenVINO, the table of docs/benchmarks.md.

Usage: python benchmarks/architectures.py [--seconds 2]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from napari_unet_nuclei.core.networks.classic import ClassicShape, build_classic
from napari_unet_nuclei.core.networks.resnet import ResNetShape, build_resnet
from napari_unet_nuclei.core.openvino_runtime import import_openvino

CANDIDATES = {
    "classic 32-64-96-128": ClassicShape(),
    "classic 32-64-128-192": ClassicShape(widths=(32, 64, 128, 192)),
    "classic 32-64-128-256": ClassicShape(widths=(32, 64, 128, 256)),
    "classic 32-64-96-128-160": ClassicShape(widths=(32, 64, 96, 128, 160)),
    "classic 32-64-96-128-160 bilinear": ClassicShape(
        widths=(32, 64, 96, 128, 160), upsampling="bilinear"
    ),
    "resnet 32-64-128-256": ResNetShape(),
    "resnet 32-64-128-256, 2 deep": ResNetShape(encoder_blocks=(1, 1, 2, 2)),
    "resnet 32-64-128-192-256": ResNetShape(widths=(32, 64, 128, 192, 256)),
    "resnet 48-96-192-256": ResNetShape(widths=(48, 96, 192, 256)),
    "resnet 48-96-192-384": ResNetShape(widths=(48, 96, 192, 384)),
    "resnet 32-64-128-192-256, 1-2-2-2-2": ResNetShape(
        widths=(32, 64, 128, 192, 256), encoder_blocks=(1, 2, 2, 2, 2)
    ),
    "resnet 48-96-160-224-256": ResNetShape(widths=(48, 96, 160, 224, 256)),
}


def megapixels_per_second(
    path: Path, side: int, precision: str, seconds: float
) -> float:
    """Median speed of an IR on square tiles, in Mpx/s."""
    core = import_openvino().Core()
    model = core.read_model(path)
    model.reshape([1, side, side, 3])
    compiled = core.compile_model(
        model,
        "CPU",
        {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision},
    )
    request = compiled.create_infer_request()
    image = np.random.default_rng(0).random((1, side, side, 3), np.float32)
    request.infer({0: image})
    times = []
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        tick = time.perf_counter()
        request.infer({0: image})
        times.append(time.perf_counter() - tick)
    return float(side * side / np.median(times) / 1e6)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    print("| shape | M params | bf16 512² | bf16 1024² | f32 512² |")
    print("| --- | --- | --- | --- | --- |")
    for name, shape in CANDIDATES.items():
        is_classic = isinstance(shape, ClassicShape)
        model = build_classic(shape) if is_classic else build_resnet(shape)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.xml"
            model.export(str(path), format="openvino", verbose=False)
            figures = [
                megapixels_per_second(path, side, precision, arguments.seconds)
                for side, precision in ((512, "bf16"), (1024, "bf16"), (512, "f32"))
            ]
        columns = " | ".join(f"{figure:.1f}" for figure in figures)
        print(f"| {name} | {model.count_params() / 1e6:.2f} | {columns} |", flush=True)


if __name__ == "__main__":
    main()
