from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError, ModelError
from napari_unet_nuclei.core.progress import (
    PlaneDone,
    PlaneMeasured,
    Preparing,
    TileDone,
    exhaust,
)
from napari_unet_nuclei.core.segmentation import model as prediction
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.segment.messages import describe_nuclei, short_engine
from napari_unet_nuclei.plugin.segment.request import SegmentationRequest
from napari_unet_nuclei.plugin.segment.segmentation import (
    fraction_done,
    iter_segmentation,
    iter_split,
)
from napari_unet_nuclei.plugin.segment.warm_model import WarmModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from conftest import BrightnessEngine


@pytest.fixture
def request_for(
    image: NDArray[np.uint8], make_model: Callable[..., Path], engine: BrightnessEngine
) -> SegmentationRequest:
    make_model("tiny", threshold=0.45)
    return SegmentationRequest(
        image=image, axes="YX", model="tiny", settings=SegmentationSettings()
    )


def test_the_models_own_threshold_is_filled_in(
    request_for: SegmentationRequest,
) -> None:
    _, nuclei = exhaust(iter_segmentation(request_for, WarmModel()))
    assert nuclei.n_nuclei == 2
    assert nuclei.settings == replace(request_for.settings, threshold=0.45)
    assert set(nuclei.features) == {
        *("label", "area", "centroid_y", "centroid_x"),
        *("mean_intensity", "probability", "diameter"),
    }


def test_maps_are_split_again_without_the_network(
    request_for: SegmentationRequest, engine: BrightnessEngine
) -> None:
    image_maps, _ = exhaust(iter_segmentation(request_for, WarmModel()))
    assert engine.n_calls == 1
    lower = SegmentationSettings(threshold=0.2, min_area=0)
    nuclei = exhaust(iter_split(image_maps, lower))
    assert nuclei.n_nuclei == 4  # with the dim one and the speck
    assert engine.n_calls == 1


def test_a_stack_has_a_column_for_each_leading_axis(
    request_for: SegmentationRequest, image: NDArray[np.uint8]
) -> None:
    stack = np.stack([image, np.zeros_like(image), image])
    _, nuclei = exhaust(
        iter_segmentation(replace(request_for, image=stack, axes="ZYX"), WarmModel())
    )
    assert nuclei.labels.shape == stack.shape
    np.testing.assert_array_equal(nuclei.features["label"], [1, 2, 3, 4])
    np.testing.assert_array_equal(nuclei.features["z"], [0, 0, 2, 2])


