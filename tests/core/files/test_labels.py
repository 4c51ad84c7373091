from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from napari_unet_nuclei.core.errors import (
    ImageError,
    LabelsError,
    OutputError,
)
from napari_unet_nuclei.core.files.images import read_stored_image
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff
from napari_unet_nuclei.core.images.calibration import Calibration
from napari_unet_nuclei.core.writing.own_files import is_own_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

SIDES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)
LABELS = np.array([[1, 1, 0, 2], [0, 0, 2, 2], [3, 0, 0, 0]])
WRITERS = pytest.mark.parametrize("write", [write_labels_tiff, write_labels_png])


@settings(deadline=None)
@given(hnp.arrays("i4", SIDES, elements=st.integers(0, 2**24)))
def test_tiff_labels_come_back(
    tmp_path_factory: pytest.TempPathFactory, labels: Any
) -> None:
    path = tmp_path_factory.mktemp("labels") / "a.tif"
    write_labels_tiff(path, labels)
    np.testing.assert_array_equal(read_labels(path), labels)


@settings(deadline=None)
@given(hnp.arrays("i4", SIDES, elements=st.integers(0, 65535)))
def test_png_labels_come_back(
    tmp_path_factory: pytest.TempPathFactory, labels: Any
) -> None:
    path = tmp_path_factory.mktemp("labels") / "a.png"
    write_labels_png(path, labels)
    np.testing.assert_array_equal(read_labels(path), labels)


@pytest.mark.parametrize(("largest", "dtype"), [(65535, "u2"), (65536, "f4")])
def test_imagej_can_show_the_tiff(tmp_path: Path, largest: int, dtype: str) -> None:
    write_labels_tiff(tmp_path / "a.tif", [[0, largest]])
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.is_imagej
        assert tiff.imagej_metadata["max"] == largest
        assert tiff.series[0].dtype == dtype


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 3, 5, 4)])
def test_a_tiff_holds_a_stack(tmp_path: Path, shape: tuple[int, ...]) -> None:
    labels = np.arange(np.prod(shape)).reshape(shape)
    axes = "TZYX"[-len(shape) :]
    write_labels_tiff(tmp_path / "a.tif", labels, axes=axes)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.series[0].axes == axes
        np.testing.assert_array_equal(tiff.asarray(), labels)


@pytest.mark.parametrize("labels", [LABELS, np.zeros((2, 0, 4), int)])
def test_a_stack_must_have_the_axes_it_is_said_to_have(
    tmp_path: Path, labels: NDArray[Any]
) -> None:
    with pytest.raises(LabelsError, match=r"labels must .* Received: shape \("):
        write_labels_tiff(tmp_path / "a.tif", labels, axes="ZYX")


@pytest.mark.parametrize(
    ("pixel_size", "resolution"),
    [({"X": 0.25, "Y": 0.5, "Z": 2}, [(4, 1), (2, 1)]), ({"X": 3}, [(1, 1), (1, 1)])],
)
def test_imagej_learns_the_size_of_a_pixel(
    tmp_path: Path, pixel_size: dict[str, Any], resolution: list[tuple[int, ...]]
) -> None:
    calibration = Calibration(sizes=pixel_size, unit="um")
    write_labels_tiff(tmp_path / "a.tif", LABELS, calibration=calibration)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.imagej_metadata["unit"] == "um"
        assert tiff.imagej_metadata.get("spacing") == pixel_size.get("Z")
        tags = tiff.pages[0].tags
        found = [tags[f"{axis}Resolution"].value for axis in "XY"]
        assert found == resolution


CALIBRATION = Calibration(
    sizes={"X": 0.25, "Y": 0.5, "Z": 2.0, "T": 3.0}, unit="um", time_unit="min"
)


def test_imagej_learns_of_depth_and_time(tmp_path: Path) -> None:
    labels = np.ones((2, 3, 4, 5), int)
    write_labels_tiff(tmp_path / "a.tif", labels, axes="TZYX", calibration=CALIBRATION)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        metadata = tiff.imagej_metadata
    assert (metadata["spacing"], metadata["finterval"]) == (2, 180)  # seconds


