from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import SettingsError

if TYPE_CHECKING:
    from typing import Any


def n_touching_pairs(labels: np.ndarray) -> int:
    """Pairs of nuclei that share an edge of a pixel."""
    edges = [(labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])]
    pairs = {
        frozenset(pair)
        for one, other in edges
        for pair in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)
        if 0 not in pair and pair[0] != pair[1]
    }
    return len(pairs)


def test_image_and_labels_have_the_promised_form() -> None:
    image, labels = draw_nuclei(0, (200, 256), 15)
    assert image.shape == labels.shape == (200, 256)
    assert (image.dtype, labels.dtype) == (np.uint8, np.int32)
    assert np.unique(labels).tolist() == list(range(16))


@pytest.mark.parametrize("seed", range(3))
def test_each_nucleus_is_connected_and_of_natural_size(seed: int) -> None:
    _, labels = draw_nuclei(seed, (256, 256), 25)
    for label, window in enumerate(ndimage.find_objects(labels), start=1):
        assert ndimage.label(labels[window] == label)[1] == 1
    inner = labels[25:-25, 25:-25]
    whole = np.setdiff1d(inner, np.concatenate([labels[:25], labels[-25:]]))
    areas = np.bincount(labels.ravel())[whole[whole > 0]]
    assert areas.min() > 0.25 * np.pi / 4 * 26**2
    assert areas.max() < 2.5 * np.pi / 4 * 26**2


def test_same_seed_draws_the_same_image() -> None:
    image, labels = draw_nuclei(3, (96, 96), 5)
    image_again, labels_again = draw_nuclei(3, (96, 96), 5)
    np.testing.assert_array_equal(image, image_again)
    np.testing.assert_array_equal(labels, labels_again)


def test_other_seed_draws_another_image() -> None:
    assert (draw_nuclei(3, (96, 96), 5)[1] != draw_nuclei(4, (96, 96), 5)[1]).any()


def test_some_nuclei_touch_unless_told_not_to() -> None:
    assert n_touching_pairs(draw_nuclei(0, (256, 256), 20)[1]) >= 3
    assert n_touching_pairs(draw_nuclei(0, (256, 256), 20, touching=0)[1]) == 0


def test_nuclei_are_brighter_than_their_surroundings() -> None:
    image, labels = draw_nuclei(1, (256, 256), 20)
    background = image[labels == 0].mean()
    brightness = ndimage.mean(image, labels, np.arange(1, labels.max() + 1))
    assert (brightness > 1.5 * background).all()


def test_image_looks_dark_and_unsaturated_as_fluorescence_does() -> None:
    image, labels = draw_nuclei(2, (256, 256), 15)
    assert 0 < np.median(image) < 60
    assert (image == 255).mean() < 0.01
    assert image[labels == 0].std() > 0.3


def test_diameter_sets_the_size() -> None:
    _, labels = draw_nuclei(0, (256, 256), 10, diameter=14, touching=0)
    areas = np.bincount(labels.ravel())[1:]
    assert 10 < np.sqrt(4 / np.pi * np.median(areas)) < 18


def test_image_without_nuclei_is_background() -> None:
    image, labels = draw_nuclei(0, (64, 64), 0)
    assert not labels.any()
    assert image.any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (40, 40)])
def test_no_more_nuclei_than_find_room(shape: tuple[int, ...]) -> None:
    image, labels = draw_nuclei(0, shape, 200)
    assert image.shape == shape
    assert 1 <= labels.max() < 30
    assert np.unique(labels).tolist()[-labels.max() :] == [*range(1, labels.max() + 1)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shape": (0, 10)}, r"height and a width.*\(0, 10\)"),
        ({"shape": (8, 8, 8)}, r"height and a width.*\(8, 8, 8\)"),
        ({"n_nuclei": -1}, "number of nuclei.*-1"),
        ({"diameter": 3.0}, "diameter must lie between 8 and 500 px.*3.0"),
        ({"touching": 1.5}, "must lie between 0 and 1.*1.5"),
    ],
)
def test_settings_out_of_range_are_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        draw_nuclei(0, **settings)
