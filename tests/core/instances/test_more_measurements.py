from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import regionprops_table

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import ImageError, LabelsError
from napari_unet_nuclei.core.images.calibration import Calibration
from napari_unet_nuclei.core.instances.measurements import (
    is_measurement,
    measure_nuclei,
)
from napari_unet_nuclei.core.instances.more_measurements import ring_pixel_size
from napari_unet_nuclei.core.settings.choices import Measurement
from napari_unet_nuclei.core.settings.measurements import MeasurementSettings

MICROMETRES = Calibration(sizes={"Y": 0.5, "X": 0.5}, unit="um")
IMAGE, LABELS = draw_nuclei(3, (120, 160), 14)
EVERYTHING = MeasurementSettings(what=tuple(Measurement), ring=3)


def test_every_column_is_known_as_one_of_ours() -> None:
    features = measure_nuclei(
        *(LABELS, IMAGE, IMAGE / 255), calibration=MICROMETRES, settings=EVERYTHING
    )
    assert {"solidity", "intensity_std", "ring_ratio", "touches_border"} <= set(
        features
    )
    assert {"diameter_um", "perimeter_um", "area_um2"} <= set(features)
    assert all(map(is_measurement, features))
    assert {len(column) for column in features.values()} == {LABELS.max()}


@pytest.mark.parametrize("name", ["cluster", "area_of_cell", "mean_x", "intensity"])
def test_columns_of_others_are_not_taken_for_ours(name: str) -> None:
    assert not is_measurement(name)


def test_intensities_of_each_channel_are_those_of_scikit_image() -> None:
    channels = {"DAPI": IMAGE, "Ki67": np.float32(IMAGE[::-1]) * 2.5}
    settings = MeasurementSettings(what=(Measurement.INTENSITY,))
    features = measure_nuclei(LABELS, IMAGE, settings=settings, channels=channels)
    for name, pixels in channels.items():
        expected = regionprops_table(
            LABELS, pixels, properties=("area", "intensity_mean", "intensity_std")
        )
        for column in ("intensity_mean", "intensity_std"):
            found = features[f"{column}_{name}"]
            np.testing.assert_allclose(found, expected[column], rtol=1e-5)
        total = expected["intensity_mean"] * expected["area"]
        np.testing.assert_allclose(features[f"intensity_total_{name}"], total)
    assert features["mean_intensity"].tolist() == pytest.approx(
        features["intensity_mean_DAPI"].tolist()
    )


def test_colours_are_channels_and_a_grey_image_has_none() -> None:
    settings = MeasurementSettings(what=(Measurement.INTENSITY,))
    colours = np.stack([IMAGE, IMAGE // 2, IMAGE // 4], axis=-1)
    features = measure_nuclei(LABELS, colours, settings=settings)
    red, blue = (features[f"intensity_mean_{each}"] for each in ("red", "blue"))
    assert (red > 3 * blue).all()
    assert "intensity_mean" in measure_nuclei(LABELS, IMAGE, settings=settings)


def test_a_ring_enters_no_neighbour_and_its_ratio_is_that_of_means() -> None:
    labels = np.zeros((9, 20), np.int32)
    labels[3:6, 3:6], labels[3:6, 8:11] = 1, 2  # two pixels apart
    image = np.full(labels.shape, 10, np.uint8)
    image[labels == 1], image[labels == 2] = 40, 90
    features = measure_nuclei(labels, image, settings=MeasurementSettings(ring=2))
    assert features["ring_mean"].tolist() == [10, 10]
    assert features["ring_ratio"].tolist() == [4, 9]
    alone = measure_nuclei(labels == 1, image, settings=MeasurementSettings(ring=2))
    assert features["ring_area"][0] < alone["ring_area"][0]
    assert "intensity_mean" not in features


def test_a_nucleus_without_room_has_no_ring() -> None:
    labels = np.ones((4, 6), np.int32)
    labels[:, 3:] = 2
    features = measure_nuclei(labels, labels, settings=MeasurementSettings(ring=2))
    assert features["ring_area"].tolist() == [0, 0]
    assert np.isnan(features["ring_mean"]).all()
    assert np.isnan(features["ring_ratio"]).all()


def test_a_ring_in_micrometres_is_as_wide_in_pixels_as_they_are_small() -> None:
    for unit, width in (("um", 2.0), ("nm", 2000.0), ("px", 4.0)):
        features = measure_nuclei(
            *(LABELS, IMAGE),
            calibration=MICROMETRES,
            settings=MeasurementSettings(ring=width, ring_unit=unit),
        )
        expected = measure_nuclei(LABELS, IMAGE, settings=MeasurementSettings(ring=4))
        assert features["ring_area"].tolist() == expected["ring_area"].tolist()


@pytest.mark.parametrize("calibration", [None, Calibration(), MICROMETRES])
def test_a_ring_needs_a_unit_that_the_image_has(
    calibration: Calibration | None,
) -> None:
    with pytest.raises(ImageError, match="Give the width of the ring in px"):
        ring_pixel_size("apples", calibration)


def test_nuclei_at_the_border_are_flagged() -> None:
    settings = MeasurementSettings(what=(Measurement.BORDER,))
    features = measure_nuclei(LABELS, IMAGE, settings=settings)
    inside = np.unique(LABELS[1:-1, 1:-1])
    cut = {
        label
        for label in inside[inside > 0]
        if (label == LABELS).sum() > (LABELS[1:-1, 1:-1] == label).sum()
    }
    flagged = features["label"][features["touches_border"]]
    assert set(flagged.tolist()) == cut
    assert cut


def test_the_length_of_an_outline_has_a_unit_only_where_pixels_are_square() -> None:
    oblong = Calibration(sizes={"Y": 1.0, "X": 0.5}, unit="um")
    features = measure_nuclei(*(LABELS, IMAGE), calibration=oblong, settings=EVERYTHING)
    assert "perimeter_um" not in features
    np.testing.assert_allclose(
        features["diameter_um"], np.sqrt(4 * features["area"] * 0.5 / np.pi)
    )


def test_a_channel_of_another_size_is_refused() -> None:
    settings = MeasurementSettings(what=(Measurement.INTENSITY,))
    with pytest.raises(LabelsError, match="channel 'x'"):
        measure_nuclei(
            *(LABELS, IMAGE), settings=settings, channels={"x": IMAGE[:, 1:]}
        )
