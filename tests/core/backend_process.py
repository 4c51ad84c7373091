"""What one backend of Keras is asked to do; ``KERAS_BACKEND`` says which.

``train MODEL`` trains a tiny network, stopping and resuming half-way; ``maps FILE
MODEL…`` writes the maps of a drawn image, one array a model, by its name.
"""

import sys
from pathlib import Path

import numpy as np

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.loop import iter_training

SETTINGS = TrainingSettings(
    arguments={"widths": (4, 8)},
    crop_size=32,
    batch_size=2,
    steps_per_epoch=3,
    epochs=2,
    learning_rate=0.01,
)


def train(model: Path) -> None:
    samples = [
        Sample(str(seed), *draw_nuclei(seed, (48, 48), 4, diameter=14))
        for seed in range(5)
    ]
    steps = iter_training(samples, model, SETTINGS)
    while next(steps).epoch == 0:
        pass
    steps.close()
    exhaust(iter_training(samples, model, SETTINGS, resume=True))


def write_maps(file: Path, models: list[Path]) -> None:
    maps = {path.stem: make_maps(path) for path in models}
    np.savez(file, **maps)


def make_maps(path: Path) -> np.ndarray:
    """The maps of a drawn image as it is: an estimated scale is another question."""
    image, _ = draw_nuclei(7, (50, 67), 5, diameter=14)
    model = load_model(path, "keras")
    as_it_is = SegmentationSettings(diameter=model.config.diameter)
    return np.stack(model.maps(image, as_it_is).arrays)


task, *paths = sys.argv[1:]
if task == "train":
    train(Path(paths[0]))
else:
    write_maps(Path(paths[0]), [Path(path) for path in paths[1:]])
