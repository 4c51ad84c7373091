"""A model that is loaded: what it segments, and what it refuses."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import TYPE_CHECKING, get_type_hints

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import ImageError, ModelError, SettingsError
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.segmentation.model import load_model, segment
from napari_unet_nuclei.core.segmentation.stacks import iter_segmentation
from napari_unet_nuclei.core.settings.choices import EngineName
from napari_unet_nuclei.core.settings.segmentation import (
    SegmentationOptions,
    SegmentationSettings,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

DEFAULT = SegmentationSettings()


class Unread:
    """Image that ends the test when it is read."""

    dtype = np.uint8

    def __init__(self, *shape: Any) -> None:
        self.shape = shape

    def __getitem__(self, index: Any) -> None:
        raise AssertionError("read though it is too large")


@pytest.mark.parametrize(
    ("shape", "axes", "expected"),
    [
        ((9_000, 10_000), None, r"9000x10000 px, about 2\.2 GB"),
        ((500, 1000, 1000), "TYX", r"500 planes of 1000x1000 px, about 2\.0 GB"),
    ],
)
def test_an_image_that_would_end_the_process_is_refused_unread(
    make_model: Callable[..., Any],
    shape: tuple[int, ...],
    axes: str | None,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hardware, "total_memory", lambda: 1_900_000_000)
    image = Unread(*shape)
    expected += r" to segment, where this computer has 1\.9 GB\. Cut it into pieces"
    with pytest.raises(ImageError, match=expected):
        make_model().segment(image, axes=axes)
    with pytest.raises(ImageError, match=expected):
        next(iter_segmentation(make_model(), PlaneStack(image, axes), DEFAULT))
    if axes is None:
        with pytest.raises(ImageError, match=expected):
            make_model().maps(image)


@pytest.mark.parametrize(
    ("diameter", "expected"), [(20, (64, 64)), (5, (128, 128)), (10, (64, 64))]
)
def test_nuclei_are_brought_to_the_diameter_the_model_knows(
    make_model: Callable[..., Any],
    squares: Callable[..., Any],
    diameter: int,
    expected: tuple[int, ...],
) -> None:
    model = make_model()
    image = ndimage.gaussian_filter(squares((10, 10), (20, 30), shape=(40, 51)), 3)
    maps = model.maps(image, SegmentationSettings(diameter=diameter))
    assert model.engine.shapes == [expected]
    plain = make_model().maps(image)
    for one, two in zip(maps.arrays, plain.arrays, strict=True):
        assert one.shape == (40, 51)
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, two, atol=0.1)


def test_a_tiny_image_survives_rescaling(make_model: Callable[..., Any]) -> None:
    settings = SegmentationSettings(diameter=2000)
    assert make_model().segment(np.eye(3), settings).shape == (3, 3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1, 3), (33, 7, 4)])
def test_images_of_any_size_and_colour_are_segmented(
    make_model: Callable[..., Any], shape: tuple[int, ...]
) -> None:
    labels = make_model().segment(np.zeros(shape, np.uint8))
    assert labels.shape == shape[:2]
    assert labels.dtype == np.int32
    assert not labels.any()


def test_white_squares_are_nuclei(
    make_model: Callable[..., Any], squares: Callable[..., Any]
) -> None:
    image = squares((4, 4), (20, 30))
    labels = make_model().segment(image)
    np.testing.assert_array_equal(labels > 0, image > 0)
    assert labels.max() == 2


def test_settings_are_obeyed(
    make_model: Callable[..., Any], squares: Callable[..., Any]
) -> None:
    image = squares((4, 4), (20, 30))
    image[4:12, 4:12] = 200
    model = make_model()
    assert model.segment(image).max() == 2
    assert model.segment(image, SegmentationSettings(threshold=0.8)).max() == 1
    assert model.segment(image, SegmentationSettings(min_area=65)).max() == 0


def test_python_takes_every_setting_as_a_keyword(
    make_model: Callable[..., Any], squares: Callable[..., Any]
) -> None:
    options = get_type_hints(SegmentationOptions)
    fields = get_type_hints(SegmentationSettings)
    named = {"threshold", "stain", "link"}
    assert options == {name: fields[name] for name in fields.keys() - named}
    assert all(name in (inspect.getdoc(segment) or "") for name in fields)
    image, model = squares((4, 4), (20, 30)), make_model()
    assert segment(image, model, 0.5, stain="none", tta=True).max() == 2
    assert segment(image, model, threshold=0.5, min_area=65).max() == 0
    with pytest.raises(TypeError, match="minimum"):
        segment(image, model, minimum=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        (np.zeros((5, 6, 7)), {}, ImageError, "name its axes"),
        (np.zeros((5, 6, 7)), {"axes": "YX"}, SettingsError, "each of the 3 axes"),
        (np.zeros((2, 6, 7)), {"axes": "CYX"}, ImageError, "2 channels"),
        (np.zeros((6, 7)), {"channel": 2}, SettingsError, "between 0 and 0"),
        (np.zeros((6, 0)), {}, ImageError, "at least one pixel"),
        (np.zeros((6, 7), complex), {}, ImageError, "real numbers"),
        (np.zeros((6, 7)), {"threshold": 2}, SettingsError, "threshold=2"),
        (np.zeros((6, 7)), {"min_area": -1}, SettingsError, "min_area=-1"),
    ],
)
def test_what_cannot_be_segmented_says_why(
    make_model: Callable[..., Any],
    image: NDArray[Any],
    options: dict[Any, Any],
    error: type[Any],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        segment(image, make_model(), **options)


def test_a_model_is_loaded_by_path_and_kept_warm(tiny_path: Path) -> None:
    model = load_model(tiny_path)
    assert model.name == "tiny"
    assert model.config.margin == 22
    assert model.engine.name is EngineName.OPENVINO
    image, _ = draw_nuclei(1, (64, 80), 8)
    labels = model.segment(image)
    np.testing.assert_array_equal(labels, segment(image, model))
    np.testing.assert_array_equal(labels, segment(image, str(tiny_path)))
    assert labels.any()


def test_models_and_engines_that_are_not_there_are_refused(tiny_path: Path) -> None:
    with pytest.raises(ModelError, match="Received: 'nowhere'"):
        load_model("nowhere")
    with pytest.raises(SettingsError, match=r"auto, openvino, keras.*'onnx'"):
        load_model(tiny_path, engine="onnx")


def test_segmenting_needs_no_keras(tiny_path: Path) -> None:
    program = (
        "import sys, numpy as np\n"
        "from napari_unet_nuclei import segment\n"
        "print(segment(np.eye(64), sys.argv[1]).shape)\n"
        "print(sorted({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, tiny_path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.splitlines() == ["(64, 64)", "[]"]
