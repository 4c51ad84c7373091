"""Where nuclei lie and what shape they have; how they look is drawn elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.datasets.drawn.fields import smooth_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rng = np.random.Generator

_SMALLEST_SEEN = 0.5  # of a nucleus that lies behind others
_SMALLEST = 12  # px²
_LONGEST = 1.35  # times the half axis, of an outline


@dataclass(frozen=True, kw_only=True)
class Population:
    """What nuclei an image shows.

    Parameters
    ----------
    diameter : float, in px
        Typical diameter of a disc with the same area.
    spread : float
        Standard deviation of the logarithm of the diameter.
    elongation : (float, float)
        Smallest and largest ratio of length to width.
    density : float in [0, 1]
        Part of the area that is tried to be covered.
    overlap : float in [0, 1)
        Part of a nucleus that may lie behind others.
    alignment : float in [0, 1]
        How much neighbours lie in the same direction.
    roughness : float
        How much outlines deviate from an ellipse; .09 is usual.
    mitoses : float in [0, 1]
        Part of the nuclei that divide.
    """

    diameter: float = 24.0
    spread: float = 0.18
    elongation: tuple[float, float] = (1.05, 1.7)
    density: float = 0.25
    overlap: float = 0.05
    alignment: float = 0.0
    roughness: float = 0.09
    mitoses: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Nuclei in their places.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        0 = background, then 1, 2, … without gaps, each nucleus connected.
    depth : (Y, X) ndarray of float32, in px
        Distance to the outline of the own nucleus, 0 outside.
    thickness : (Y, X) ndarray of float32, values in [0, 1]
        1 in the middle of a nucleus, 0 at its outline and outside.
    is_mitosis : (n + 1,) ndarray of bool
        By label, which of them divide.
    angle : (Y, X) ndarray of float32, in radians
        Direction of the tissue.
    """

    labels: NDArray[np.int32]
    depth: NDArray[np.float32]
    thickness: NDArray[np.float32]
    is_mitosis: NDArray[np.bool_]
    angle: NDArray[np.float32]

    def of_each(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Give each pixel the value of its nucleus; the first one is background's."""
        return values.astype(np.float32)[self.labels]

    @property
    def n_nuclei(self) -> int:
        """How many nuclei there are."""
        return self.is_mitosis.size - 1


@dataclass(frozen=True, kw_only=True)
class _Outline:
    """One nucleus on a square patch: distance to the outline, relative radius."""

    depth: NDArray[np.float32]
    relative: NDArray[np.float32]
    is_mitosis: bool = False


def place_nuclei(
    rng: Rng,
    shape: tuple[int, int],
    population: Population,
    allowed: NDArray[np.bool_] | None = None,
) -> Scene:
    """Put nuclei where there is room.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : (int, int), in px
        Height and width.
    population : Population
        What nuclei there are.
    allowed : (Y, X) ndarray of bool, optional
        Where their centres may lie.

    Returns
    -------
    Scene
        The nuclei; a later one lies behind those that are there.
    """
    angle = np.float32(rng.uniform(0, np.pi)) + np.float32(0.9) * smooth_noise(
        rng, shape, 5 * population.diameter
    )
    labels = np.zeros(shape, np.int32)
    depth, thickness = np.zeros((2, *shape), np.float32)
    mitoses = [False]
    area = np.pi / 4 * population.diameter**2
    n_tries = int(population.density * labels.size / area * 8) + 1
    wanted = population.density * (labels.size if allowed is None else allowed.sum())
    covered = 0
    for _ in range(n_tries):
        centre = int(rng.integers(shape[0])), int(rng.integers(shape[1]))
        if covered >= wanted or (allowed is not None and not allowed[centre]):
            continue
        along = float(angle[centre])
        for offset, outline in _draw_outlines(rng, population, along):
            place = centre[0] + offset[0], centre[1] + offset[1]
            box, patch = _windows(place, outline.depth.shape[0] // 2, shape)
            seen = _seen_part(outline.depth[patch], labels[box], population.overlap)
            if seen is None:
                break
            labels[box][seen] = len(mitoses)
            depth[box][seen] = outline.depth[patch][seen]
            thickness[box][seen] = 1 - outline.relative[patch][seen] ** 2
            mitoses.append(outline.is_mitosis)
            covered += int(seen.sum())
    return Scene(
        labels=labels,
        depth=depth,
        thickness=np.clip(thickness, 0, 1),
        is_mitosis=np.array(mitoses),
        angle=angle,
    )


def _draw_outlines(
    rng: Rng, population: Population, along: float
) -> list[tuple[tuple[int, int], _Outline]]:
    """Draw a nucleus, or the one or two plates of one that divides."""
    turn = along + rng.uniform(-1, 1) * (1 - population.alignment) * np.pi / 2
    size = population.diameter * rng.lognormal(0, population.spread)
    size = float(np.clip(size, 0.5 * population.diameter, 1.8 * population.diameter))
    if rng.random() >= population.mitoses:
        ratio = rng.uniform(*population.elongation)
        outline = _draw_outline(rng, size, ratio, turn, population.roughness)
        return [((0, 0), outline)]
    ratio = rng.uniform(2.2, 3.4)
    plates = [
        _draw_outline(rng, 0.62 * size, ratio, turn, 0.13, is_mitosis=True)
        for _ in range(int(rng.integers(1, 3)))
    ]
    gap = rng.uniform(0.25, 0.55) * size * (len(plates) - 1)
    return [
        ((round(sign * gap * np.cos(turn)), round(-sign * gap * np.sin(turn))), plate)
        for sign, plate in zip((1, -1), plates, strict=False)
    ]


def _draw_outline(
    rng: Rng,
    size: float,
    ratio: float,
    turn: float,
    roughness: float,
    *,
    is_mitosis: bool = False,
) -> _Outline:
    """Draw an ellipse with waves along its outline."""
    long, short = size / 2 * np.sqrt(ratio), size / 2 / np.sqrt(ratio)
    half = int(np.ceil(_LONGEST * long)) + 1
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    theta = np.arctan2(y, x) - np.float32(turn)
    outline = 1 / np.hypot(np.cos(theta) / long, np.sin(theta) / short)
    for mode in range(2, 8):
        amplitude = rng.normal(0, roughness) / (mode - 1) ** 1.3
        outline *= 1 + amplitude * np.cos(mode * theta + rng.uniform(0, 2 * np.pi))
    outline = np.clip(outline, 0.5 * short, _LONGEST * long)
    radius = np.hypot(y, x)
    return _Outline(
        depth=(outline - radius).astype(np.float32),
        relative=(radius / outline).astype(np.float32),
        is_mitosis=is_mitosis,
    )


def _windows(
    centre: tuple[int, int], half: int, shape: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a patch lies in the image, and which part of it the image shows."""
    boxes, patches = [], []
    for middle, length in zip(centre, shape, strict=True):
        start, stop = max(middle - half, 0), min(middle + half + 1, length)
        start, stop = min(start, length), max(stop, 0)
        boxes.append(slice(start, stop))
        patches.append(slice(start - middle + half, stop - middle + half))
    return (boxes[0], boxes[1]), (patches[0], patches[1])


def _seen_part(
    depth: NDArray[np.float32], labels: NDArray[np.int32], overlap: float
) -> NDArray[np.bool_] | None:
    """Return what others leave of a nucleus, or None where that is too little."""
    whole = depth > 0
    seen = whole & (labels == 0)
    n_whole, n_seen = np.count_nonzero(whole), np.count_nonzero(seen)
    if n_seen < max((1 - overlap) * n_whole, _SMALLEST):
        return None
    parts, n_parts = ndimage.label(seen)
    if n_parts > 1:
        sizes = np.bincount(parts.ravel())[1:]
        seen = parts == 1 + int(sizes.argmax())
        if sizes.max() < _SMALLEST_SEEN * n_whole:
            return None
    return np.asarray(seen)
