from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Labels
from npe2 import read

import napari_unet_nuclei
from napari_unet_nuclei.core.drawing.overlays import write_png as write_overlay
from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff
from napari_unet_nuclei.plugin.files import label_reader
from napari_unet_nuclei.plugin.files.opening import open_paths
from napari_unet_nuclei.plugin.files.reader import get_reader
from napari_unet_nuclei.plugin.files.writer import write_png, write_tiff

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

MANIFEST = Path(napari_unet_nuclei.__file__).with_name("napari.yaml")
NAME = "napari-unet-nuclei"
LABELS = np.array([[1, 1, 0, 2], [0, 0, 2, 2], [3, 0, 0, 0]])


@pytest.mark.parametrize("name", ["a_masks.tif", "a_masks.TIFF", "a_masks.ome.tif"])
@pytest.mark.parametrize(
    ("axes", "scale", "units"),
    [
        ("yx", (0.5, 0.25), ("um", "um")),
        ("zyx", (2, 0.5, 0.25), ("um", "um", "um")),
        ("tyx", (3, 0.5, 0.25), ("s", "nm", "nm")),
        ("tzyx", (3, 2, 0.5, 0.25), ("s", "mm", "mm", "mm")),
        ("yx", (1, 1), ("pixel", "pixel")),
    ],
)
def test_labels_come_back_with_scale_and_units(
    plugins: Any,
    tmp_path: Path,
    name: str,
    axes: str,
    scale: tuple[Any, ...],
    units: tuple[str, ...],
) -> None:
    shape = [{"y": 3, "x": 4}.get(axis, 2) for axis in axes]
    labels = np.arange(np.prod(shape)).reshape(shape)
    layer = Labels(labels, scale=scale, units=units, axis_labels=tuple(axes))
    data, meta, _ = layer.as_layer_data_tuple()
    (path,) = write_tiff(str(tmp_path / name), data, meta)
    (back,) = ViewerModel().open(path, plugin=NAME)
    assert isinstance(back, Labels)
    np.testing.assert_array_equal(back.data, labels)
    np.testing.assert_allclose(back.scale, scale)
    assert back.units == layer.units
    assert back.axis_labels == layer.axis_labels
    assert back.name == "a_masks"
    assert back.metadata == {"sample_id": "a"}


@pytest.mark.parametrize("largest", [3, 70_000])
def test_labels_are_whole_numbers(tmp_path: Path, largest: int) -> None:
    labels = LABELS.copy()
    labels[0, 0] = largest
    write_labels_tiff(tmp_path / "a.tif", labels)
    data, _, kind = label_reader.read_label_file(str(tmp_path / "a.tif"))
    assert (kind, data.dtype) == ("labels", np.int32)
    np.testing.assert_array_equal(data, labels)


def test_masks_of_other_programs_are_labels_too(plugins: Any, tmp_path: Path) -> None:
    path = tmp_path / "cell_cp_masks.tif"
    tifffile.imwrite(path, LABELS.astype(np.uint16))
    ((data, kwargs, kind),) = read([str(path)], stack=False, plugin_name=NAME)
    np.testing.assert_array_equal(data, LABELS)
    assert (kind, kwargs["name"]) == ("labels", "cell_cp_masks")


def test_a_png_comes_back(plugins: Any, tmp_path: Path) -> None:
    (path,) = write_png(str(tmp_path / "a_masks.png"), LABELS, {})
    (back,) = ViewerModel().open(path, plugin=NAME)
    np.testing.assert_array_equal(back.data, LABELS)


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.ome.tif", "masks.tif", "a.TIF"])
def test_other_images_are_left_to_napari(plugins: Any, name: str) -> None:
    """Two readers for a name would make napari ask which to use."""

    def readers(path: Any) -> Any:
        return {reader.plugin_name for reader in plugins.iter_compatible_readers(path)}

    assert readers(f"/photos/{name}") == {"napari"}
    for masks in ("a_masks.tif", "a.ome_masks.tif", "a_masks.png", "a_masks.ome.tif"):
        assert readers(f"/photos/{masks}") == {"napari", NAME}


def test_content_says_whether_labels_are_ours(tmp_path: Path) -> None:
    write_labels_tiff(tmp_path / "a.tif", LABELS)
    write_labels_png(tmp_path / "b.png", LABELS)
    write_overlay(tmp_path / "b_overlay.png", np.zeros((3, 4, 3), np.uint8))
    tifffile.imwrite(tmp_path / "c.tif", LABELS.astype(np.uint16))
    found = [path.name for path in tmp_path.iterdir() if get_reader(str(path))]
    assert sorted(found) == ["a.tif", "b.png"]


