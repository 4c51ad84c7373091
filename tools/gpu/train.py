"""Train from a packed file of data sets, on a GPU through JAX.

Usage: KERAS_BACKEND=jax python tools/gpu/train.py packed.npz -o mine.unetnuclei
           [--from MODEL] [--grow N] [--minutes M | --epochs N] [--resume] ...

Needs `pip install --no-deps napari-unet-nuclei` beside JAX, Keras, SciPy, scikit-image,
Pillow, tifffile, imagecodecs, platformdirs, psutil, h5py and Matplotlib; no TensorFlow,
napari or Qt.  Without OpenVINO the model has no OpenVINO form: run the same command
with --resume where OpenVINO is installed, and it is added.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from packed import read_packed

from napari_unet_nuclei.core.progress import exhaust, map_steps
from napari_unet_nuclei.core.settings.training import TrainingSettings, choose_minutes
from napari_unet_nuclei.core.training.loop import iter_training
from napari_unet_nuclei.core.training.outputs import claim_training_outputs
from napari_unet_nuclei.core.training.set_scores import summarise_sets

if TYPE_CHECKING:
    from napari_unet_nuclei.core.training.steps import TrainingStep

_NUMBERS = {
    "steps_per_epoch": int,
    "crop_size": int,
    "batch_size": int,
    "learning_rate": float,
    "start_weight": float,
    "replay": float,
    "grow": int,
    "seed": int,
    "epochs": int,
    "minutes": float,
}


def main() -> None:
    """Train, and print a line for each epoch."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("packed", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--from", dest="start")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--grey-copies", action="store_true")
    for name, kind in _NUMBERS.items():
        default = getattr(TrainingSettings, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=default)
    arguments = parser.parse_args()
    values = {name: getattr(arguments, name) for name in _NUMBERS}
    values["minutes"] = choose_minutes(arguments.minutes, arguments.epochs)
    settings = TrainingSettings(**values, grey_copies=arguments.grey_copies)
    with claim_training_outputs(
        arguments.output,
        start=arguments.start,
        resume=arguments.resume,
        overwrite=arguments.overwrite,
    ):
        steps = iter_training(
            read_packed(arguments.packed),
            arguments.output,
            settings,
            start=arguments.start,
            resume=arguments.resume,
        )
        report = exhaust(map_steps(show, steps))
    print(f"{report.output}: {report.n_steps} steps, {report.seconds:.0f} s")
    if report.warning:
        print(f"Warning: {report.warning}")


def show(step: TrainingStep) -> None:
    """Print the scores of an epoch."""
    if step.scores is None:
        return
    each = {
        name: round(s["dsb2018"], 3) for name, s in summarise_sets(step.scores).items()
    }
    print(
        f"epoch {step.epoch}, step {step.step}, {step.seconds:.0f} s: "
        f"loss {step.loss}, DSB2018 {step.scores.dsb2018:.3f} {each or ''}",
        flush=True,
    )


if __name__ == "__main__":
    main()
