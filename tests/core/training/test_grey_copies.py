"""Two grey copies of each stained image, in which nuclei are bright."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from skimage.color import hed2rgb

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.images.nuclear_signal import NuclearSignal
from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training import loop
from napari_unet_nuclei.core.training.grey_copies import add_grey_copies, copy_stained
from napari_unet_nuclei.core.training.loop import iter_training
from napari_unet_nuclei.core.training.mixture import TrainingSet, mix_sets

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def stained() -> Sample:
    """Pink tissue with two purple nuclei."""
    labels = np.zeros((64, 64), np.int32)
    labels[8:24, 8:24], labels[36:52, 30:50] = 1, 2
    stains = np.zeros((64, 64, 3))
    stains[..., 0] = np.where(labels > 0, 0.25, 0.02)  # hematoxylin
    stains[..., 1] = 0.1  # eosin
    image = (hed2rgb(stains) * 255 + 0.5).astype(np.uint8)
    return Sample("tissue", image, labels)


def contrast(image: NDArray[Any], labels: NDArray[np.int32]) -> float:
    """How much brighter nuclei are than what is around them, of the whole range."""
    inside, outside = image[labels > 0].mean(), image[labels == 0].mean()
    return float((inside - outside) / np.ptp(image))


def test_nuclei_are_bright_in_both_copies(stained: Sample) -> None:
    copies = copy_stained([stained])
    assert [each.sample_id for each in copies] == [
        "tissue (hematoxylin)",
        "tissue (red)",
    ]
    for copy in copies:
        assert copy.image.shape == (64, 64)
        assert copy.image.dtype == np.float32
        assert copy.labels is stained.labels
        assert contrast(copy.image, copy.labels) > 0.8


def test_nuclei_of_any_hue_are_bright(stained: Sample) -> None:
    image = np.full((64, 64, 3), (230, 120, 200), np.uint8)  # eosin
    image[8:24, 8:24] = 80, 60, 140  # hematoxylin
    copies = copy_stained([replace(stained, image=image)])
    assert len(copies) == 2
    for copy in copies:
        assert copy.image[16, 16] > copy.image[0, 0] + 0.5


def test_hematoxylin_is_what_segmentation_sees(stained: Sample) -> None:
    hematoxylin, _ = copy_stained([stained])
    seen = NuclearSignal(stained.image).see(Stain.HE)
    np.testing.assert_array_equal(hematoxylin.image, seen.channels[..., 0])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_the_scale_of_the_numbers_does_not_matter(
    stained: Sample, dtype: type[Any]
) -> None:
    other = replace(stained, image=stained.image.astype(dtype) * dtype(3))
    for copy in copy_stained([other]):
        assert contrast(copy.image, copy.labels) > 0.8
        assert np.isfinite(copy.image).all()


def test_black_pixels_stay_finite(stained: Sample) -> None:
    image = stained.image.copy()
    image[:2] = 0
    for copy in copy_stained([replace(stained, image=image)]):
        assert np.isfinite(copy.image).all()


@pytest.mark.parametrize(
    "image",
    [
        np.full((64, 64), 200, np.uint8),
        np.zeros((64, 64, 3), np.uint8),
        np.full((64, 64, 3), (0, 0, 90), np.uint8),  # a blue fluorescence
    ],
)
def test_what_is_not_stained_has_no_copies(
    stained: Sample, image: NDArray[np.uint8]
) -> None:
    assert copy_stained([replace(stained, image=image)]) == []


def test_only_what_is_trained_on_is_copied(stained: Sample) -> None:
    sets = [
        TrainingSet(name=name, samples=[stained], validation=[stained])
        for name in ("a", "b")
    ]
    data = mix_sets(sets, TrainingSettings(epochs=1))
    more = add_grey_copies(data)
    assert [len(each.samples) for each in more.sets] == [3, 3]
    assert more.validation == data.validation
    assert more.shares == data.shares
    assert more.samples[1].sample_id == "a/tissue (hematoxylin)"


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(("grey_copies", "n_samples"), [(False, 1), (True, 3)])
def test_crops_are_drawn_from_the_copies_if_wanted(
    stained: Sample,
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
    monkeypatch: pytest.MonkeyPatch,
    grey_copies: bool,
    n_samples: int,
) -> None:
    seen: list[int] = []
    make = loop.CropDataset

    def note(samples: list[Sample], **more: Any) -> loop.CropDataset:
        seen.append(len(samples))
        return make(samples, **more)

    monkeypatch.setattr(loop, "CropDataset", note)
    settings = replace(settings, grey_copies=grey_copies, steps_per_epoch=1, epochs=1)
    steps = iter_training(
        [stained], output, settings, validation=[stained], start=tiny_path
    )
    assert [next(steps).epoch, next(steps).epoch] == [0, 1]
    steps.close()
    assert seen == [n_samples]
