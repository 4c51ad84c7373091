from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.segment.freshness import (
    RunInputs,
    changes,
    describe_changes,
)
from napari_unet_nuclei.plugin.segment.request import SegmentationRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture
def request_(
    make_model: Callable[..., Path], image: NDArray[np.uint8]
) -> SegmentationRequest:
    make_model("tiny")
    make_model("other")
    return SegmentationRequest(
        image=image,
        axes="YX",
        model="tiny",
        settings=SegmentationSettings(threshold=None),
    )


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, []),
        ({"settings": SegmentationSettings(threshold=0.3, min_area=7)}, []),
        ({"settings": SegmentationSettings(diameter=30.0)}, ["nucleus diameter"]),
        ({"settings": SegmentationSettings(tta=True)}, ["flipped views"]),
        ({"settings": SegmentationSettings(stain=Stain.HE)}, ["stain"]),
        ({"model": "other"}, ["model"]),
        ({"model": "gone"}, ["model"]),
        ({"axes": "XY"}, ["axes"]),
        ({"channel": 1}, ["channel"]),
        ({"plane": (2,)}, ["plane"]),
        ({"image": np.zeros((64, 128), np.uint8)}, ["image"]),
    ],
)
def test_what_maps_depend_on(
    request_: SegmentationRequest, change: dict[str, Any], names: list[str]
) -> None:
    made = RunInputs.of(request_)
    assert changes(made, RunInputs.of(replace(request_, **change))) == names
    assert changes(made, RunInputs.of(request_)) == []


def test_pixels_changed_in_place_are_another_image(
    request_: SegmentationRequest, image: NDArray[np.uint8]
) -> None:
    made = RunInputs.of(request_)
    image[5, 5] += 1
    assert changes(made, RunInputs.of(request_)) == ["image"]
    image[5, 5] -= 1
    assert changes(made, RunInputs.of(request_)) == []


@pytest.mark.parametrize("shape", [(3000, 3000), (40, 500, 600), (30, 9_000_000)])
def test_of_a_large_image_every_few_rows_are_looked_at(
    request_: SegmentationRequest, shape: tuple[int, ...]
) -> None:
    pixels = np.zeros(shape, np.uint8)
    made = RunInputs.of(replace(request_, image=pixels))
    pixels += 1
    assert changes(made, RunInputs.of(replace(request_, image=pixels))) == ["image"]


@pytest.mark.parametrize(
    "pixels", [np.zeros((0, 4)), np.asfortranarray(np.eye(9)), np.zeros(3, bool)]
)
def test_odd_arrays_have_a_checksum(
    request_: SegmentationRequest, pixels: NDArray[Any]
) -> None:
    made = RunInputs.of(replace(request_, image=pixels))
    assert isinstance(made.checksum, int)


def test_a_model_that_was_trained_again_is_another_model(
    request_: SegmentationRequest, user_folder: Path
) -> None:
    made = RunInputs.of(request_)
    os.utime(user_folder / "tiny.unetnuclei", ns=(0, 5))
    assert changes(made, RunInputs.of(request_)) == ["model"]


@pytest.mark.parametrize(
    ("names", "beginning"),
    [
        (["model"], "Model changed: press Segment again"),
        (["model", "plane"], "Model and plane changed: "),
        (["image", "model", "plane"], "Image, model and plane changed: "),
    ],
)
def test_changes_are_said_in_a_sentence(names: list[str], beginning: str) -> None:
    assert describe_changes(names).startswith(beginning)
