"""Nuclei that shine on a dark background: cultures, sections, rings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.datasets.drawn.fields import smooth_noise
from napari_unet_nuclei.core.datasets.drawn.nuclei import Population, place_nuclei

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.drawn.nuclei import Scene

Rng = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Fluorescence:
    """How nuclei shine and how they are recorded.

    Parameters
    ----------
    brightness : float
        Standard deviation of the logarithm of the brightness of nuclei.
    texture : float
        Contrast of the chromatin.
    spots : float
        Chromocentres per nucleus, as in mouse.
    ring : float in [0, 1]
        How hollow nuclei are: 1 shows their rims alone.
    haze : float
        Glow, and nuclei out of focus, relative to the nuclei.
    blur : float, in px
        Standard deviation of the point spread function.
    photons : float
        Recorded of a typical nucleus in a pixel; the fewer, the more noise.
    """

    brightness: float = 0.3
    texture: float = 0.15
    spots: float = 0.0
    ring: float = 0.0
    haze: float = 0.15
    blur: float = 0.9
    photons: float = 300.0


def draw_fluorescence(
    rng: Rng, scene: Scene, population: Population, how: Fluorescence
) -> NDArray[np.uint8]:
    """Draw the nuclei of a scene as a camera records them.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    scene : Scene
        The nuclei.
    population : Population
        What they were drawn from; those out of focus are drawn from it, too.
    how : Fluorescence
        How they shine.

    Returns
    -------
    (Y, X) ndarray of uint8
        Grey image.
    """
    shape = scene.labels.shape
    light = _nuclear_light(rng, scene, population.diameter, how)
    light = ndimage.gaussian_filter(light, how.blur)
    out_of_focus = np.zeros(shape, np.float32)
    if how.haze > 0:
        for sigma in (0.18, 0.4):
            others = place_nuclei(rng, shape, population)
            layer = np.sqrt(others.thickness) * _levels(rng, others, how.brightness)
            blur = sigma * population.diameter
            out_of_focus += ndimage.gaussian_filter(layer, blur)
    glow = ndimage.gaussian_filter(light + out_of_focus, 1.2 * population.diameter)
    tissue = np.clip(1 + 0.4 * smooth_noise(rng, shape, population.diameter), 0, 3)
    signal = light + np.float32(how.haze) * (0.7 * out_of_focus + 0.8 * glow)
    signal += rng.uniform(0.01, 0.03) + np.float32(0.12 * how.haze) * tissue
    illumination = np.exp(0.12 * smooth_noise(rng, shape, max(shape) / 2))
    return _record(rng, signal * illumination, how.photons)


def _nuclear_light(
    rng: Rng, scene: Scene, diameter: float, how: Fluorescence
) -> NDArray[np.float32]:
    """Draw what the nuclei send out, in multiples of a typical one."""
    shape = scene.labels.shape
    profile = np.where(scene.labels > 0, 0.5 + 0.5 * np.sqrt(scene.thickness), 0)
    if how.ring > 0:
        width = 0.1 * diameter
        rim = np.exp(-(((scene.depth - width) / width) ** 2))
        hollow = how.ring * _between(rng, scene, 0.75, 1.0)
        profile *= 1 - hollow + hollow * 1.1 * rim
    fine, coarse = (smooth_noise(rng, shape, part * diameter) for part in (0.035, 0.1))
    grain = np.exp(how.texture * (0.7 * fine + 0.8 * coarse))
    light = profile * grain * _levels(rng, scene, how.brightness)
    if how.spots > 0:
        field = smooth_noise(rng, shape, 0.05 * diameter)
        high = 2.6 - 0.25 * how.spots
        light *= 1 + 1.6 * np.clip(field - high + 1, 0, 1.2) ** 2
    nucleoli = smooth_noise(rng, shape, 0.08 * diameter)
    light *= 1 - 2 * how.texture * np.clip(nucleoli - 1.4, 0, 1)
    return np.asarray(light, np.float32)


def _levels(rng: Rng, scene: Scene, spread: float) -> NDArray[np.float32]:
    """Draw a brightness for each nucleus; chromosomes of those that divide shine."""
    levels = rng.lognormal(0, spread, scene.is_mitosis.size)
    levels[scene.is_mitosis] *= rng.uniform(1.6, 2.6, scene.is_mitosis.sum())
    return scene.of_each(np.clip(levels, 0.3, 6))


def _between(rng: Rng, scene: Scene, low: float, high: float) -> NDArray[np.float32]:
    return scene.of_each(rng.uniform(low, high, scene.is_mitosis.size))


def _record(rng: Rng, signal: NDArray[np.float32], photons: float) -> NDArray[np.uint8]:
    """Return what an 8-bit camera records."""
    counts = rng.poisson(photons * np.clip(signal, 0, None)) / photons
    counts += rng.normal(0, 0.6 / np.sqrt(photons), signal.shape)
    top = np.percentile(counts, 99.7) * rng.uniform(0.85, 1.3)
    levels = rng.uniform(2, 8) + 240 * counts / max(float(top), 1e-3)
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)