@pytest.mark.parametrize("largest", [3, 65536, 2**31 - 1])
@pytest.mark.parametrize("name", ["a.ome.tif", "a.OME.TIFF"])
def test_an_ome_tiff_is_one(tmp_path: Path, name: str, largest: int) -> None:
    labels = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    labels[0, 0, 0, 0] = largest
    write_labels_tiff(tmp_path / name, labels, axes="TZYX", calibration=CALIBRATION)
    with tifffile.TiffFile(tmp_path / name) as tiff:
        assert tiff.is_ome
        assert not tiff.is_imagej
        assert tiff.series[0].axes == "TZYX"
        np.testing.assert_array_equal(tiff.asarray(), labels)
        assert 'PhysicalSizeXUnit="µm"' in tiff.ome_metadata
        assert tiff.pages[0].tags["XResolution"].value == (40_000, 1)
    stored = read_stored_image(tmp_path / name)
    assert stored.pixels.dtype == (np.uint16 if largest == 3 else np.uint32)
    assert stored.axes == "TZYX"
    assert stored.calibration == CALIBRATION
    assert is_own_file(tmp_path / name)


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_the_same_labels_make_the_same_file(tmp_path: Path, name: str) -> None:
    for folder in "12":
        write_labels_tiff(tmp_path / folder / name, LABELS, calibration=CALIBRATION)
    first, second = ((tmp_path / folder / name).read_bytes() for folder in "12")
    assert first == second


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
@pytest.mark.parametrize(
    "calibration",
    [
        Calibration(),
        Calibration(sizes={"Y": 1.0, "X": 1.0}),
        Calibration(sizes={"Y": 1e-30, "X": 1e-30}, unit="um"),
        Calibration(sizes={"Y": 2.0, "X": 2.0}, unit="furlong"),
    ],
)
def test_any_calibration_can_be_written(
    tmp_path: Path, name: str, calibration: Calibration
) -> None:
    write_labels_tiff(tmp_path / name, LABELS, calibration=calibration)
    np.testing.assert_array_equal(read_labels(tmp_path / name), LABELS)


def test_the_png_has_sixteen_bits_even_for_few_nuclei(tmp_path: Path) -> None:
    write_labels_png(tmp_path / "a.png", LABELS)
    with Image.open(tmp_path / "a.png") as image:
        assert np.asarray(image).dtype == np.uint16


@WRITERS
def test_an_earlier_file_is_replaced_and_nothing_else_left(
    tmp_path: Path, write: Callable[..., Any]
) -> None:
    path = tmp_path / "a.tif"
    path.touch()
    write(path, LABELS)
    assert path.stat().st_size > 0
    assert list(tmp_path.iterdir()) == [path]


@WRITERS
def test_a_folder_that_is_a_file_is_named(
    tmp_path: Path, write: Callable[..., Any]
) -> None:
    (tmp_path / "no").touch()
    with pytest.raises(OutputError, match=r"place to write to. Received: .*a\.tif"):
        write(tmp_path / "no" / "a.tif", LABELS)


@WRITERS
def test_only_labels_are_written(tmp_path: Path, write: Callable[..., Any]) -> None:
    with pytest.raises(LabelsError, match="labels must"):
        write(tmp_path / "a.tif", [[0.5]])


def test_numbers_a_tiff_cannot_tell_apart_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"up to 16,777,216, .* Received: 16,777,217"):
        write_labels_tiff(tmp_path / "a.tif", [[2**24 + 1]])


def test_numbers_a_png_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"up to 65,535, .* Received: 65,536"):
        write_labels_png(tmp_path / "a.png", [[65536]])


@pytest.mark.parametrize("name", ["a.jpg", "a.txt", "a"])
def test_formats_without_exact_numbers_are_refused(tmp_path: Path, name: str) -> None:
    reason = rf"Expected a label file \(\.bmp, .*Received: .*[/\\]{name}\. Save"
    with pytest.raises(LabelsError, match=reason):
        read_labels(tmp_path / name)


def test_a_missing_label_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no\.tif \(FileNotFoundError"):
        read_labels(tmp_path / "no.tif")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (np.arange(48, dtype="u1").reshape(4, 4, 3), "be a label image of shape"),
        (np.full((4, 4), -1, "i2"), r"lie between 0 .* Received: values from -1 to -1"),
        (np.ones((4, 4)) / 2, "hold whole numbers. .* with the value 0.5"),
        (np.full((4, 4), np.nan), "hold whole numbers. .* with the value nan"),
        (np.zeros((3, 4, 5), "u1"), r"be a label .* Received: shape \(3, 4, 5\)"),
    ],
)
def test_a_file_with_other_content_is_named(
    tmp_path: Path, content: NDArray[Any], reason: str
) -> None:
    is_rgb = content.shape[2:] == (3,)
    photometric = "rgb" if is_rgb else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", content, photometric=photometric)
    with pytest.raises(LabelsError, match=rf"a\.tif must {reason}"):
        read_labels(tmp_path / "a.tif")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_greys_that_are_stored_as_colours_are_numbers(
    tmp_path: Path, mode: str
) -> None:
    Image.fromarray(LABELS.astype(np.uint8)).convert(mode).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), LABELS)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_numbers_that_are_shown_in_colours_are_numbers(
    tmp_path: Path, name: str
) -> None:
    image = Image.fromarray(LABELS.astype(np.uint8), "P")
    image.putpalette([0, 0, 0, 200, 40, 40, 40, 200, 40, 40, 40, 200])
    image.save(tmp_path / name)
    np.testing.assert_array_equal(read_labels(tmp_path / name), LABELS)
