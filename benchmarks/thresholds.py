"""What the thresholds of the splitting are worth, around those a model ships with.

Usage: python benchmarks/thresholds.py stage1_train.zip split.json:val
                                       [--models NAME ...] [--tta]

Prints a row per model and changed parameter; the maps are made once.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from napari_unet_nuclei import load_model
from napari_unet_nuclei.core.datasets.opening import open_samples, read_split
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.training.validation import score_maps

_CHANGES = {
    "threshold": (-0.1, -0.05, 0.05, 0.1),
    "seed_threshold": (-0.1, -0.05, 0.05, 0.1),
    "min_confidence": (-0.1, 0.1, 0.3),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data")
    parser.add_argument("split", help="FILE:PART")
    parser.add_argument("--models", nargs="+", default=["classic", "resnet"])
    parser.add_argument("--tta", action="store_true", help="mean of 8 flips")
    arguments = parser.parse_args()
    source = open_samples(arguments.data)
    samples = [source.read_sample(i) for i in read_split(arguments.split)]
    settings = SegmentationSettings(tta=arguments.tta)
    print("| model | thresholds | DSB2018 | AP50 | Dice |")
    print("| --- | --- | --- | --- | --- |")
    for name in arguments.models:
        model = load_model(name)
        maps = [model.maps(sample.image, settings) for sample in samples]
        shipped = model.config.splitting
        trials = {"as shipped": shipped}
        for parameter, steps in _CHANGES.items():
            for step in steps:
                value = round(getattr(shipped, parameter) + step, 3)
                if 0 <= value < 1:
                    changed = replace(shipped, **{parameter: value})
                    trials[f"{parameter} {value}"] = changed
        for title, parameters in trials.items():
            total = score_maps(maps, samples, parameters)
            print(
                f"| `{name}` | {title} | {total.dsb2018:.3f} "
                f"| {total.ap[0.5]:.3f} | {total.dice:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
