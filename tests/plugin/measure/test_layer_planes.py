"""Which pixels are measured under labels of any kind."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.settings.choices import Measurement
from napari_unet_nuclei.core.settings.measurements import MeasurementSettings
from napari_unet_nuclei.plugin.measure.layer_planes import labels_data, make_planes
from napari_unet_nuclei.plugin.measure.measuring import MeasuredLabels

PLANES = np.arange(4 * 40 * 50, dtype=np.float32).reshape(4, 40, 50)
LABELS = np.zeros((40, 50), np.int32)
LABELS[3:9, 4:12], LABELS[20:30, 30:33] = 1, 2
INTENSITY = MeasurementSettings(what=(Measurement.INTENSITY,))


def measure(layer: Labels, *images: Image) -> dict[str, Any]:
    measured = MeasuredLabels(make_planes(layer, images, INTENSITY))
    for _ in measured.iter_follow(labels_data(layer)):
        pass
    return measured.features


def means(plane: Any) -> list[float]:
    return [float(plane[number == LABELS].mean()) for number in (1, 2)]


def test_channels_of_an_image_are_columns() -> None:
    image = Image(PLANES, axis_labels=("c", "y", "x"), name="cells")
    layer = Labels(LABELS, metadata={"channel": 2})
    features = measure(layer, image)
    for channel in range(4):
        found = features[f"intensity_mean_{channel}"]
        np.testing.assert_allclose(found, means(PLANES[channel]))
    np.testing.assert_allclose(features["mean_intensity"], means(PLANES[2]))


def test_colours_are_columns() -> None:
    pixels = np.moveaxis(PLANES[:3], 0, -1) / PLANES.max()
    features = measure(Labels(LABELS), Image(pixels, rgb=True))
    np.testing.assert_allclose(
        features["intensity_mean_green"], means(pixels[..., 1]), rtol=1e-6
    )


def test_a_plane_alone_is_measured_where_it_lies() -> None:
    image = Image(PLANES, axis_labels=("z", "y", "x"), scale=(3, 1, 1))
    layer = Labels(LABELS[np.newaxis], translate=(6, 0, 0), scale=(3, 1, 1))
    features = measure(layer, image)
    np.testing.assert_allclose(features["mean_intensity"], means(PLANES[2]))
    assert features["z"].tolist() == [2, 2]


def test_axes_in_another_order() -> None:
    turned = PLANES.transpose(2, 1, 0)
    image = Image(turned, axis_labels=("x", "y", "z"), rgb=False)
    stack = np.stack([LABELS * 0, LABELS, LABELS * 0, LABELS * 0])
    layer = Labels(stack.transpose(2, 1, 0), axis_labels=("x", "y", "z"))
    features = measure(layer, image)
    np.testing.assert_allclose(features["mean_intensity"], means(PLANES[1]))
    np.testing.assert_allclose(features["centroid_x"], [7.5, 31])
    assert features["z"].tolist() == [1, 1]


def test_labels_and_images_that_are_not_in_memory() -> None:
    stack = np.stack([LABELS, LABELS + 2 * (LABELS > 0)])
    image = Image(da.from_array(PLANES[:2], chunks=(1, 20, 50)))
    features = measure(Labels(da.from_array(stack)), image)
    expected = means(PLANES[0]) + means(PLANES[1])
    np.testing.assert_allclose(features["mean_intensity"], expected)


def test_multiscale_labels_are_measured_at_full_resolution() -> None:
    layer = Labels([LABELS, LABELS[::2, ::2]], multiscale=True)
    image = Image([PLANES[0], PLANES[0, ::2, ::2]], multiscale=True)
    features = measure(layer, image)
    assert features["area"].tolist() == [48, 30]
    np.testing.assert_allclose(features["mean_intensity"], means(PLANES[0]))


def test_nuclei_of_a_coarser_level_are_measured_in_it() -> None:
    fine = np.repeat(np.repeat(PLANES[0], 2, axis=0), 2, axis=1)
    image = Image([fine, PLANES[0]], multiscale=True, name="cells")
    layer = Labels(LABELS, scale=(2, 2), translate=(0.5, 0.5))
    with pytest.raises(LabelsError, match="do not fit"):
        measure(layer, image)  # which may be another image's
    for nonsense in ([3, 3], ["a", 0], 7):
        layer.metadata = {"level": 1, "level_factors": nonsense}
        with pytest.raises(LabelsError, match="do not fit"):
            measure(layer, image)
    layer.metadata = {"level": 1, "level_factors": [2, 2]}
    features = measure(layer, image)
    assert features["area"].tolist() == [48, 30]
    np.testing.assert_allclose(features["mean_intensity"], means(PLANES[0]))


def test_labels_of_another_size_are_refused() -> None:
    with pytest.raises(LabelsError, match="do not fit"):
        measure(Labels(LABELS[1:]), Image(PLANES[0], name="cells"))


def test_labels_of_several_channels_are_refused() -> None:
    layer = Labels(np.stack([LABELS] * 2), axis_labels=("c", "y", "x"))
    with pytest.raises(LabelsError, match="Split the layer"):
        measure(layer)


def test_axes_that_could_be_anything_are_refused() -> None:
    with pytest.raises(LabelsError, match="Name them"):
        measure(Labels(np.zeros((2, 2, 2, 4, 4), np.int32)))
