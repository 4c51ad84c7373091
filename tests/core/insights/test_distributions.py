from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.drawing.figures import write_figure
from napari_unet_nuclei.core.insights.distributions import draw_distributions
from napari_unet_nuclei.core.insights.inspection import inspect_sample
from napari_unet_nuclei.core.insights.masks import read_label_masks
from napari_unet_nuclei.core.insights.summary import DataSetInsights

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

DARK = [Sample(f"dark{n}", *draw_nuclei(n, (64, 96), 6)) for n in range(8)]
BRIGHT = Sample("bright", 255 - DARK[0].image, DARK[0].labels)


def empty(*shape: Any) -> Sample:
    return Sample("empty", np.zeros(shape, np.uint8), np.zeros(shape, np.int32))


def inspect(*samples: Any) -> Any:
    found = DataSetInsights("drawn $x")
    for sample in samples:
        found.add(inspect_sample(sample, read_label_masks(sample)))
    return found


def test_diagrams_show_every_image_and_nucleus(tmp_path: Path) -> None:
    figure = draw_distributions(inspect(*DARK, BRIGHT, empty(40, 40)))
    axes = {each.get_title(): each for each in figure.axes}
    n_nuclei = sum(sample.labels.max() for sample in (*DARK, BRIGHT))
    for title, n in (
        ("Nuclei in an image", 9),
        ("Part of an image that nuclei cover", 10),
        ("Diameter of a circle as large as the nucleus, px", n_nuclei),
    ):
        assert sum(bar.get_height() for bar in axes[title].patches) == n
    sizes = axes["Width × height, px"]
    names = [text.get_text() for text in sizes.get_yticklabels()]
    assert names == ["96 × 64", "40 × 40"]
    assert [text.get_text() for text in sizes.texts] == ["9", "1"]
    assert sum(bar.get_width() for bar in sizes.patches) == 10
    assert {"Intensities, grayscale-dark", "Intensities, grayscale-bright"} <= set(axes)
    write_figure(tmp_path / "a.png", figure)  # warnings are errors


def test_more_sizes_than_there_is_room_for_are_counted() -> None:
    figure = draw_distributions(inspect(*(empty(20, 20 + n) for n in range(11))))
    titles = [axes.get_title() for axes in figure.axes]
    assert "Width × height, px, the 8 commonest of 11" in titles


def test_a_black_background_does_not_flatten_the_rest() -> None:
    figure = draw_distributions(inspect(*DARK))
    (axes,) = (a for a in figure.axes if a.get_title().startswith("Intensities"))
    nuclei = inspect(*DARK).groups["all"].nucleus_intensities
    peak = (nuclei / nuclei.sum())[1:].max()
    assert peak < axes.get_ylim()[1] < 4 * peak


def test_odd_masks_are_counted_by_reason() -> None:
    full = Sample("full", BRIGHT.image, np.ones((64, 96), np.int32))
    figure = draw_distributions(inspect(full, full))
    (axes,) = (a for a in figure.axes if a.get_title() == "Masks to look at")
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "nearly all the image"
    ]
    assert [bar.get_width() for bar in axes.patches] == [2]


@pytest.mark.parametrize("shape", [(1, 1), (40, 40)])
def test_a_data_set_without_nuclei_can_be_drawn(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    figure = draw_distributions(inspect(empty(*shape)))
    write_figure(tmp_path / "a.png", figure)
    assert "No mask looks odd" in [axes.get_title() for axes in figure.axes]
