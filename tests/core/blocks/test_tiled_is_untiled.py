"""Labels of blocks are those of the whole image, up to their numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.blocks.finishing import number_block
from napari_unet_nuclei.core.blocks.grid import within
from napari_unet_nuclei.core.blocks.numbering import iter_numbering
from napari_unet_nuclei.core.blocks.planning import iter_plan, make_request
from napari_unet_nuclei.core.blocks.run_folder import RunFolder
from napari_unet_nuclei.core.blocks.segmenting import BlockSegmenter
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.images.big_image import BigImage
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.model import Model, load_model
from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.blocks.plan import RunPlan

N_GRIDS = 4
USUAL = SegmentationSettings()


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("classic")


class Blocks:
    """An image that is segmented by any grid."""

    def __init__(
        self, model: Model, pixels: NDArray[Any], settings: SegmentationSettings
    ) -> None:
        axes = "YX" if pixels.ndim == 2 else "YXC"
        self.image = BigImage(pixels=pixels, axes=axes)
        self.model = model
        path = find_model("classic")
        request = make_request(self.image, path, "classic", settings)
        steps = iter_plan(request, self.image, model, side=4096)
        self.plan, self.sample = exhaust(steps)

    def segment(self, folder: Path, **changed: Any) -> NDArray[Any]:
        plan: RunPlan = replace(self.plan, **changed)
        grid, files = plan.grid, RunFolder(folder).files
        segmenter = BlockSegmenter(self.model, self.image, plan, self.sample)
        for block in grid:
            seen = segmenter.see(block, segmenter.read(block))
            files.write(block.index, segmenter.find(seen))
        counts = [files.read_count(index) for index in range(len(grid))]
        numbering = exhaust(iter_numbering(grid, counts, files.read_border))
        joined = np.zeros(plan.shape, np.int64)
        whole = ((0, plan.shape[0]), (0, plan.shape[1]))
        for block in grid:
            joined[within(block.core, whole)] = number_block(
                block, grid, files, numbering
            )
        return joined


def assert_same(labels: NDArray[Any], expected: NDArray[Any]) -> None:
    assert expected.any()
    differing = np.argwhere((labels > 0) != (expected > 0))
    assert not len(differing), f"{len(differing)} px differ, first at {differing[0]}"
    pairs = np.unique(np.stack([labels.ravel(), expected.ravel()]), axis=1)
    assert all(len(np.unique(row)) == pairs.shape[1] for row in pairs)


def random_sides(seed: int, least: int, shape: tuple[int, ...]) -> list[int]:
    rng = np.random.default_rng(seed)
    return [int(side) for side in rng.integers(least, max(shape), N_GRIDS)]


def test_random_grids_give_what_python_gives_for_the_whole(
    model: Model, tmp_path: Path
) -> None:
    pixels, _ = draw_nuclei(5, (700, 820), 520)
    blocks, expected = Blocks(model, pixels, USUAL), model.segment(pixels)
    assert blocks.plan.scale == "1"
    for side in random_sides(0, 100, pixels.shape):
        labels = blocks.segment(tmp_path / str(side), side=side)
        assert_same(labels, expected)


@pytest.mark.parametrize(
    "settings",
    [
        SegmentationSettings(diameter=26, drop_border=True),
        SegmentationSettings(diameter=12, max_area=300),
        SegmentationSettings(tta=True, threshold=0.4),
    ],
    ids=["shrunk", "enlarged", "turned"],
)
def test_so_do_those_of_other_scales_and_settings(
    model: Model, tmp_path: Path, settings: SegmentationSettings
) -> None:
    pixels, _ = draw_nuclei(6, (330, 410), 130)
    blocks = Blocks(model, pixels, settings)
    expected = blocks.segment(tmp_path / "whole")
    for side in random_sides(1, 100, pixels.shape)[:2]:
        assert_same(blocks.segment(tmp_path / str(side), side=side), expected)


def test_limits_and_dyes_are_those_of_the_whole_image(
    model: Model, tmp_path: Path, stain: Callable[..., Any]
) -> None:
    """Each block alone would find other limits, light and dyes."""
    nuclei, _ = draw_nuclei(7, (400, 420), 150)
    fading = (nuclei * np.linspace(0.35, 1, 420)).astype(np.uint8)
    for pixels, signal in (
        (stain(nuclei, (0.07, 0.99, 0.11)), Stain.HE),
        (fading, None),
    ):
        settings = SegmentationSettings(stain=signal or Stain.AUTO)
        blocks = Blocks(model, pixels, settings)
        expected = model.segment(pixels, settings)
        assert blocks.plan.scale == "1"
        assert blocks.plan.stain == (signal or Stain.NONE)
        labels = blocks.segment(tmp_path / str(signal), side=150)
        assert_same(labels, expected)


def test_with_a_reach_too_short_nothing_is_cut_straight(
    model: Model, tmp_path: Path
) -> None:
    """Neighbours that see less than a nucleus disagree; lines are not drawn for it."""
    pixels, _ = draw_nuclei(8, (420, 430), 220)
    blocks = Blocks(model, pixels, USUAL)
    for reach in (3, 8):
        labels = blocks.segment(tmp_path / str(reach), side=100, reach=reach)
        expected = model.segment(pixels)
        longest = max(
            longest_cut(labels, expected, line, axis)
            for axis in (0, 1)
            for line in range(100, 401, 100)
        )
        assert longest <= 8


def longest_cut(
    labels: NDArray[Any], expected: NDArray[Any], line: int, axis: int
) -> int:
    """Longest straight edge on a line where the whole image has none."""
    before, after = (labels.take(each, axis) for each in (line - 1, line))
    truth, other = (expected.take(each, axis) for each in (line - 1, line))
    is_cut = (before != after) & (truth == other)
    runs = np.split(is_cut, np.flatnonzero(np.diff(is_cut)) + 1)
    return max(int(run.sum()) for run in runs)
