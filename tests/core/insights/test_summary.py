from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.insights.inspection import UnreadableSample, inspect_sample
from napari_unet_nuclei.core.insights.masks import read_label_masks
from napari_unet_nuclei.core.insights.summary import (
    ALL,
    DataSetInsights,
    area_histogram,
    describe,
)
from napari_unet_nuclei.core.insights.suspicion import Suspicion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "insights.md"


def inspect(sample_id: Any, *sides: Any, image: Any = None) -> Any:
    """Look at an image with squares side by side, none of them touching."""
    labels = np.zeros((40, 100), np.int32)
    for number, side in enumerate(sides, start=1):
        left = 20 * (number - 1) + 1
        labels[5 : 5 + side, left : left + side] = number
    image = np.zeros(labels.shape, np.uint8) if image is None else image
    sample = Sample(sample_id, image, labels)
    return inspect_sample(sample, read_label_masks(sample))


BRIGHT = np.full((40, 100), 200, np.uint8)


@pytest.fixture
def insights() -> DataSetInsights:
    """Two dark images, one of them empty; a bright one; one that cannot be read."""
    found = DataSetInsights("drawn")
    found.add(inspect("a", 10, 4, 10))
    found.add(inspect("b"))
    found.add(inspect("c", 6, image=BRIGHT))
    found.add(UnreadableSample(sample_id="d", reason="Sample d has no image."))
    return found


def test_stainings_are_summed_up_apart_and_together(insights: DataSetInsights) -> None:
    groups = insights.groups
    assert list(groups) == ["grayscale-bright", "grayscale-dark", ALL]
    assert groups["grayscale-bright"].areas.tolist() == [36]
    assert groups["grayscale-dark"].areas.tolist() == [100, 16, 100]
    assert sorted(groups[ALL].areas) == [16, 36, 100, 100]
    assert [row.sample_id for row in groups["grayscale-dark"].rows] == ["a", "b"]
    assert groups[ALL].nucleus_intensities[[0, 200]].tolist() == [216, 36]
    assert groups[ALL].background_intensities.sum() == 3 * 40 * 100 - 252
    assert groups[ALL].diameters.max() == pytest.approx(np.sqrt(400 / np.pi))


def test_each_image_has_a_row(insights: DataSetInsights) -> None:
    row, empty, _ = insights.rows
    assert (row.n_nuclei, row.median_area, row.foreground) == (3, 100, 216 / 4000)
    assert (empty.n_nuclei, empty.median_area) == (0, None)


def test_images_without_nuclei_and_unreadable_ones_are_named(
    insights: DataSetInsights,
) -> None:
    assert insights.without_nuclei == ["b"]
    assert [sample.sample_id for sample in insights.unreadable] == ["d"]


def test_equal_images_are_found_whatever_their_nuclei(
    insights: DataSetInsights,
) -> None:
    # a and b are black both; the nuclei are not part of the picture.
    assert insights.duplicates == [["a", "b"]]
    insights.add(inspect("e", 7, image=BRIGHT))
    assert insights.duplicates == [["a", "b"], ["c", "e"]]


def test_suspicious_masks_are_counted_by_reason() -> None:
    found = DataSetInsights("drawn")
    full = Sample("x", BRIGHT, np.ones(BRIGHT.shape, np.int32))
    found.add(inspect_sample(full, read_label_masks(full)))
    assert found.n_suspicious == {Suspicion.FULL: 1}
    assert found.rows[0].n_suspicious_masks == 1


def test_touching_is_a_part_of_the_nuclei(insights: DataSetInsights) -> None:
    labels = np.zeros((40, 100), np.int32)
    labels[:5, :5], labels[5:9, :5] = 1, 2
    touching = Sample("t", BRIGHT, labels)
    insights.add(inspect_sample(touching, read_label_masks(touching)))
    assert insights.groups["grayscale-bright"].touching == pytest.approx(2 / 3)
    assert DataSetInsights("none").groups[ALL].touching == 0


def test_sizes_are_sorted_by_frequency(insights: DataSetInsights) -> None:
    other = Sample("s", np.zeros((9, 5), np.uint8), np.zeros((9, 5), np.int32))
    insights.add(inspect_sample(other, []))
    assert insights.groups[ALL].sizes == [((40, 100), 3), ((9, 5), 1)]


def test_values_are_described() -> None:
    assert describe(range(101)) == {
        **{"min": 0, "p5": 5, "median": 50, "p95": 95, "max": 100, "mean": 50}
    }
    assert describe([1 / 3])["mean"] == 0.3333
    assert describe([]) is None


@pytest.mark.parametrize("areas", [[1], [1, 2, 4, 1000], [21, 21, 11_037], [2**20] * 3])
def test_a_histogram_counts_every_area(areas: list[int]) -> None:
    edges, counts = area_histogram(np.array(areas))
    assert counts.sum() == len(areas)
    assert counts[0] > 0
    assert counts[-1] > 0
    np.testing.assert_allclose(edges[1:] / edges[:-1], np.sqrt(2))


def test_no_nucleus_gives_an_empty_histogram() -> None:
    _, counts = area_histogram(np.zeros(0, np.int64))
    assert counts.sum() == 0


def test_everything_becomes_json(insights: DataSetInsights) -> None:
    content = json.loads(json.dumps(insights.as_json()))
    assert (content["data_set"], content["n_images"]) == ("drawn", 3)
    assert content["without_nuclei"] == ["b"]
    assert content["duplicates"] == [["a", "b"]]
    assert content["unreadable"] == [
        {"sample_id": "d", "reason": "Sample d has no image."}
    ]
    dark = content["groups"]["grayscale-dark"]
    assert dark["area"]["median"] == 100
    assert sum(dark["area_histogram"]["counts"]) == dark["n_nuclei"] == 3
    histogram = dark["intensity_histogram"]
    assert len(histogram["edges"]) == 33
    assert histogram["nuclei"][0] == 216
    assert sum(histogram["background"]) == 8000 - 216
    assert content["images"][0]["n_nuclei"] == 3


def test_every_key_of_the_json_is_documented(insights: DataSetInsights) -> None:
    insights.add(inspect("f", *[9] * 5))
    labels = np.ones(BRIGHT.shape, np.int32)
    full = Sample("g", BRIGHT, labels)
    insights.add(inspect_sample(full, read_label_masks(full)))
    documented = set(re.findall(r"`([a-z0-9_]+)`", PAGE.read_text(encoding="utf-8")))

    def keys(value: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        if isinstance(value, list):
            for inner in value:
                yield from keys(inner)

    content = insights.as_json()
    groups = content.pop("groups")
    found = {"groups", *keys(content), *keys(list(groups.values()))}
    assert found <= documented
