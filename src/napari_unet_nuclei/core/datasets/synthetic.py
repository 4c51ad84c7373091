"""Drawn images of fluorescent nuclei whose true labels are known.

For examples, tests and benchmarks that must not depend on a download.  Images
drawn here are never what a model learns from or is scored on; real samples
belong in the modules that read data sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MARGIN = 8
"""Pixels around an outline that blur may light up."""

_GAP = 2
"""Pixels left free around nuclei that are not meant to touch."""

_MAX_OVERLAP = 0.05
"""Part of a nucleus that a touching neighbour may cover."""

_MAX_TRIES = 100


@dataclass(frozen=True, kw_only=True)
class _Nucleus:
    """One nucleus, drawn on a square patch around its centre.

    Parameters
    ----------
    depth : (N, N) ndarray of float32, in px
        Distance to the outline along the ray from the centre, positive inside.
    light : (N, N) ndarray of float32
        Fluorescence, in multiples of that of a typical nucleus.
    """

    depth: NDArray[np.float32]
    light: NDArray[np.float32]


def draw_nuclei(
    seed: int,
    shape: tuple[int, int] = (512, 512),
    n_nuclei: int = 60,
    *,
    diameter: float = 26.0,
    touching: float = 0.35,
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Image of fluorescent nuclei and its true labels.

    Size, elongation, outline, brightness, texture and focus vary between
    nuclei; illumination, contrast and texture vary between seeds.

    Parameters
    ----------
    seed : int
        The same seed draws the same image.
    shape : (int, int), in px
        Height and width.
    n_nuclei : int
        Nuclei to draw; fewer when no more find room.
    diameter : float, in px
        Typical diameter; most nuclei lie within 40 % of it.
    touching : float in [0, 1]
        Part of the nuclei that are placed against another one.

    Returns
    -------
    image : (Y, X) ndarray of uint8
        Bright nuclei on a dark, uneven background, with noise.
    labels : (Y, X) ndarray of int32
        0 = background, then 1, 2, … without gaps, each nucleus connected.

    Raises
    ------
    SettingsError
        If the shape, the number, the diameter or the part that touches is out
        of range.
    """
    _check_settings(shape, n_nuclei, diameter, touching)
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    light = np.zeros(shape, np.float32)
    texture = _draw_texture(rng, shape)
    spot_strength = rng.uniform(0.1, 0.5)

    centres: list[tuple[int, int]] = []
    for _ in range(n_nuclei):
        nucleus = _draw_nucleus(rng, diameter, spot_strength)
        centre = _find_place(rng, nucleus, labels, centres, touching)
        if centre is None:
            continue
        centres.append(centre)
        inside, patch = _windows(centre, nucleus.depth.shape[0] // 2, shape)
        labels[inside][_free_part(nucleus.depth[patch], labels[inside])] = len(centres)
        light[inside] += nucleus.light[patch] * texture[inside]
    return _take_picture(rng, light), labels


def _check_settings(
    shape: tuple[int, int], n_nuclei: int, diameter: float, touching: float
) -> None:
    if np.shape(shape) != (2,) or min(shape) < 1:
        raise SettingsError(
            "The shape must be a height and a width of 1 px or more. "
            f"Received: shape={shape}. Pass (height, width)."
        )
    if n_nuclei < 0:
        raise SettingsError(
            "The number of nuclei must be 0 or more. "
            f"Received: n_nuclei={n_nuclei}. Draw an empty image with 0."
        )
    if not 8 <= diameter <= 500:
        raise SettingsError(
            "The nucleus diameter must lie between 8 and 500 px. "
            f"Received: diameter={diameter}. Most nuclei measure 15 to 40 px."
        )
    if not 0 <= touching <= 1:
        raise SettingsError(
            "The part of the nuclei that touch must lie between 0 and 1. "
            f"Received: touching={touching}. Pass 0 to keep all nuclei apart."
        )


def _draw_texture(
    rng: np.random.Generator, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Chromatin texture of mean 1: smoothed noise at two scales."""
    texture = np.ones(shape, np.float32)
    for sigma, amplitude in (1.2, rng.uniform(0.03, 0.08)), (3.0, 0.06):
        noise = rng.standard_normal(shape, np.float32)
        # White noise smoothed by a Gaussian has standard deviation 1 / (2 √π σ).
        scale = amplitude * 2 * np.sqrt(np.pi) * sigma
        texture += np.float32(scale) * ndimage.gaussian_filter(noise, sigma)
    return texture


def _draw_nucleus(
    rng: np.random.Generator, diameter: float, spot_strength: float
) -> _Nucleus:
    """Draw a nucleus of random size, outline, brightness, spots and focus."""
    is_condensed = rng.random() < 0.04
    size = diameter * rng.lognormal(0, 0.18) * (0.7 if is_condensed else 1)
    size = min(max(size, 0.55 * diameter), 1.5 * diameter)
    elongation = rng.uniform(1.05, 1.9)
    long, short = size / 2 * np.sqrt(elongation), size / 2 / np.sqrt(elongation)

    half = int(np.ceil(1.35 * long)) + _MARGIN
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    angle = np.arctan2(y, x) - rng.uniform(0, np.pi)
    outline = 1 / np.hypot(np.cos(angle) / long, np.sin(angle) / short)
    for mode in range(2, 7):
        amplitude = rng.normal(0, 0.09) / (mode - 1) ** 1.5
        outline *= 1 + amplitude * np.cos(mode * angle + rng.uniform(0, 2 * np.pi))
    # No outline may leave its patch or reach its own centre.
    outline = np.clip(outline, 0.5 * short, 1.35 * long)
    radius = np.hypot(y, x)
    depth = outline - radius

    thickness = np.sqrt(np.clip(1 - (radius / outline) ** 2, 0, 1))
    light = np.where(depth > 0, 0.45 + 0.55 * thickness, 0)
    for sign, count in (1.0, rng.poisson(5)), (-0.5, rng.poisson(1.5)):
        for _ in range(count):
            # √ spreads the spots evenly over the area.
            distance = 0.85 * np.sqrt(rng.random())
            theta = rng.uniform(0, 2 * np.pi)
            spot_y = distance * short * np.sin(theta)
            spot_x = distance * short * np.cos(theta)
            sigma = size * rng.uniform(0.03, 0.07)
            squared = (y - spot_y) ** 2 + (x - spot_x) ** 2
            light *= 1 + sign * spot_strength * np.exp(-squared / (2 * sigma**2))

    light *= rng.lognormal(0, 0.25) * (2 if is_condensed else 1)
    is_out_of_focus = rng.random() < 0.15
    blur = rng.uniform(1.5, 2.5) if is_out_of_focus else rng.uniform(0.8, 1.2)
    light = ndimage.gaussian_filter(light, blur)
    return _Nucleus(depth=depth.astype(np.float32), light=light.astype(np.float32))


def _find_place(
    rng: np.random.Generator,
    nucleus: _Nucleus,
    labels: NDArray[np.int32],
    centres: list[tuple[int, int]],
    touching: float,
) -> tuple[int, int] | None:
    """Find a centre, against another nucleus with this probability, or None."""
    if centres and rng.random() < touching:
        centre = _find_touching_place(rng, nucleus, labels, centres)
        if centre is not None:
            return centre
    return _find_free_place(rng, nucleus, labels)


def _find_free_place(
    rng: np.random.Generator, nucleus: _Nucleus, labels: NDArray[np.int32]
) -> tuple[int, int] | None:
    """Find a centre that keeps a gap to all other nuclei, or None."""
    height, width = labels.shape
    for _ in range(_MAX_TRIES):
        centre = int(rng.integers(height)), int(rng.integers(width))
        inside, patch = _windows(centre, nucleus.depth.shape[0] // 2, labels.shape)
        if not labels[inside][nucleus.depth[patch] > -_GAP].any():
            return centre
    return None


def _find_touching_place(
    rng: np.random.Generator,
    nucleus: _Nucleus,
    labels: NDArray[np.int32],
    centres: list[tuple[int, int]],
) -> tuple[int, int] | None:
    """Find a centre where the nucleus abuts one of those drawn, or None."""
    height, width = labels.shape
    half = nucleus.depth.shape[0] // 2
    for _ in range(_MAX_TRIES // 5):
        y, x = centres[rng.integers(len(centres))]
        theta = rng.uniform(0, 2 * np.pi)
        for distance in range(half // 2, 4 * half):
            centre = (
                round(y + distance * np.sin(theta)),
                round(x + distance * np.cos(theta)),
            )
            if min(centre) < 0 or centre[0] >= height or centre[1] >= width:
                break
            inside, patch = _windows(centre, half, labels.shape)
            drawn = nucleus.depth[patch] > 0
            overlap = np.count_nonzero(labels[inside][drawn])
            if overlap <= _MAX_OVERLAP * np.count_nonzero(drawn):
                if overlap:
                    return centre
                break
    return None


def _windows(
    centre: tuple[int, int], half: int, shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a patch lies in the image, and which part of it the image shows."""
    starts = [max(c - half, 0) for c in centre]
    stops = [min(c + half + 1, n) for c, n in zip(centre, shape, strict=True)]
    (top, left), (bottom, right) = starts, stops
    dy, dx = half - centre[0], half - centre[1]
    return (
        (slice(top, bottom), slice(left, right)),
        (slice(top + dy, bottom + dy), slice(left + dx, right + dx)),
    )


def _free_part(
    depth: NDArray[np.float32], labels: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Return the largest connected part of a nucleus that no other covers."""
    parts, n_parts = ndimage.label((depth > 0) & (labels == 0))
    largest = 1 + np.argmax(np.bincount(parts.ravel())[1:]) if n_parts > 1 else 1
    return np.asarray(parts == largest)


def _take_picture(
    rng: np.random.Generator, light: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Return what an 8-bit camera records of the fluorescence."""
    glow = ndimage.gaussian_filter(light, 10, mode="constant")
    y, x = (
        np.linspace(-1, 1, n, dtype=np.float32).reshape(axis)
        for n, axis in zip(light.shape, ((-1, 1), (1, -1)), strict=True)
    )
    centre_y, centre_x = rng.uniform(-0.5, 0.5, 2)
    illumination = 1 - 0.12 * ((y - centre_y) ** 2 + (x - centre_x) ** 2)
    background = rng.uniform(0.04, 0.12) * (1 + rng.uniform(-0.4, 0.4) * (y + x) / 2)
    signal = illumination * (light + rng.uniform(0.1, 0.4) * glow + background)

    photons = rng.uniform(400, 2000)
    signal = rng.poisson(photons * np.clip(signal, 0, None)) / photons
    levels = rng.uniform(60, 110) * signal + rng.uniform(2, 10)
    levels += rng.normal(0, rng.uniform(0.3, 0.6), levels.shape)
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)