def test_a_lazy_stack_that_fills_the_memory_is_read_plane_by_plane(
    request_for: SegmentationRequest,
    image: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[int] = []

    def load(block_id: tuple[int, ...]) -> NDArray[np.uint8]:
        read.append(block_id[0])
        return image[np.newaxis]

    chunks = ((1,) * 5, image.shape[:1], image.shape[1:])
    lazy = da.map_blocks(load, chunks=chunks, dtype=np.uint8, meta=np.zeros(0, "u1"))
    steps = iter_segmentation(replace(request_for, image=lazy, axes="ZYX"), WarmModel())
    with monkeypatch.context() as memory:
        memory.setattr(hardware, "free_memory", lambda: 0)
        assert next(steps) == Preparing("Loading the model")
    assert next(steps) == Preparing("Reading the image")
    assert read == []
    assert next(steps) == TileDone(1, 8)
    assert len(read) == 1
    _, nuclei = exhaust(steps)
    assert nuclei.labels.shape == lazy.shape
    assert nuclei.n_nuclei == 10
    assert set(read) == set(range(5))


@pytest.mark.parametrize("threshold", [None, 0.99])
def test_a_run_says_what_it_does_and_how_far_it_is(
    request_for: SegmentationRequest, image: NDArray[np.uint8], threshold: float | None
) -> None:
    stack = np.stack([image // 2] * 3)
    settings = SegmentationSettings(threshold=threshold)
    request = replace(request_for, image=stack, axes="ZYX", settings=settings)
    models = WarmModel()
    steps = list(iter_segmentation(request, models))
    assert steps[0] == Preparing("Loading the model")
    counted = [step for step in steps if not isinstance(step, Preparing)]
    assert counted[-6:] == [
        *(PlaneDone(n, 3) for n in (1, 2, 3)),
        *(PlaneMeasured(n, 3) for n in (1, 2, 3)),
    ]
    fractions = [done for step in steps if (done := fraction_done(step)) is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert max(filter(None, map(fraction_done, counted[:-6]))) == pytest.approx(0.8)
    assert Preparing("Loading the model") not in iter_segmentation(request, models)


def test_a_single_plane_on_disk_is_read_before_its_nuclei_are_sought(
    request_for: SegmentationRequest, image: NDArray[np.uint8]
) -> None:
    lazy = da.from_array(image)
    steps = list(iter_segmentation(replace(request_for, image=lazy), WarmModel()))
    assert steps[:3] == [
        Preparing("Loading the model"),
        Preparing("Reading the image"),
        Preparing("Finding nuclei"),
    ]


def test_one_channel_is_segmented(
    request_for: SegmentationRequest, image: NDArray[np.uint8]
) -> None:
    channels = np.stack([np.zeros_like(image), image])
    request = replace(request_for, image=channels, axes="CYX", channel=1)
    _, nuclei = exhaust(iter_segmentation(request, WarmModel()))
    assert nuclei.labels.shape == image.shape
    assert nuclei.n_nuclei == 2


def test_a_stack_without_planes_has_no_nuclei(
    request_for: SegmentationRequest, image: NDArray[np.uint8]
) -> None:
    request = replace(request_for, image=np.stack([image])[:0], axes="ZYX")
    _, nuclei = exhaust(iter_segmentation(request, WarmModel()))
    assert nuclei.n_nuclei == 0
    assert nuclei.labels.shape == (0, *image.shape)


def test_a_model_stays_warm_until_its_file_changes(
    make_model: Callable[..., Path], engine: BrightnessEngine
) -> None:
    make_model("tiny")
    models = WarmModel()
    first = models.load("tiny")
    assert models.load("tiny") is first
    make_model("tiny", threshold=0.3)
    assert models.load("tiny").config.splitting.threshold == 0.3


def test_errors_of_the_core_pass_through(request_for: SegmentationRequest) -> None:
    with pytest.raises(ModelError, match="name of a model"):
        exhaust(iter_segmentation(replace(request_for, model="none"), WarmModel()))
    complex_image = request_for.image.astype(complex)
    with pytest.raises(ImageError, match="real numbers"):
        exhaust(
            iter_segmentation(replace(request_for, image=complex_image), WarmModel())
        )


@pytest.mark.parametrize(
    ("description", "short"),
    [
        ("OpenVINO, bf16, on Intel(R) Xeon(R)", "OpenVINO bf16"),
        (
            "Keras on the tensorflow backend (not OpenVINO: a, b)",
            "Keras on the tensorflow backend",
        ),
    ],
)
def test_engines_are_named_briefly(description: str, short: str) -> None:
    assert short_engine(description) == short


def test_a_result_is_told_in_one_line(request_for: SegmentationRequest) -> None:
    image_maps, nuclei = exhaust(iter_segmentation(request_for, WarmModel()))
    image_maps = replace(image_maps, seconds=0.44)
    assert describe_nuclei(image_maps, nuclei) == (
        "2 nuclei in 0.4 s · median diameter 20 px · OpenVINO bf16"
    )
    one = exhaust(iter_split(image_maps, SegmentationSettings(threshold=0.9)))
    assert describe_nuclei(image_maps, one) == (
        "1 nucleus in 0.4 s · median diameter 20 px · OpenVINO bf16"
    )


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (0.342, " · shrunk to 34% for its nuclei"),
        (2.5, " · enlarged to 250% for its nuclei"),
    ],
)
def test_a_rescaled_image_is_said_to_be(
    request_for: SegmentationRequest, scale: float, words: str
) -> None:
    image_maps, nuclei = exhaust(iter_segmentation(request_for, WarmModel()))
    rescaled = replace(
        image_maps, maps=[maps._replace(scale=scale) for maps in image_maps.maps]
    )
    assert describe_nuclei(rescaled, nuclei).endswith("OpenVINO bf16" + words)
    two_planes = replace(rescaled, maps=[*image_maps.maps, *rescaled.maps])
    assert describe_nuclei(two_planes, nuclei).endswith(
        " · planes rescaled for their nuclei"
    )
    asked_for = SegmentationSettings(diameter=40)
    chosen = replace(rescaled, request=replace(request_for, settings=asked_for))
    assert describe_nuclei(chosen, nuclei).endswith("OpenVINO bf16")


def test_an_empty_result_comes_with_advice(
    request_for: SegmentationRequest, image: NDArray[np.uint8]
) -> None:
    image_maps, _ = exhaust(iter_segmentation(request_for, WarmModel()))
    small = exhaust(iter_split(image_maps, SegmentationSettings(min_area=5000)))
    assert describe_nuclei(image_maps, small) == (
        "No nuclei left: 3 found, all smaller than 5000 px². Lower the size of the "
        "smallest nucleus."
    )
    large = exhaust(iter_split(image_maps, SegmentationSettings(max_area=50)))
    assert describe_nuclei(image_maps, large) == (
        "No nuclei left: 2 found, all larger than 50 px². Raise the size of the "
        "largest nucleus, or keep nuclei at the border."
    )
    dim = replace(
        image_maps,
        maps=[
            maps._replace(foreground=maps.foreground / 4) for maps in image_maps.maps
        ],
    )
    nothing = exhaust(iter_split(dim, SegmentationSettings()))
    assert describe_nuclei(dim, nothing) == (
        "No nuclei found: the highest probability is 0.25, the threshold 0.45. Lower "
        "the threshold, or set the nucleus diameter: this model was trained on nuclei "
        "of about 20 px."
    )


def test_pale_nuclei_of_stained_tissue_are_named_as_the_reason(
    request_for: SegmentationRequest, image: NDArray[np.uint8]
) -> None:
    image_maps, _ = exhaust(iter_segmentation(request_for, WarmModel()))
    stained = replace(
        image_maps,
        maps=[maps._replace(darkness=(255 - image,)) for maps in image_maps.maps],
    )
    nothing = exhaust(iter_split(stained, SegmentationSettings()))
    assert describe_nuclei(stained, nothing) == (
        "No nuclei left: 2 found, none darker than what surrounds it, as nuclei in "
        "stained tissue are. To keep them, set Stain to “image as it is”."
    )


def test_an_even_image_is_called_so(request_for: SegmentationRequest) -> None:
    request = replace(request_for, image=np.full((1, 1), 7, np.uint8))
    image_maps, nuclei = exhaust(iter_segmentation(request, WarmModel()))
    assert describe_nuclei(image_maps, nuclei) == (
        "No nuclei found: all pixels of the image have the same value."
    )


@pytest.mark.parametrize(
    ("platform", "engine"), [("linux", "openvino"), ("win32", "auto")]
)
def test_keras_stays_out_of_napari_where_it_would_crash(
    monkeypatch: pytest.MonkeyPatch,
    make_model: Callable[..., Path],
    platform: str,
    engine: str,
) -> None:
    asked = []
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(
        prediction, "create_engine", lambda _, name: asked.append(str(name))
    )
    make_model("tiny")
    WarmModel().load("tiny")
    assert asked == [engine]
