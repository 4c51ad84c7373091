"""Whether the engines agree, and what each costs in accuracy.

Usage: python benchmarks/engines.py stage1_train.zip split.json:val [--int8 PART]

Prints, per model and engine: scores against the annotation, differences of the
foreground from the Keras float32 reference, and the labels of one scored against
those of the other.  With `--int8` also for a quantised network, calibrated on the
images of another part of the split (`pip install nncf`).
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from napari_unet_nuclei import evaluate
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.splits import read_split
from napari_unet_nuclei.core.engines.engine import Engine
from napari_unet_nuclei.core.engines.keras import KerasEngine
from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.models.bundle import ModelBundle, read_bundle
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.openvino_runtime import import_openvino
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.training.validation import predict_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.engines.engine import Engine


def quantise(bundle: ModelBundle, samples: Sequence[Sample]) -> ModelBundle:
    """Replace the IR by one with 8-bit weights and activations."""
    import tempfile
    from pathlib import Path

    import nncf

    openvino = import_openvino()

    def crop(sample: Sample) -> np.ndarray:
        planes = to_channels(sample.image)
        pixels = normalise(planes, intensity_limits(planes))[:256, :256]
        return np.ascontiguousarray(pixels[np.newaxis])

    if bundle.openvino is None:
        raise SystemExit(f"The model {bundle.name} holds no OpenVINO form.")
    xml, weights = bundle.openvino
    network = openvino.Core().read_model(model=xml, weights=weights)
    crops = [crop(sample) for sample in samples]
    crops = [pixels for pixels in crops if pixels.shape[1:3] == (256, 256)]
    quantised = nncf.quantize(
        network, nncf.Dataset(crops), preset=nncf.QuantizationPreset.MIXED
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.xml"
        openvino.save_model(quantised, path)
        form = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    return replace(bundle, openvino=form)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data")
    parser.add_argument("split", help="FILE:PART")
    parser.add_argument("--models", nargs="+", default=["classic", "resnet"])
    parser.add_argument("--int8", metavar="FILE:PART", help="part to calibrate on")
    arguments = parser.parse_args()
    source = open_samples(arguments.data)
    samples = [source.read_sample(i) for i in read_split(arguments.split)]
    truth = [sample.labels for sample in samples]
    print(
        "| model | engine | DSB2018 | AP50 | Dice | difference > .01 | AP50 of both |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in arguments.models:
        bundle = read_bundle(find_model(name))
        engines: dict[str, Engine] = {
            "Keras, float32": KerasEngine.from_bundle(bundle),
            "OpenVINO": OpenVinoEngine(bundle),
            "OpenVINO, float32": OpenVinoEngine(bundle, "f32"),
        }
        if arguments.int8:
            ids = read_split(arguments.int8)[::4]
            calibration = [source.read_sample(i) for i in ids]
            engines["OpenVINO, int8"] = OpenVinoEngine(quantise(bundle, calibration))
        reference_maps, reference_labels = None, None
        for engine_name, engine in engines.items():
            maps = predict_samples(engine, bundle.config, samples)
            labels = [
                split_instances(
                    of_image,
                    bundle.config.splitting,
                    min_area=SegmentationSettings().smallest_area(of_image.scale),
                )
                for of_image in maps
            ]
            scores = evaluate(truth, labels)
            row = f"| {name} | {engine_name} | {scores.dsb2018:.4f} | "
            row += f"{scores.ap[0.5]:.4f} | {scores.dice:.4f} | "
            if reference_maps is None or reference_labels is None:
                reference_maps, reference_labels = maps, labels
                row += "| |"
            else:
                differences = np.concatenate(
                    [
                        np.abs(one.foreground - two.foreground).ravel()
                        for one, two in zip(maps, reference_maps, strict=True)
                    ]
                )
                agreement = evaluate(reference_labels, labels)
                row += f"{(differences > 0.01).mean():.3%} | {agreement.ap[0.5]:.4f} |"
            print(row, flush=True)


if __name__ == "__main__":
    main()
