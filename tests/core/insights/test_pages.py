from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.drawing.figures import write_figure
from napari_unet_nuclei.core.insights.inspection import UnreadableSample, iter_insights
from napari_unet_nuclei.core.insights.masks import Mask, read_label_masks
from napari_unet_nuclei.core.insights.pages import draw_samples, draw_suspicious
from napari_unet_nuclei.core.insights.summary import DataSetInsights
from napari_unet_nuclei.core.insights.suspicion import Suspicion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

MASK, OTHERS = (255, 214, 10), (42, 168, 255)


class Source:
    """A data set in memory."""

    name = "drawn $x"

    def __init__(self, *samples: Any) -> None:
        self._samples = {sample.sample_id: sample for sample in samples}
        self.sample_ids = tuple(self._samples)

    def read_sample(self, sample_id: Any) -> Any:
        return self._samples[sample_id]

    def read_image(self, sample_id: Any) -> Any:
        return self._samples[sample_id].image


def inspect(source: Any, read_masks: Any = read_label_masks) -> Any:
    found = DataSetInsights(source.name)
    for sample in iter_insights(source, read_masks, source.sample_ids):
        found.add(sample)
    return found


def pictures(figure: Any) -> list[Any]:
    """Title and pixels of each picture."""
    return [
        (axes.get_title(), np.asarray(axes.images[0].get_array()))
        for axes in figure.axes
        if axes.images
    ]


def row_names(figure: Any) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


DARK = [Sample(f"dark{n}", *draw_nuclei(n, (64, 96), 6)) for n in range(8)]
BRIGHT = Sample("bright", 255 - DARK[0].image, DARK[0].labels)


def test_a_row_of_samples_for_each_staining() -> None:
    source = Source(*DARK, BRIGHT)
    figure = draw_samples(source, inspect(source), seed=0)
    assert row_names(figure) == [
        "grayscale-bright\n1 image",
        "grayscale-dark\n8 images",
    ]
    titles = [title for title, _ in pictures(figure)]
    assert len(titles) == 1 + 6
    n_nuclei = BRIGHT.labels.max()
    assert titles[0] == f"bright\n{n_nuclei} nuclei, 96×64 px"
    for _, picture in pictures(figure):
        assert (np.ptp(picture, axis=-1) > 0).any()  # grey images: coloured outlines


def test_the_seed_chooses_the_samples() -> None:
    source = Source(*DARK)
    found = inspect(source)
    titles = [
        [title for title, _ in pictures(draw_samples(source, found, seed))]
        for seed in (0, 0, 1)
    ]
    assert titles[0] == titles[1] != titles[2]


def test_of_a_large_image_the_part_around_a_nucleus_is_shown() -> None:
    labels = np.zeros((2000, 3000), np.int32)
    labels[1980:1995, 10:25] = 1
    source = Source(Sample("large", labels.astype(np.uint8), labels))
    ((_, picture),) = pictures(draw_samples(source, inspect(source), seed=0))
    assert picture.shape == (512, 512, 3)
    assert (np.ptp(picture, axis=-1) > 0).any()


@pytest.mark.parametrize("shape", [(1, 1), (40, 40)])
def test_a_data_set_without_nuclei_can_be_drawn(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    source = Source(Sample("empty", *np.zeros((2, *shape), np.int32)))
    found = inspect(source)
    for figure in (
        draw_samples(source, found, seed=0),
        draw_suspicious(source, read_label_masks, found),
    ):
        write_figure(tmp_path / "a.png", figure)
    assert row_names(figure) == ["without nuclei\n1 image"]


def test_nothing_odd_is_said_to_be() -> None:
    source = Source(*DARK)
    figure = draw_suspicious(source, read_label_masks, inspect(source))
    assert figure.get_suptitle() == "drawn $x: nothing looks odd"
    assert pictures(figure) == []


def test_the_oddest_masks_come_first_and_stand_out() -> None:
    labels = np.zeros((100, 200), np.int32)
    for n in range(8):  # rings with ever larger holes
        left = 25 * n + 1
        labels[5:23, left : left + 20] = n + 1
        labels[7, left + 2 : left + 3 + n] = 0
    labels[40:60, 10:30] = 9
    sample = Sample("rings", np.zeros(labels.shape, np.uint8), labels)
    source = Source(sample)
    figure = draw_suspicious(source, read_label_masks, inspect(source))
    assert row_names(figure) == ["with holes\n8 masks"]
    titles, images = zip(*pictures(figure), strict=True)
    assert [title.split("\n")[0] for title in titles] == [
        f"rings · {n}" for n in (8, 7, 6, 5, 4, 3)
    ]
    assert titles[0].endswith("8 px² of holes in 352 px²")
    for picture in images:
        assert (picture == MASK).all(axis=-1).any()
        assert (picture == OTHERS).all(axis=-1).any()


def test_empty_masks_are_not_shown_but_the_others_are() -> None:
    sample = DARK[0]

    def read_masks(sample: Any) -> Iterator[Any]:
        yield Mask("gone.png", (slice(0, 0), slice(0, 0)), np.zeros((0, 0), bool))
        yield from read_label_masks(sample)

    source = Source(sample, Sample("twin", sample.image, sample.labels))
    found = inspect(source, read_masks)
    assert found.n_suspicious == {Suspicion.EMPTY: 2}
    figure = draw_suspicious(source, read_masks, found)
    assert row_names(figure) == ["same pixels\n2 images"]
    assert [title for title, _ in pictures(figure)] == ["dark0\n", "twin\n"]


def test_long_names_are_shortened() -> None:
    name = "0123456789" * 6
    source = Source(Sample(name, *draw_nuclei(0, (64, 64), 3)))
    found = inspect(source)
    found.add(UnreadableSample(sample_id="d", reason="Sample d has no image."))
    ((title, _),) = pictures(draw_samples(source, found, seed=0))
    assert title.startswith("0123456789…456789\n")
