"""The table of nuclei that stand in several planes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.instances.corrections import correct_features
from napari_unet_nuclei.core.instances.linked_measurements import N_PLANES, join_linked
from napari_unet_nuclei.core.instances.measurements import Features, measure_nuclei


def tables_of(labels: np.ndarray, image: np.ndarray) -> list[Features]:
    tables = [
        measure_nuclei(plane, pixels)
        | {"z": np.full(np.unique(plane[plane > 0]).size, z)}
        for z, (plane, pixels) in enumerate(zip(labels, image, strict=True))
    ]
    return tables


@pytest.fixture
def labels() -> np.ndarray:
    labels = np.zeros((4, 16, 16), np.int32)
    labels[0:3, 2:6, 2:6] = 1
    labels[1, 3:8, 6:9] = 1
    labels[2:4, 10:14, 9:13] = 2
    return labels


def test_means_are_those_over_all_pixels(labels: np.ndarray) -> None:
    image = np.random.default_rng(0).integers(0, 200, labels.shape)
    table = join_linked(tables_of(labels, image))
    assert table["label"].tolist() == [1, 2]
    assert table[N_PLANES].tolist() == [3, 2]
    assert "diameter" not in table
    for row, number in enumerate((1, 2)):
        z, y, x = np.nonzero(labels == number)
        assert table["area"][row] == z.size
        means = {"z": z, "centroid_y": y, "centroid_x": x}
        means["mean_intensity"] = image[labels == number]
        for name, values in means.items():
            np.testing.assert_allclose(table[name][row], values.mean(), err_msg=name)


def test_without_links_each_row_stays(labels: np.ndarray) -> None:
    apart = np.stack([np.where(p > 0, p + 2 * z, 0) for z, p in enumerate(labels)])
    tables = tables_of(apart, apart)
    joined = join_linked(tables)
    assert list(joined) == list(tables[0])
    assert joined["label"].tolist() == [1, 3, 5, 6, 8]


def test_corrections_follow_a_nucleus_of_several_planes(labels: np.ndarray) -> None:
    before = join_linked(tables_of(labels, labels))
    edited = labels.copy()
    edited[1, 3:8, 6:9] = 0
    edited[3, 0:3, 0:3] = 2
    z, y, x = np.nonzero(edited != labels)
    old, new = labels[z, y, x], edited[z, y, x]
    values = {"centroid_y": y, "centroid_x": x, "mean_intensity": labels[z, y, x]}
    values["z"] = z
    after = correct_features(before, old, new, values)
    expected = join_linked(tables_of(edited, labels))
    for name in ("label", "area", "centroid_y", "centroid_x", "z"):
        np.testing.assert_allclose(after[name], expected[name], err_msg=name)
    assert np.isnan(after[N_PLANES]).all()  # what pixels alone do not say
