from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.blocks import sampling
from napari_unet_nuclei.core.blocks.background import find_background
from napari_unet_nuclei.core.blocks.planning import (
    choose_side,
    iter_plan,
    make_request,
)
from napari_unet_nuclei.core.blocks.run_folder import RunFolder
from napari_unet_nuclei.core.blocks.sampling import probed_boxes, sample_image
from napari_unet_nuclei.core.blocks.worker import BlockJob, Worker
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import ImageError, ModelError, SettingsError
from napari_unet_nuclei.core.images.big_image import BigImage
from napari_unet_nuclei.core.images.intensity import sample_pixels
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.blocks.plan import RunPlan


def make_plan(pixels: NDArray[np.uint8], **changed: object) -> RunPlan:
    image = BigImage(pixels=pixels, axes="YX")
    path = find_model("classic")
    request = make_request(image, path, "classic", SegmentationSettings())
    plan, _ = exhaust(iter_plan(request, image, load_model("classic"), side=512))
    return replace(plan, **changed)  # type: ignore[arg-type]


def test_an_image_that_fits_is_sampled_as_in_memory() -> None:
    pixels = np.arange(900 * 1300, dtype=np.uint32).reshape(900, 1300)
    sample = sample_image(BigImage(pixels=pixels, axes="YX"))
    expected = sample_pixels(np.broadcast_to(pixels[..., None], (900, 1300, 3)))
    np.testing.assert_array_equal(sample, expected[..., 0])


def test_of_a_larger_one_only_a_few_places_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampling, "_MAX_READ_WHOLE", 10_000)
    pixels = np.random.default_rng(0).integers(0, 200, (9000, 7000), np.uint8)
    pixels[:, :3500] //= 2
    sample = sample_image(BigImage(pixels=pixels, axes="YX"))
    assert sample.shape == (16 * 32, 16 * 32)
    assert np.percentile(sample, 99.8) == pytest.approx(199, abs=3)
    boxes = probed_boxes((9000, 7000), sample)
    assert len(boxes) == 4
    for (top, bottom), (left, right) in boxes:
        assert (bottom - top, right - left) == (768, 768)
        assert left > 3000, "there is more to see"
    assert probed_boxes((900, 700), sample) == [((0, 900), (0, 700))]


def test_infinities_do_not_count() -> None:
    pixels = np.ones((40, 50), np.float32)
    pixels[0, 0], pixels[1, 1] = np.inf, np.nan
    assert sample_image(BigImage(pixels=pixels, axes="YX")).max() == 1


def test_the_reach_is_one_and_a_half_of_the_largest_diameter() -> None:
    pixels, _ = draw_nuclei(0, (400, 500), 120)
    plan = make_plan(pixels)
    assert plan.reach == math.ceil(1.5 * plan.largest_diameter)
    assert plan.largest_diameter >= 2 * 19.4
    assert plan.margin >= load_model("classic").config.margin
    assert make_plan(pixels).name == plan.name, "a plan is found again"
    assert make_plan(pixels // 2).name != plan.name


def test_blocks_smaller_than_what_neighbours_share_are_refused() -> None:
    pixels, _ = draw_nuclei(0, (400, 500), 120)
    image = BigImage(pixels=pixels, axes="YX")
    request = make_request(
        image, find_model("classic"), "classic", SegmentationSettings()
    )
    with pytest.raises(SettingsError, match=r"blocks of \d+ px or more.*block_side=64"):
        exhaust(iter_plan(request, image, load_model("classic"), side=64))


@pytest.mark.parametrize(
    ("free", "chunk", "n_workers", "side"),
    [
        (64e9, 1, 1, 4096),
        (64e9, 1, 40, 2048),
        (1.5e9, 512, 1, 2048),
        (0.5e9, 1, 1, 1024),
        (64e9, 1000, 1, 4000),
        (64e9, 3000, 1, 3000),
        (64e9, 10_000, 1, 4096),
    ],
)
def test_sides_fit_memory_and_chunks(
    monkeypatch: pytest.MonkeyPatch, free: float, chunk: int, n_workers: int, side: int
) -> None:
    monkeypatch.setattr(hardware, "free_memory", lambda: int(free))
    assert choose_side(chunk, n_workers) == side
    assert choose_side(chunk, n_workers, scale=0.5) == side
    assert choose_side(1, 1, scale=1.75) <= max(256, 4096 / 1.75)


def test_background_is_what_a_smaller_level_shows_flat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 5, (1200, 1600)).astype(np.uint8)
    pixels[300:312, 400:412] = 120
    coarse = pixels.reshape(150, 8, 200, 8).mean(axis=(1, 3)).astype(np.uint8)
    plan = make_plan(pixels, side=400, reach=30, limits=(0.0, 100.0))
    image = BigImage(pixels=pixels, axes="YX", coarse=coarse, reduction=8)
    seen = {
        block.index
        for block in plan.grid
        if pixels[slice(*block.window[0]), slice(*block.window[1])].max() > 100
    }
    assert 0 < len(seen) < len(plan.grid)
    assert {*range(len(plan.grid))} - {*find_background(image, plan)} == seen
    assert find_background(replace(image, reduction=2), plan) == ()
    assert find_background(replace(image, coarse=None), plan) == ()
    monkeypatch.setattr("napari_unet_nuclei.core.blocks.background._MOST_READ", 999)
    assert find_background(image, plan) == ()


def test_a_worker_refuses_another_model(
    tmp_path: Path, nuclei: NDArray[np.uint8]
) -> None:
    plan = make_plan(nuclei)
    folder = RunFolder(tmp_path / "run")
    folder.create(plan, np.zeros((2, 2)))
    job = BlockJob(
        image="", model=str(find_model("resnet")), folder=str(tmp_path / "run")
    )
    with pytest.raises(ModelError, match="which is another"):
        Worker(job)


def test_a_stack_is_no_big_image() -> None:
    with pytest.raises(ImageError, match="4 along Z"):
        BigImage(pixels=np.zeros((4, 5, 6)), axes="ZYX")
    with pytest.raises(ImageError, match="choose the one"):
        BigImage(pixels=np.zeros((5, 5, 6)), axes="CYX")
    with pytest.raises(SettingsError, match="must lie between 0 and 1") as caught:
        BigImage(pixels=np.zeros((2, 5, 6)), axes="CYX", channel=2)
    assert caught.value.settings == {"channel": 2}
    colours = BigImage(pixels=np.zeros((3, 5, 6)), axes="CYX")
    assert colours.read(((0, 2), (0, 6))).shape == (2, 6, 3)


def test_a_shape_that_nobody_can_work_through_is_refused() -> None:
    pixels = np.broadcast_to(np.zeros((1, 1), np.uint8), (10**9, 10**9))
    with pytest.raises(SettingsError, match=r"3,814,697,265,625, for 1,000"):
        make_plan(pixels)
