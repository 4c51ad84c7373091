"""Nuclei as volumes."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import regionprops_table

from napari_unet_nuclei.core.datasets.drawn.volumes import VolumeLook, draw_volume
from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.images.calibration import Calibration
from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.core.instances.volumes import measure_volumes


def calibrated(z: float, y: float, x: float) -> Calibration:
    return Calibration(sizes={"Z": z, "Y": y, "X": x}, unit="um")


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    return draw_volume(1, (20, 80, 80), VolumeLook(spacing=2.0, diameter=18))


def test_counts_and_places_are_those_of_scikit_image(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    image, labels = drawn
    tables = [measure_nuclei(plane, image[z]) for z, plane in enumerate(labels)]
    table = measure_volumes(labels, tables)
    names = ("label", "area", "centroid", "bbox", "intensity_mean")
    expected = regionprops_table(labels, image, properties=names)
    np.testing.assert_array_equal(table["label"], expected["label"])
    np.testing.assert_array_equal(table["volume"], expected["area"])
    for axis, name in enumerate("zyx"):
        np.testing.assert_allclose(
            table[f"centroid_{name}"], expected[f"centroid-{axis}"]
        )
        if name != "z":
            length = expected[f"bbox-{axis + 3}"] - expected[f"bbox-{axis}"]
            np.testing.assert_array_equal(table[f"extent_{name}"], length)
    np.testing.assert_array_equal(table["first_plane"], expected["bbox-0"])
    np.testing.assert_array_equal(table["last_plane"], expected["bbox-3"] - 1)
    np.testing.assert_allclose(table["mean_intensity"], expected["intensity_mean"])


@pytest.mark.parametrize("spacing", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("radius", [6, 12])
def test_a_ball_has_its_volume_and_surface(spacing: float, radius: int) -> None:
    z, y, x = np.mgrid[-16:17, -16:17, -16:17].astype(float)
    ball = (z * spacing) ** 2 + y**2 + x**2 < radius**2
    half = calibrated(spacing / 2, 0.5, 0.5)  # half a µm a pixel
    table = measure_volumes(ball.astype(np.int32), calibration=half)
    size = radius / 2
    assert table["volume_um3"][0] == pytest.approx(ball.sum() * spacing / 8)
    assert table["surface_um2"][0] == pytest.approx(4 * np.pi * size**2, rel=0.1)
    assert table["diameter_um"][0] == pytest.approx(2 * size, rel=0.03)
    assert table["sphericity"][0] == pytest.approx(1, abs=0.12)
    assert table["extent_z_um"][0] == pytest.approx(2 * size, abs=spacing / 2 + 0.01)
    assert table["centroid_x_um"][0] == pytest.approx(8)


def test_a_speck_has_a_surface() -> None:
    labels = np.zeros((3, 5, 5), np.int32)
    labels[1, 2, 2] = 4
    table = measure_volumes(labels, calibration=calibrated(1, 1, 1))
    assert table["label"].tolist() == [4]
    assert table["surface_um2"][0] > 0


def test_units_need_all_three_distances(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    table = measure_volumes(
        drawn[1], calibration=Calibration(sizes={"Y": 1.0, "X": 1.0}, unit="um")
    )
    assert not any("_um" in name for name in table)


def test_no_nuclei() -> None:
    table = measure_volumes(
        np.zeros((2, 3, 3), np.int32), calibration=calibrated(1, 1, 1)
    )
    assert {column.size for column in table.values()} == {0}


def test_a_plane_is_refused() -> None:
    with pytest.raises(LabelsError, match=r"\(Z, Y, X\)\. Received: shape \(3, 3\)"):
        measure_volumes(np.zeros((3, 3), np.int32))
