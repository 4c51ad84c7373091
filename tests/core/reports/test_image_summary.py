from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.instances.maps import Maps
from napari_unet_nuclei.core.reports.image_summary import (
    AREA_EDGES,
    INTENSITY_EDGES,
    SMALL_THUMBNAIL,
    summarise_image,
)


def test_nuclei_of_all_planes_are_summed_up() -> None:
    labels = np.zeros((2, 40, 50), np.int32)
    labels[0, 2:12, 2:12], labels[1, 2:22, 2:12], labels[1, 30:34, 30:35] = 1, 2, 3
    planes = [np.where(plane > 0, 200, 10).astype(np.uint8) for plane in labels]
    planes[0][0, 0] = 255
    summary = summarise_image(planes, labels)
    assert summary.n_nuclei == 3
    assert summary.median_area == 100
    assert summary.density == pytest.approx(750)
    assert np.isnan(summary.doubtful_share)
    areas = np.histogram([100, 200, 20], AREA_EDGES)[0]
    assert summary.area_counts == tuple(areas.tolist())
    assert sum(summary.intensity_counts) == 3
    assert summary.intensity_counts[-1] == 3 or summary.intensity_counts[-6] == 1


def test_a_linked_nucleus_counts_once_where_it_is_largest() -> None:
    labels = np.zeros((3, 40, 50), np.int32)
    labels[0, 2:7, 2:7], labels[1, 2:12, 2:12], labels[2, 2:6, 2:12] = 1, 1, 1
    labels[2, 20:40, 20:30] = 2
    planes = [np.where(plane > 0, 200, 10).astype(np.uint8) for plane in labels]
    summary = summarise_image(planes, labels)
    assert summary.n_nuclei == 2
    assert summary.median_area == 150
    assert sum(summary.area_counts) == sum(summary.intensity_counts) == 2
    assert summary.density == pytest.approx(4 / 6000 * 1e6)
    depth = (labels > 0).astype(np.float32)
    maps = [Maps(foreground=each, boundary=0 * each, distance=each) for each in depth]
    assert summarise_image(planes, labels, maps).doubtful_share in (0, 0.5, 1)


def test_what_lies_beyond_the_bins_counts_in_the_outermost() -> None:
    labels = np.zeros((1, 200, 200), np.int32)
    labels[0, :150], labels[0, 180:182, 0] = 1, 2
    summary = summarise_image([labels[0].astype(np.uint8)], labels)
    assert (summary.area_counts[0], summary.area_counts[-1]) == (1, 1)
    assert len(summary.intensity_counts) == len(INTENSITY_EDGES) - 1


def test_an_image_without_nuclei_has_a_summary_and_a_thumbnail() -> None:
    labels = np.zeros((1, 30, 30), np.int32)
    summary = summarise_image([np.zeros((30, 30))], labels)
    assert (summary.n_nuclei, summary.density) == (0, 0)
    assert np.isnan(summary.median_area)
    assert not any(summary.area_counts)
    assert summary.thumbnail


def test_merged_nuclei_are_doubtful() -> None:
    image, labels = draw_nuclei(1, (200, 200), 12, touching=0)
    depth = (labels > 0).astype(np.float32)
    maps = Maps(foreground=depth, boundary=0 * depth, distance=depth)
    whole = summarise_image([image], labels[np.newaxis], [maps])
    merged = np.where(labels > 6, 7, labels).astype(np.int32)
    bad = summarise_image([image], merged[np.newaxis], [maps])
    assert bad.doubtful_share > whole.doubtful_share


@pytest.mark.parametrize("shape", [(700, 300), (40, 33), (1, 500), (64, 64, 3)])
def test_thumbnails_are_small_pictures(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint16)
    labels = np.ones((1, *shape[:2]), np.int32)
    summary = summarise_image([image], labels, side=SMALL_THUMBNAIL)
    with Image.open(io.BytesIO(summary.thumbnail)) as picture:
        assert picture.format == "WEBP"
        assert max(picture.size) <= SMALL_THUMBNAIL
    assert len(summary.thumbnail) < 3000
