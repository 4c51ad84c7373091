"""The command line, the widgets and Python give the same labels, to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from napari_unet_nuclei import load_model, segment
from napari_unet_nuclei.cli.app import app
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.segment.request import SegmentationRequest
from napari_unet_nuclei.plugin.segment.segmentation import (
    iter_segmentation,
    iter_split,
)
from napari_unet_nuclei.plugin.segment.warm_model import WarmModel

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from napari_unet_nuclei.core.segmentation.model import Model

GREY = draw_nuclei(3, (150, 170))[0]


def stained() -> np.ndarray:
    ink = GREY[..., np.newaxis] / 255 * [0.5, 0.9, 0.3]
    return (255 * (1 - ink)).astype(np.uint8)


def with_nan() -> np.ndarray:
    image = GREY.astype(np.float32) / 7 - 3
    image[10:14, 20:30] = np.nan
    image[0, 0], image[1, 1] = np.inf, -np.inf
    return image


def blue_on_black() -> np.ndarray:
    return np.stack([np.zeros_like(GREY), GREY // 8, GREY], axis=-1)


IMAGES = {
    "grey8": GREY,
    "grey16": GREY.astype(np.uint16) * 231 + 90,
    "stained": stained(),
    "rgba": np.dstack([stained(), np.full_like(GREY, 200)]),
    "nan": with_nan(),
    "blue": blue_on_black(),
    "inverted": 255 - GREY,
    "tiny": np.ascontiguousarray(GREY[40:60, 40:60]),
    "padded": draw_nuclei(4, (65, 211), 12)[0],
    "huge": draw_nuclei(5, (300, 320), 4, diameter=110)[0],
}


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("classic")


@pytest.fixture(scope="module")
def from_command_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the labels of all images."""
    folder = tmp_path_factory.mktemp("images")
    for name, image in IMAGES.items():
        if image.dtype == np.uint8:
            Image.fromarray(image).save(folder / f"{name}.png")
        else:
            tifffile.imwrite(folder / f"{name}.tif", image)
    output = tmp_path_factory.mktemp("labels")
    arguments = ["segment", str(folder), "-o", str(output), "--model", "classic"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return output


@pytest.mark.parametrize("name", IMAGES)
def test_all_ways_give_the_same_labels(
    name: str, model: Model, from_command_line: Path
) -> None:
    image = IMAGES[name]
    by_python = segment(image, model)
    by_command = tifffile.imread(from_command_line / f"{name}.tif")
    request = SegmentationRequest(
        image=image,
        axes="YXC"[: image.ndim],
        model="classic",
        settings=SegmentationSettings(),
    )
    _, nuclei = exhaust(iter_segmentation(request, WarmModel()))
    assert by_python.any() or name == "tiny"
    np.testing.assert_array_equal(by_python, by_command)
    np.testing.assert_array_equal(by_python, nuclei.labels)


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (["--separation", "0.8"], {"separation": 0.8}),
        (
            ["--max-area", "250", "--drop-border"],
            {"max_area": 250, "drop_border": True},
        ),
        (["--no-smooth"], {"smooth": False}),
    ],
)
def test_all_ways_split_alike(
    options: list[str], chosen: dict[str, Any], model: Model, tmp_path: Path
) -> None:
    Image.fromarray(GREY).save(tmp_path / "grey.png")
    arguments = ["segment", str(tmp_path / "grey.png"), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*arguments, "--model", "classic", *options])
    assert result.exit_code == 0, result.output
    by_command = tifffile.imread(tmp_path / "out" / "grey.tif")
    request = SegmentationRequest(
        image=GREY, axes="YX", model="classic", settings=SegmentationSettings()
    )
    image_maps, before = exhaust(iter_segmentation(request, WarmModel()))
    by_slider = exhaust(iter_split(image_maps, SegmentationSettings(**chosen))).labels
    np.testing.assert_array_equal(by_command, by_slider)
    np.testing.assert_array_equal(by_command, segment(GREY, model, **chosen))
    assert by_slider.any()
    assert (by_slider != before.labels).any()


def test_a_plane_of_a_stack_is_segmented_alike(model: Model, tmp_path: Path) -> None:
    stack = np.stack([GREY, GREY[::-1]])
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    arguments = ["segment", str(tmp_path / "stack.tif"), "-o", str(tmp_path / "out")]
    arguments += ["--axes", "ZYX", "--model", "classic"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    by_command = tifffile.imread(tmp_path / "out" / "stack.tif")
    request = SegmentationRequest(
        image=stack, axes="ZYX", model="classic", settings=SegmentationSettings()
    )
    _, nuclei = exhaust(iter_segmentation(request, WarmModel()))
    by_python = segment(stack, model, axes="ZYX")
    assert by_python[0].any()
    assert by_python[1].any()
    np.testing.assert_array_equal(by_python, by_command)
    np.testing.assert_array_equal(by_python, nuclei.labels)


@pytest.mark.parametrize("shape", [(600, 420), (417, 700), (640, 704)])
@pytest.mark.parametrize("name", ["classic", "resnet"])
def test_maps_of_tiles_are_those_of_the_whole(
    name: str, shape: tuple[int, ...]
) -> None:
    network = load_model(name)
    image = draw_nuclei(6, shape, 80)[0]
    plane = PlaneStack(image).plane(())
    as_it_is = SegmentationSettings(diameter=network.config.diameter)

    def maps(max_area: int) -> tuple[int, np.ndarray]:
        steps = iter_plane_maps(
            network.engine, network.config, plane, as_it_is, max_area=max_area
        )
        n_tiles = 0
        while True:
            try:
                n_tiles = next(steps).n_total
            except StopIteration as end:
                return n_tiles, np.stack(end.value.arrays)

    n_whole, whole = maps(10**6)
    n_tiles, tiled = maps(1)
    assert n_whole == 1
    assert n_tiles > 1
    np.testing.assert_array_equal(tiled, whole)
