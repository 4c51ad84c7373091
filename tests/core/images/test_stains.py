from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.images import rescaling, stains
from napari_unet_nuclei.core.images.stains import NuclearStain, stain_of
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

EOSIN, DAB = (0.07, 0.99, 0.11), (0.27, 0.57, 0.78)
NUCLEI, _ = draw_nuclei(0, (160, 200), 15)


def likeness(image: NDArray[Any], stain: Stain) -> float:
    """Correlation of what is shown with the nuclei."""
    shown = NuclearStain(image, stain).show(image)
    assert shown.shape == image.shape
    assert shown.dtype == np.uint8
    return float(np.corrcoef(shown[..., 1].ravel(), NUCLEI.ravel())[0, 1])


@pytest.mark.parametrize(("stain_", "tissue"), [(Stain.HE, EOSIN), (Stain.HDAB, DAB)])
def test_hematoxylin_is_separated_from_the_other_dye(
    stain: Callable[..., Any], stain_: Stain, tissue: Any
) -> None:
    image = stain(NUCLEI, tissue)
    darkness = 255 - image.mean(axis=-1)
    assert np.corrcoef(darkness.ravel(), NUCLEI.ravel())[0, 1] < 0.9
    assert likeness(image, stain_) > 0.98


def test_a_tinted_background_makes_no_difference(stain: Callable[..., Any]) -> None:
    tinted = stain(NUCLEI, EOSIN, light=(200, 230, 170))
    plain = stain(NUCLEI, EOSIN)
    shown, expected = (
        NuclearStain(image, Stain.HE).show(image).astype(int)
        for image in (tinted, plain)
    )
    assert np.abs(shown - expected).mean() < 3


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_the_dtype_makes_no_difference(stain: Callable[..., Any], dtype: Any) -> None:
    image = stain(NUCLEI, EOSIN)
    other = image.astype(dtype) * dtype(200)
    np.testing.assert_allclose(
        NuclearStain(other, Stain.HE).show(other).astype(int),
        NuclearStain(image, Stain.HE).show(image),
        atol=1,
    )


def test_a_part_is_shown_as_in_the_whole(
    stain: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = stain(NUCLEI, EOSIN)
    dye = NuclearStain(image, Stain.HE)
    whole = dye.show(image)
    np.testing.assert_array_equal(dye.show(image[30:70, 90:]), whole[30:70, 90:])
    monkeypatch.setattr(rescaling, "STRIP_AREA", 1000)  # in strips of 5 rows
    np.testing.assert_array_equal(dye.show(image), whole)


@pytest.mark.parametrize("value", [0, 7, 255])
@pytest.mark.parametrize("stain_", stains.STAINS)
def test_an_even_image_shows_nothing(value: int, stain_: Stain) -> None:
    image = np.full((40, 50, 3), value, np.uint8)
    assert not NuclearStain(image, stain_).show(image).any()
    assert stain_of(image) is Stain.HE


def test_little_tissue_is_enough(stain: Callable[..., Any]) -> None:
    slide = np.full((900, 1000, 3), (245, 240, 245), np.uint8)
    slide[300:460, 500:700] = stain(NUCLEI, EOSIN)
    shown = NuclearStain(slide, Stain.HE).show(slide)[300:460, 500:700, 0]
    assert np.corrcoef(shown.ravel(), NUCLEI.ravel())[0, 1] > 0.95


def test_black_pixels_and_values_below_zero_are_dense_but_finite() -> None:
    image = np.full((30, 30, 3), 200.0)
    image[:10] = 0
    image[10:12] = -50
    image[20:] = (80, 60, 140)
    shown = NuclearStain(image, Stain.HE).show(image)
    assert np.ptp(shown) == 255


def test_brown_tells_dab_from_eosin(stain: Callable[..., Any]) -> None:
    assert stain_of(stain(NUCLEI, EOSIN)) is Stain.HE
    assert stain_of(stain(NUCLEI, DAB)) is Stain.HDAB
    assert stain_of(stain(NUCLEI, EOSIN, light=(230, 220, 180))) is Stain.HE