def test_a_folder_of_results_opens_as_labels(plugins: Any, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_labels_tiff(folder / "b.tif", LABELS)
    write_labels_tiff(folder / "a.ome.tif", LABELS)
    write_overlay(folder / "a_overlay.png", np.zeros((3, 4, 3), np.uint8))
    (folder / "table.csv").write_text("label,area")
    tifffile.imwrite(folder / "image.tif", LABELS.astype(np.uint16))
    layers = open_paths(ViewerModel(), [folder])
    assert [layer.name for layer in layers] == ["a", "b"]
    assert all(isinstance(layer, Labels) for layer in layers)


def test_several_files_opened_as_a_stack_are_one_layer(
    plugins: Any, tmp_path: Path
) -> None:
    meta = {"scale": (0.5, 0.5), "units": ("um", "um")}
    paths = [
        write_tiff(str(tmp_path / f"{n}_masks.tif"), LABELS * n, meta)[0]
        for n in (1, 2)
    ]
    (layer,) = ViewerModel().open(paths, plugin=NAME, stack=True)
    np.testing.assert_array_equal(layer.data, [LABELS, LABELS * 2])
    np.testing.assert_array_equal(layer.scale, (1, 0.5, 0.5))
    assert [str(unit) for unit in layer.units] == ["pixel", "micrometer", "micrometer"]
    assert layer.name == "1_masks and 1 more"
    first, second = ViewerModel().open(paths, plugin=NAME)
    assert (first.name, second.name) == ("1_masks", "2_masks")


@pytest.mark.parametrize(
    "place",
    [
        {"translate": (5, 7)},
        {"rotate": 30.0, "scale": (2, 3)},
        {"shear": (0.5,)},
        {"affine": [[1, 2, 3], [0, 1, 4], [0, 0, 1]]},
    ],
)
def test_a_stack_lies_where_its_first_file_did(
    plugins: Any, tmp_path: Path, place: dict[str, Any]
) -> None:
    layer = Labels(LABELS, **place)
    data, meta, _ = layer.as_layer_data_tuple()
    paths = [write_tiff(str(tmp_path / f"{n}_masks.tif"), data, meta)[0] for n in "ab"]
    (stack,) = ViewerModel().open(paths, plugin=NAME, stack=True)
    for corner in (0, 0), (2, 3):
        np.testing.assert_allclose(
            stack.data_to_world((1, *corner)), (1, *layer.data_to_world(corner))
        )


def test_a_stack_of_several_shapes_is_a_layer_for_each(
    tmp_path: Path, notifications: list[Any]
) -> None:
    write_labels_tiff(tmp_path / "a_masks.tif", LABELS)
    write_labels_tiff(tmp_path / "b_masks.tif", LABELS[:2])
    paths = [str(tmp_path / f"{name}_masks.tif") for name in "ab"]
    assert len(get_reader(paths)(paths)) == 2
    assert notifications == [
        "These labels differ in shape, so each has a layer of its own."
    ]


def test_labels_in_two_formats_open_once(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_labels_png(tmp_path / f"{name}.png", LABELS)
    write_labels_tiff(tmp_path / "b.TIF", LABELS * 2)
    write_labels_tiff(tmp_path / "c.ome.tif", LABELS)
    layers = open_paths(ViewerModel(), [tmp_path])
    assert [layer.name for layer in layers] == ["a", "b", "c"]
    np.testing.assert_array_equal(layers[1].data, LABELS * 2)


def test_a_folder_of_images_is_left_to_napari(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image.tif", LABELS.astype(np.uint16))
    assert get_reader(str(tmp_path)) is None
    assert get_reader(str(tmp_path / "nowhere_masks.tif")) is None


def test_a_large_folder_is_not_opened_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings = []
    monkeypatch.setattr(label_reader, "show_warning", warnings.append)
    for name in "abc":
        write_labels_tiff(tmp_path / f"{name}.tif", LABELS)
    layers = label_reader.read_label_folder(str(tmp_path), max_layers=2)
    assert warnings == [f"Opened the first 2 of 3 label images in {tmp_path}."]
    assert [kwargs["name"] for _, kwargs, _ in layers] == ["a", "b"]


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (np.zeros((3, 4, 3), np.uint8), "with channels. Choose"),
        (np.full((3, 4), 0.5, np.float32), "must hold whole numbers"),
    ],
)
def test_what_holds_no_labels_is_named(
    tmp_path: Path, image: NDArray[Any], sentence: str
) -> None:
    path = tmp_path / "a_masks.tif"
    tifffile.imwrite(path, image, photometric="rgb" if image.ndim == 3 else None)
    with pytest.raises(LabelsError, match=rf"a_masks\.tif.* {sentence}"):
        label_reader.read_label_file(str(path))


def test_a_unit_that_napari_does_not_know_is_a_pixel(tmp_path: Path) -> None:
    metadata = {"axes": "YX", "unit": "furlong"}
    tifffile.imwrite(
        tmp_path / "a_masks.tif",
        LABELS.astype(np.uint16),
        imagej=True,
        resolution=(2, 2),
        metadata=metadata,
    )
    data, kwargs, _ = label_reader.read_label_file(str(tmp_path / "a_masks.tif"))
    layer = Labels(data, **kwargs)
    assert [str(unit) for unit in layer.units] == ["pixel", "pixel"]
