from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.images.calibration import Calibration
from napari_unet_nuclei.core.instances import remeasuring
from napari_unet_nuclei.core.instances.remeasuring import PlaneImage, remeasure
from napari_unet_nuclei.core.settings.choices import Measurement
from napari_unet_nuclei.core.settings.measurements import MeasurementSettings

IMAGE, LABELS = draw_nuclei(5, (300, 320), 60)
PLANE = PlaneImage(
    image=IMAGE,
    channels={"a": IMAGE, "b": IMAGE[::-1].astype(np.float32)},
    foreground=IMAGE / 255,
    calibration=Calibration(sizes={"Y": 0.5, "X": 0.5}, unit="um"),
    settings=MeasurementSettings(what=tuple(Measurement), ring=2.0, ring_unit="um"),
)


def edit(labels: np.ndarray, rng: np.random.Generator) -> None:
    """Paint, erase, recolour or remove something small."""
    y, x = (int(rng.integers(0, length)) for length in labels.shape)
    here = np.s_[y : y + int(rng.integers(1, 9)), x : x + int(rng.integers(1, 9))]
    match rng.integers(4):
        case 0:
            labels[here] = 0
        case 1:
            labels[here] = labels.max() + 1
        case 2:
            labels[labels == labels[y, x]] = 0
        case 3:
            labels[here] = rng.choice(np.unique(labels))


@pytest.mark.parametrize("seed", range(6))
def test_the_table_after_edits_is_that_of_a_new_measurement(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remeasuring, "_LARGE_PART", 2)
    rng = np.random.default_rng(seed)
    labels = LABELS.copy()
    features = PLANE.measure(labels)
    for _ in range(8):
        before = labels.copy()
        edit(labels, rng)
        features = remeasure(features, before, labels, PLANE)
        expected = PLANE.measure(labels)
        assert list(features) == list(expected)
        for name, column in expected.items():
            np.testing.assert_allclose(features[name], column, err_msg=name, atol=1e-9)


def test_few_nuclei_are_measured_after_a_small_edit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features, labels, sizes = PLANE.measure(LABELS), LABELS.copy(), []
    measure = PlaneImage.measure

    def note(self: PlaneImage, part: np.ndarray) -> object:
        sizes.append(part.size)
        return measure(self, part)

    monkeypatch.setattr(PlaneImage, "measure", note)
    labels[LABELS == 7] = 0
    remeasure(features, LABELS, labels, PLANE)
    assert sizes
    assert sum(sizes) < LABELS.size / 4


def test_nothing_is_measured_where_nothing_has_changed() -> None:
    features = PLANE.measure(LABELS)
    assert remeasure(features, LABELS, LABELS.copy(), PLANE) is features


def test_the_last_nucleus_may_go() -> None:
    labels = np.zeros((9, 9), np.int32)
    labels[4, 4] = 3
    plane = PlaneImage()
    features = plane.measure(labels)
    assert "mean_intensity" not in features
    left = remeasure(features, labels, np.zeros_like(labels), plane)
    assert {name: column.size for name, column in left.items()} == dict.fromkeys(
        features, 0
    )
