from __future__ import annotations

import numpy as np

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.drawing.overlays import draw_outlines
from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.training.crops.targets import make_targets
from napari_unet_nuclei.core.training.pictures import ShownSamples


def draw(shown: ShownSamples, samples: list[Sample]) -> dict[str, np.ndarray]:
    """Show samples whose maps are predicted perfectly."""
    maps = [Maps(*np.moveaxis(make_targets(each.labels), -1, 0)) for each in samples]
    return shown.draw(maps, SplittingParameters())


def test_truth_stands_on_the_left_and_the_prediction_on_the_right() -> None:
    sample = Sample("one", *draw_nuclei(0, (96, 80), 4, diameter=20))
    picture = draw(ShownSamples([sample]), [sample])["one"]
    assert picture.dtype == np.uint8
    assert picture.shape == (96, 2 * 80 + 4, 3)
    assert (picture[:, 80:84] == 255).all()
    truth = draw_outlines(sample.image, sample.labels)
    np.testing.assert_array_equal(picture[:, :80], truth)
    # Outlines are coloured, the image is grey.
    outlines = [np.ptp(half, axis=-1) > 0 for half in (picture[:, 84:], truth)]
    overlap = (outlines[0] & outlines[1]).sum() / outlines[1].sum()
    assert overlap > 0.8


def test_nothing_found_leaves_the_image_alone() -> None:
    sample = Sample("one", *draw_nuclei(0, (64, 64), 3, diameter=20))
    nothing = np.zeros((64, 64), np.float32)
    shown = ShownSamples([sample])
    picture = shown.draw([Maps(nothing)], SplittingParameters())["one"]
    assert np.ptp(picture[:, 68:], axis=-1).max() == 0
    assert np.ptp(picture[:, :64], axis=-1).max() > 0


def test_a_crop_of_a_large_image_shows_where_nuclei_are() -> None:
    image, labels = np.zeros((700, 300), np.uint8), np.zeros((700, 300), np.int32)
    labels[600:640, 20:50] = 1
    image[labels > 0] = 200
    sample = Sample("large", image, labels)
    picture = draw(ShownSamples([sample]), [sample])["large"]
    assert picture.shape == (256, 2 * 256 + 4, 3)
    rows, columns = np.nonzero(np.ptp(picture[:, :256], axis=-1))
    assert (rows.max() - rows.min(), columns.max() - columns.min()) == (39, 29)


def test_four_samples_are_shown_and_they_stay_the_same() -> None:
    samples = [
        Sample(str(seed), *draw_nuclei(seed, (48, 48), 2, diameter=14))
        for seed in range(9)
    ]
    shown = ShownSamples(samples)
    assert list(draw(shown, samples)) == ["0", "2", "5", "8"]
    assert list(draw(shown, samples)) == ["0", "2", "5", "8"]
    assert list(draw(ShownSamples(samples[:2]), samples[:2])) == ["0", "1"]


def test_an_image_without_nuclei_is_shown_too() -> None:
    empty = Sample("empty", np.zeros((40, 50)), np.zeros((40, 50), np.int32))
    assert draw(ShownSamples([empty]), [empty])["empty"].shape == (40, 104, 3)
