"""Images at several resolutions: one is segmented, and its nuclei lie on the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.batch.saving import iter_save, result_paths
from napari_unet_nuclei.core.settings.choices import OutputFormat
from napari_unet_nuclei.plugin.files.outline_reader import read_outline_file
from napari_unet_nuclei.plugin.files.result_layers import take_result
from napari_unet_nuclei.plugin.files.writer import write_geojson, write_rois
from napari_unet_nuclei.plugin.segment.region_choice import RegionKind
from napari_unet_nuclei.plugin.shared.locked_nuclei import locked_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from conftest import BrightnessEngine
    from plugin.segment.conftest import Scene

SIDE, DIAMETER, STEP = 640, 80, 128  # px
CENTRES = np.arange(STEP // 2, SIDE, STEP)


def draw(diameter: int = DIAMETER) -> NDArray[np.uint8]:
    """Draw 25 bright discs; the network of the tests knows discs of 20 px."""
    y, x = np.indices((SIDE, SIDE)) % STEP - STEP // 2
    return np.where(np.hypot(y, x) < diameter / 2, 200, 10).astype(np.uint8)


def levels_of(image: Any, axes: str = "YX", n: int = 4) -> list[Any]:
    """Average 2 × 2 pixels again and again, as programs that make pyramids do."""
    found = [image]
    for _ in range(n - 1):
        fine = found[-1]
        for number, axis in enumerate(axes):
            if axis in "YX":
                cut = [slice(None)] * fine.ndim
                parts = []
                for start in (0, 1):
                    cut[number] = slice(start, None, 2)
                    parts.append(fine[tuple(cut)].astype(np.float32))
                fine = (parts[0] + parts[1]) / 2
        found.append(fine.astype(image.dtype))
    return found


def centres_of(layer: Labels) -> NDArray[np.float64]:
    """Return where the nuclei are in the world, along Y and X."""
    table = layer.features[layer.features["area"].notna()]
    found = []
    for _, row in table.iterrows():
        place = [row.get(axis, 0) for axis in layer.axis_labels if axis in "tz"]
        place += [row["centroid_y"], row["centroid_x"]]
        found.append(layer.data_to_world(place)[-2:])
    return np.asarray(found)


def assert_on_the_nuclei(layer: Labels, image: Image) -> None:
    """Compare with the discs, which were drawn at the finest resolution."""
    places = [(y, x) for y in CENTRES for x in CENTRES]
    lead = (0,) * (image.ndim - 2)
    expected = [image.data_to_world((*lead, *place))[-2:] for place in places]
    found = centres_of(layer)
    away = np.abs(found[:, np.newaxis] - np.asarray(expected)).max(axis=-1).min(axis=1)
    assert away.max() < np.abs(image.scale[-1])  # one pixel of the finest
    assert len(found) == len(places)


@pytest.fixture
def pyramid(scene: Scene) -> Image:
    return scene.viewer.add_image(
        levels_of(draw()),
        multiscale=True,
        name="cells",
        scale=(0.5, 0.5),
        translate=(30, -8),
        units=("um", "um"),
        axis_labels=("y", "x"),
    )


def test_the_level_whose_nuclei_the_model_knows_is_segmented_and_named(
    scene: Scene, pyramid: Image
) -> None:
    layer = scene.segment()
    assert layer.data.shape == (SIDE // 4, SIDE // 4)
    assert layer.scale.tolist() == [2, 2]
    assert_on_the_nuclei(layer, pyramid)
    assert "25 nuclei" in scene.status
    assert "median diameter 40" in scene.status  # µm: 80 px of the finest level
    assert "level 3 of 4 (0.25 of the size)" in scene.status
    assert layer.metadata["level"] == 2
    assert layer.metadata["level_factors"] == [4, 4]
    assert "command" not in layer.metadata  # which would segment the finest level
    scene.widget.copy_command()
    assert "It segments the finest resolution." in scene.status
    corners = [layer.data_to_world(np.array(layer.data.shape) - 0.5), (349.75, 311.75)]
    np.testing.assert_allclose(*corners)


@pytest.mark.parametrize("write", [write_geojson, write_rois])
def test_outlines_are_saved_in_pixels_of_the_finest_resolution(
    scene: Scene, pyramid: Image, tmp_path: Path, write: Callable[..., list[str]]
) -> None:
    layer = scene.segment()
    data, meta, _ = layer.as_layer_data_tuple()
    (path,) = write(str(tmp_path / "cells"), data, meta)
    labels, placed, _ = read_outline_file(path, scene.viewer.layers)
    np.testing.assert_array_equal(labels, data.repeat(4, axis=0).repeat(4, axis=1))
    np.testing.assert_array_equal(placed["scale"], pyramid.scale)
    kinds = (OutputFormat.ROIS, OutputFormat.GEOJSON)
    for kind in kinds:  # alone, and both of one search for outlines
        for together in ((kind,), kinds):
            result = take_result(layer, scene.viewer.layers)
            paths = result_paths(tmp_path, f"{kind}{len(together)}", together)
            for _ in iter_save(result, paths):
                pass
            labels, _, _ = read_outline_file(str(paths[kind]), scene.viewer.layers)
            assert np.flatnonzero(labels).size == 16 * np.flatnonzero(data).size


def test_small_nuclei_are_found_at_full_resolution(scene: Scene) -> None:
    image = scene.viewer.add_image(levels_of(draw(24)), multiscale=True, name="cells")
    layer = scene.segment()
    assert layer.data.shape == (SIDE, SIDE)
    assert_on_the_nuclei(layer, image)
    assert "level 1 of 4 (full resolution)" in scene.status
    assert "command" in layer.metadata


def test_a_diameter_that_the_user_sets_chooses_the_level(
    scene: Scene, pyramid: Image
) -> None:
    scene.widget.diameter.value = 160
    assert scene.segment().data.shape == (SIDE // 8, SIDE // 8)
    scene.widget.diameter.value = 40
    layer = scene.segment()
    assert layer.data.shape == (SIDE // 2, SIDE // 2)
    assert scene.results == [layer]  # in the same layer
    assert layer.scale.tolist() == [1, 1]
    assert_on_the_nuclei(layer, pyramid)


def test_sliders_act_on_the_maps_of_that_level_in_sizes_of_the_image(
    scene: Scene, pyramid: Image
) -> None:
    layer = scene.segment()
    n_calls = scene.engine.n_calls
    area = np.pi / 4 * (DIAMETER / 2) ** 2  # µm²
    scene.widget.min_area.value = 0.9 * area
    scene.wait()
    assert len(centres_of(layer)) == 25
    scene.widget.min_area.value = 1.1 * area
    scene.wait()
    assert not layer.data.any()
    scene.widget.min_area.value = 0
    scene.wait()
    assert_on_the_nuclei(layer, pyramid)
    assert scene.engine.n_calls == n_calls
    assert "changed" not in scene.status


def test_corrections_at_a_level_are_kept(scene: Scene, pyramid: Image) -> None:
    layer = scene.segment()
    layer.fill((16, 16), 0)
    scene.move_slider(0.3)
    assert layer.data[16, 16] == 0
    assert len(centres_of(layer)) == 24
    layer.fill((16, 48), 99)
    scene.move_slider(0.5)
    assert locked_ids(layer.metadata) == {99}
    scene.wait_for_table(layer)


def test_a_region_is_segmented_at_the_level_of_the_nuclei_there_are(
    scene: Scene, pyramid: Image
) -> None:
    layer = scene.segment()
    before = layer.data.copy()
    corners = np.array([[10, 10], [10, 250], [250, 250], [250, 10]])  # px of the image
    world = [pyramid.data_to_world(corner) for corner in corners]
    scene.viewer.add_shapes([world], shape_type="polygon", units=("um", "um"))
    scene.widget.region.value = RegionKind.SHAPE
    scene.segment()
    assert layer.data.shape == before.shape
    assert "4 of them in the region" in scene.status
    assert "level 3 of 4" in scene.status
    assert_on_the_nuclei(layer, pyramid)
    np.testing.assert_array_equal(layer.data > 0, before > 0)


def test_a_first_region_takes_the_finest_level_or_that_of_the_diameter(
    scene: Scene, pyramid: Image
) -> None:
    shape = [pyramid.data_to_world(corner) for corner in ([0, 0], [250, 250])]
    scene.viewer.add_shapes([shape], shape_type="rectangle", units=("um", "um"))
    scene.widget.region.value = RegionKind.SHAPE
    assert scene.segment().data.shape == (SIDE, SIDE)
    scene.viewer.layers.remove(scene.labels)
    scene.widget.diameter.value = DIAMETER
    layer = scene.segment()
    assert layer.data.shape == (SIDE // 4, SIDE // 4)
    assert len(centres_of(layer)) == 4


def test_maps_of_a_level_lie_on_the_image(scene: Scene, pyramid: Image) -> None:
    layer = scene.segment()
    scene.widget.show_maps()
    maps = scene.viewer.layers["cells foreground"]
    np.testing.assert_allclose(maps.scale, layer.scale)
    np.testing.assert_allclose(maps.translate, layer.translate)
    assert maps.data.shape == layer.data.shape


KINDS: dict[str, Callable[[], tuple[Any, str]]] = {
    "YXC": lambda: (np.stack([draw()] * 3, axis=-1), "YXC"),
    "ZYX": lambda: (np.stack([draw(), draw()]), "ZYX"),
    "TZYX": lambda: (np.stack([[draw()] * 2] * 2), "TZYX"),
    "CYX": lambda: (np.stack([draw() // 9, draw()]), "CYX"),
    "uint16": lambda: (draw().astype(np.uint16) * 100, "YX"),
    "float32": lambda: (draw().astype(np.float32) / 255, "YX"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_image_may_have_levels(scene: Scene, kind: str) -> None:
    image, axes = KINDS[kind]()
    is_rgb = axes == "YXC"
    labels = {} if is_rgb else {"axis_labels": tuple(axes.lower())}
    layer = scene.viewer.add_image(
        levels_of(image, axes), multiscale=True, rgb=is_rgb, name="cells", **labels
    )
    if "C" in axes and not is_rgb:
        scene.viewer.dims.set_point(0, 1)
    found = scene.segment()
    assert found.data.shape[-2:] == (SIDE // 4, SIDE // 4)
    assert "level 3 of 4" in scene.status
    places = np.unique(centres_of(found).round(3), axis=0)
    assert len(places) == 25
    np.testing.assert_allclose(np.unique(places), CENTRES - 0.5, atol=1)
    assert layer.visible


@pytest.mark.parametrize("kind", ["dask", "zarr"])
def test_only_what_is_needed_is_read(
    scene: Scene, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(kind)
    read: list[int] = []

    def lazily(level: int, pixels: NDArray[np.uint8]) -> Any:
        if kind == "zarr":
            import zarr

            path = str(tmp_path / str(level))
            array = zarr.open(
                path, mode="w", shape=pixels.shape, chunks=(64, 64), dtype="u1"
            )
            array[:] = pixels
            return array
        import dask.array as da

        def load(block_id: Sequence[int]) -> NDArray[np.uint8]:
            read.append(level)
            rows, columns = (slice(64 * n, 64 * (n + 1)) for n in block_id)
            return pixels[rows, columns]

        chunks = [
            (64,) * (n // 64) + ((n % 64,) if n % 64 else ()) for n in pixels.shape
        ]
        return da.map_blocks(load, chunks=chunks, dtype="u1", meta=np.zeros(0, "u1"))

    pixels = levels_of(draw())
    image = scene.viewer.add_image(
        [lazily(number, each) for number, each in enumerate(pixels)],
        multiscale=True,
        name="cells",
        contrast_limits=(0, 255),
    )
    scene.widget.diameter.value = DIAMETER  # known, so nothing is tried out
    read.clear()
    layer = scene.segment()
    assert layer.data.shape == (SIDE // 4, SIDE // 4)
    assert_on_the_nuclei(layer, image)
    if kind == "dask":
        assert set(read) - {3} == {2}  # the coarsest is the thumbnail of napari


@pytest.mark.parametrize("diameter", [24, DIAMETER])
def test_in_a_real_window_the_nuclei_are_shown_over_the_image(
    make_napari_viewer: Callable[..., Any],
    open_scene: Callable[..., Scene],
    make_model: Callable[..., Path],
    engine: BrightnessEngine,
    diameter: int,
) -> None:
    make_model("tiny", threshold=0.45)
    viewer = make_napari_viewer()
    scene = open_scene(viewer)
    image = viewer.add_image(levels_of(draw(diameter)), multiscale=True, name="cells")
    layer = scene.segment()
    assert_on_the_nuclei(layer, image)
    for place in ((64, 64), (320, 576)):
        assert layer.get_value(place, world=True) > 0
    assert not layer.get_value((128, 128), world=True)
    scene.move_slider(0.3)
    assert_on_the_nuclei(layer, image)
