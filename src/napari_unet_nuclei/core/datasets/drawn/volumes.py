"""Volumes of fluorescent nuclei whose true labels are known, plane by plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rng = np.random.Generator

_MAX_HIDDEN = 0.03  # part of a nucleus that may lie in others
_SMALLEST = 12  # voxels


@dataclass(frozen=True, kw_only=True)
class VolumeLook:
    """What a drawn volume shows, and how it is recorded.

    Parameters
    ----------
    spacing : float
        Distance between planes, in pixels of a plane.
    diameter : float, in px
        Typical diameter of the nuclei.
    density : float in [0, 1]
        Part of the volume that is tried to be covered.
    touching : float in [0, 1]
        Part of the nuclei that are placed against another, in any direction.
    blur : (float, float), in px
        Standard deviation of the point spread function along Z, and in a plane.
    photons : float
        Recorded of a typical nucleus in a voxel; the fewer, the more noise.
    """

    spacing: float = 2.0
    diameter: float = 24.0
    density: float = 0.12
    touching: float = 0.5
    blur: tuple[float, float] = (2.0, 1.0)
    photons: float = 150.0


_USUAL = VolumeLook()


def draw_volume(
    seed: int, shape: tuple[int, int, int], look: VolumeLook = _USUAL
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Volume of fluorescent nuclei and its true labels.

    Parameters
    ----------
    seed : int
        The same seed draws the same volume.
    shape : (int, int, int)
        Planes, height and width.
    look : VolumeLook
        Spacing, nuclei and noise.

    Returns
    -------
    image : (Z, Y, X) ndarray of uint8
        Bright nuclei on a dark background.
    labels : (Z, Y, X) ndarray of int32
        0 = background, then 1, 2, … without gaps.

    Examples
    --------
    >>> image, labels = draw_volume(0, (8, 64, 64))
    >>> image.shape, labels.shape
    ((8, 64, 64), (8, 64, 64))
    """
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    light = np.zeros(shape, np.float32)
    extent = np.array(shape) * (look.spacing, 1, 1)
    wanted = look.density * labels.size
    centres: list[NDArray[np.float64]] = []
    n_covered = 0
    for _ in range(int(40 * wanted / _voxels(look)) + 1):
        if n_covered >= wanted:
            break
        nucleus = _Ellipsoid(rng, look.diameter)
        centre = rng.uniform(0, extent)
        if centres and rng.random() < look.touching:
            direction = rng.standard_normal(3)
            start = centres[rng.integers(len(centres))]
            centre = start + direction / np.linalg.norm(direction) * look.diameter * (
                rng.uniform(0.75, 1.2)
            )
        box = _box(centre, nucleus.reach, look.spacing, shape)
        level = nucleus.level(centre, box, look.spacing)
        seen = (level < 1) & (labels[box] == 0)
        n_seen, n_whole = np.count_nonzero(seen), np.count_nonzero(level < 1)
        if n_seen < max((1 - _MAX_HIDDEN) * n_whole, _SMALLEST):
            continue
        centres.append(centre)
        labels[box][seen] = len(centres)
        inside = np.sqrt(np.clip(1 - level[seen] ** 2, 0, 1))
        light[box][seen] = rng.lognormal(0, 0.25) * (0.6 + 0.4 * inside)
        n_covered += int(n_seen)
    return _record(rng, light, look), labels


class _Ellipsoid:
    """An ellipsoid with waves on its surface, turned at random."""

    def __init__(self, rng: Rng, diameter: float) -> None:
        size = diameter * float(np.clip(rng.lognormal(0, 0.15), 0.6, 1.6))
        ratio = rng.uniform(0.8, 1.25, 3)
        axes = size / 2 * ratio / np.cbrt(ratio.prod())
        turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        self._to_unit = turn / axes
        self._waves = rng.normal(0, 2.0, (4, 3))
        self._heights = rng.normal(0, 0.05, 4)
        self._phases = rng.uniform(0, 2 * np.pi, 4)
        self.reach = 1.3 * float(axes.max())

    def level(
        self, centre: NDArray[np.float64], box: tuple[slice, ...], spacing: float
    ) -> NDArray[np.float64]:
        """Return the distance of voxels to the centre, 1 at the surface."""
        grid = np.mgrid[box].astype(np.float64)
        grid[0] *= spacing
        offset = np.moveaxis(grid, 0, -1) - centre
        unit = offset @ self._to_unit
        radius = np.linalg.norm(unit, axis=-1)
        way = unit / np.maximum(radius, 1e-9)[..., np.newaxis]
        waves = np.cos(way @ self._waves.T + self._phases) @ self._heights
        return np.asarray(radius / (1 + waves))


def _voxels(look: VolumeLook) -> float:
    """Return how many voxels a typical nucleus has."""
    return max(np.pi / 6 * look.diameter**3 / look.spacing, 1.0)


def _box(
    centre: NDArray[np.float64],
    reach: float,
    spacing: float,
    shape: tuple[int, int, int],
) -> tuple[slice, ...]:
    """Return the part of the volume that may hold a nucleus."""
    slices = []
    for middle, step, length in zip(centre, (spacing, 1, 1), shape, strict=True):
        start = int(np.floor((middle - reach) / step))
        stop = int(np.ceil((middle + reach) / step)) + 1
        slices.append(slice(min(max(start, 0), length), min(max(stop, 0), length)))
    return tuple(slices)


def _record(
    rng: Rng, light: NDArray[np.float32], look: VolumeLook
) -> NDArray[np.uint8]:
    """Return what an 8-bit camera records."""
    along, across = look.blur
    grain = 1 + 0.12 * ndimage.gaussian_filter(
        rng.standard_normal(light.shape, dtype=np.float32), (0, 1.5, 1.5)
    ) * (2 * np.sqrt(np.pi) * 1.5)
    sigma = (along / look.spacing, across, across)
    signal = ndimage.gaussian_filter(light * grain, sigma)
    signal = 0.03 + np.clip(signal, 0, None)
    counts = rng.poisson(look.photons * signal) / look.photons
    return np.asarray(np.clip(np.rint(5 + 110 * counts), 0, 255), np.uint8)
