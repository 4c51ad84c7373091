"""Every look is drawn with labels that are exact, and looks like what it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei.core.datasets.drawn.looks import Look, draw_look
from napari_unet_nuclei.core.datasets.drawn.writing import iter_write_drawn
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

_STAINED = (Look.HEMATOXYLIN_EOSIN, Look.IMMUNOHISTOCHEMISTRY, Look.STAINED_CELLS)


@pytest.mark.parametrize("look", Look)
@pytest.mark.parametrize("seed", [0, 1])
def test_labels_are_whole_numbered_nuclei(look: Look, seed: int) -> None:
    image, labels = draw_look(look, seed, (160, 128))
    assert image.shape == (160, 128, 3) if look in _STAINED else (160, 128)
    assert (image.dtype, labels.dtype) == (np.uint8, np.int32)
    assert labels.max() >= 1
    assert np.unique(labels).tolist() == list(range(labels.max() + 1))
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        mask = labels[box] == number
        assert mask.sum() >= 12
        assert ndimage.label(mask)[1] == 1


@pytest.mark.parametrize("look", Look)
def test_nuclei_are_seen_where_the_labels_are(look: Look) -> None:
    image, labels = draw_look(look, 3, (192, 192))
    grey = image.astype(float) if image.ndim == 2 else image.mean(axis=-1)
    inside, between = np.median(grey[labels > 0]), np.median(grey[labels == 0])
    is_bright = look in _STAINED or look is Look.DARK_TEXTURED
    assert inside < 0.9 * between if is_bright else inside > 1.15 * between


def test_the_same_seed_draws_the_same_image_and_others_differ() -> None:
    first, again, other = (draw_look("culture", seed, (96, 96)) for seed in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert (first[0] != other[0]).any()


def test_rings_are_hollow() -> None:
    rims, middles = [], []
    for seed in range(4):
        image, labels = draw_look(Look.RINGS, seed, (192, 192))
        depth = ndimage.distance_transform_edt(labels > 0)
        rims.append(image[(depth > 1) & (depth < 4)].mean())
        middles.append(image[depth > 7].mean())
    assert np.mean(rims) > 1.5 * np.mean(middles)


def test_elongated_nuclei_are_long_dense_and_noisy() -> None:
    image, labels = draw_look(Look.ELONGATED_NOISY, 0, (256, 256))
    ratios = []
    for number in range(1, labels.max() + 1):
        y, x = np.nonzero(labels == number)
        if y.size > 60:
            spread = np.linalg.eigvalsh(np.cov(y, x))
            ratios.append(np.sqrt(spread[1] / spread[0]))
    assert np.median(ratios) > 1.7
    assert (labels > 0).mean() > 0.2
    noise = np.abs(np.diff(image.astype(float), axis=1))[:, :].mean()
    assert noise > 0.05 * 255


def test_dyes_differ_from_image_to_image() -> None:
    hues = []
    for seed in range(8):
        image, labels = draw_look(Look.HEMATOXYLIN_EOSIN, seed, (96, 96))
        colour = image[labels > 0].mean(axis=0)
        hues.append(colour - colour.mean())
    assert np.std(hues, axis=0).max() > 6


def test_drawn_samples_are_a_data_set(tmp_path: Path) -> None:
    names = list(iter_write_drawn(tmp_path / "drawn", 9, shape=(64, 64), seed=2))
    assert len(set(names)) == 9
    source = open_samples(tmp_path / "drawn")
    assert sorted(source.sample_ids) == sorted(names)
    image, labels = draw_look(Look.CULTURE, 2 * 1_000_003, (64, 64))
    sample = source.read_sample("culture-2-00000")
    np.testing.assert_array_equal(sample.labels, labels)
    np.testing.assert_array_equal(sample.image, image)
    with pytest.raises(OutputError, match="culture-2-00000"):
        list(iter_write_drawn(tmp_path / "drawn", 1, shape=(64, 64), seed=2))


def test_what_cannot_be_drawn_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"must be one of culture, .*'cubist'"):
        draw_look("cubist", 0)
    with pytest.raises(SettingsError, match=r"32 px or more.*\(8, 64\)"):
        draw_look("rings", 0, (8, 64))
    with pytest.raises(SettingsError, match=r"at least one sample.*n_samples=0"):
        list(iter_write_drawn(tmp_path, 0))
