"""Nuclei to correct, and what every correction leaves true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.editing.edit import Edit

SHAPE = (48, 60)


def _draw(*discs: tuple[int, int, int]) -> NDArray[np.int32]:
    """Return labels of discs by row, column and radius; later ones lie below."""
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    labels = np.zeros(SHAPE, np.int32)
    for number, (row, column, radius) in reversed(list(enumerate(discs, 1))):
        labels[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = number
    return labels


@st.composite
def _nuclei(draw_one: st.DrawFn) -> NDArray[np.int32]:
    """Draw connected nuclei of uneven outlines, some of which touch."""
    seed = draw_one(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=SHAPE), draw_one(st.integers(2, 5)))
    mask = noise > np.quantile(noise, draw_one(st.floats(0.4, 0.8)))
    seeds = np.zeros(SHAPE, np.int32)
    n_seeds = draw_one(st.integers(2, 12))
    seeds.ravel()[rng.choice(seeds.size, n_seeds, replace=False)] = range(
        1, n_seeds + 1
    )
    rows, columns = ndimage.distance_transform_edt(
        seeds == 0, return_distances=False, return_indices=True
    )
    cells = np.where(mask, seeds[rows, columns], 0)
    labels = np.zeros(SHAPE, np.int32)
    for number in np.unique(cells[cells > 0]).tolist():
        parts, n = ndimage.label(cells == number)
        sizes = np.bincount(parts.ravel(), minlength=n + 1)[1:]
        labels[parts == sizes.argmax() + 1] = 3 * number
    return labels


def _n_parts(labels: NDArray[np.integer], number: int) -> int:
    """Count the parts of a nucleus that are connected by sides."""
    return int(ndimage.label(labels == number)[1])


def _check(
    labels: NDArray[np.int32], edit: Edit, may_change: set[int]
) -> NDArray[np.integer]:
    """Check what every correction leaves true, and return the corrected labels."""
    before = labels.copy()
    corrected = edit.applied_to(labels)
    np.testing.assert_array_equal(labels, before)
    for number in np.unique(corrected[corrected > 0]).tolist():
        assert _n_parts(corrected, number) == 1, number
    others = set(np.unique(labels[labels > 0]).tolist()) - may_change
    for number in others:
        np.testing.assert_array_equal(corrected == number, labels == number)
    rows, columns, values = edit.changes(labels)
    labels = labels.copy()
    labels[rows, columns] = values
    np.testing.assert_array_equal(labels, corrected)
    return corrected


@pytest.fixture(scope="session")
def draw() -> Callable[..., NDArray[np.int32]]:
    """Return what draws discs by row, column and radius."""
    return _draw


@pytest.fixture(scope="session")
def nuclei() -> SearchStrategy[NDArray[np.int32]]:
    """Return a strategy for connected nuclei, some of which touch."""
    return _nuclei()


@pytest.fixture(scope="session")
def n_parts() -> Callable[..., int]:
    """Return what counts the parts of a nucleus that are connected by sides."""
    return _n_parts


@pytest.fixture(scope="session")
def check() -> Callable[..., NDArray[np.integer]]:
    """Return what checks a correction, and returns the corrected labels."""
    return _check
