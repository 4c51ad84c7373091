from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import regionprops_table

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.instances.convexity import convex_areas
from napari_unet_nuclei.core.instances.shapes import SHAPE_COLUMNS, measure_shapes

if TYPE_CHECKING:
    from numpy.typing import NDArray


def nuclei(seed: int) -> NDArray[np.int32]:
    return np.asarray(draw_nuclei(seed, (160, 200), 25)[1], np.int32)


def specks(seed: int) -> NDArray[np.int32]:
    """Return areas of one to hundreds of pixels, with holes."""
    mask = np.random.default_rng(seed).random((90, 70)) > 0.55
    return np.asarray(ndimage.label(mask)[0], np.int32)


def scattered(seed: int) -> NDArray[np.int32]:
    """Return labels in many pieces, with empty rows between them."""
    labels = np.random.default_rng(seed).integers(-60, 6, (50, 40))
    return np.maximum(labels, 0).astype(np.int32)


@pytest.mark.parametrize("draw", [nuclei, specks, scattered])
@pytest.mark.parametrize("seed", range(3))
def test_shapes_are_those_of_scikit_image(draw: object, seed: int) -> None:
    assert callable(draw)
    labels = draw(seed)
    rows, columns = np.nonzero(labels)
    _, positions = np.unique(labels[rows, columns], return_inverse=True)
    shapes = measure_shapes(labels, rows, columns, positions)
    expected = regionprops_table(labels, properties=SHAPE_COLUMNS)
    assert tuple(shapes) == SHAPE_COLUMNS
    for name, column in shapes.items():
        # The axes of a round nucleus have no direction.
        atol = 1e-6 if name != "orientation" else 1e-4
        np.testing.assert_allclose(column, expected[name], atol=atol, err_msg=name)


def test_no_nuclei_have_no_hulls() -> None:
    nothing = np.zeros(0, np.intp)
    assert convex_areas(nothing, nothing, nothing).size == 0


def test_a_nucleus_of_thousands_of_rows_beside_small_ones_is_measured() -> None:
    labels = np.zeros((3000, 12), np.int32)
    labels[:, 0] = 1
    labels[1500, :6] = 1
    labels[::4, 9] = np.arange(2, 752)
    rows, columns = np.nonzero(labels)
    areas = convex_areas(rows, columns, labels[rows, columns] - 1)
    assert (areas[1:] == 1).all()
    # A triangle of half the height to either side of the row that sticks out.
    assert areas[0] == pytest.approx(3000 + 5 * 3000 / 2, rel=0.01)
