"""The models that come with the package."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.examples import EXAMPLE_IMAGES
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.models.store import shipped_models
from napari_unet_nuclei.core.segmentation.model import load_model

LARGEST = 16 * 2**20  # bytes


def test_both_architectures_are_shipped_the_best_first() -> None:
    assert list(shipped_models()) == ["resnet", "classic"]


@pytest.mark.parametrize("name", ["resnet", "classic"])
def test_a_shipped_model_is_complete_and_small(name: str) -> None:
    path = shipped_models()[name]
    assert path.stat().st_size <= LARGEST
    bundle = read_bundle(path)
    assert bundle.config.architecture == name
    assert bundle.openvino is not None
    provenance = bundle.config.provenance
    assert not set(provenance["train"]) & set(provenance["validation"])
    assert provenance["scores"]["dsb2018"] > 0.48


@pytest.mark.parametrize("name", ["resnet", "classic"])
@pytest.mark.parametrize("image", EXAMPLE_IMAGES)
def test_both_engines_find_the_same_nuclei(name: str, image: str) -> None:
    example = EXAMPLE_IMAGES[image]()
    models = [load_model(name, engine) for engine in ("keras", "openvino")]
    reference, fast = (model.maps(example.image, example.settings) for model in models)
    # bfloat16, where the CPU has it, against float32.
    assert np.abs(reference.foreground - fast.foreground).mean() < 0.01
    parameters = models[0].config.splitting
    labels = [split_instances(maps, parameters) for maps in (reference, fast)]
    assert evaluate(*labels).ap[0.5] >= 0.9


def test_stained_tissue_is_not_taken_for_huge_nuclei() -> None:
    tissue = EXAMPLE_IMAGES["immunohistochemistry"]().image
    assert load_model().maps(tissue).scale >= 1


@pytest.mark.parametrize("name", ["resnet", "classic"])
@pytest.mark.parametrize("diameter", [8, 25, 110])
def test_nuclei_of_any_size_are_found_without_being_told(
    name: str, diameter: int
) -> None:
    shape = (14 * diameter, 14 * diameter)
    image, truth = draw_nuclei(5, shape, 40, diameter=diameter, touching=0.2)
    labels = load_model(name).segment(image)
    assert evaluate(truth, labels).ap[0.5] >= 0.75
