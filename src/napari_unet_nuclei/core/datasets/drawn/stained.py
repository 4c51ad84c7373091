"""Stained nuclei over tissue in transmitted light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.datasets.drawn.fields import blobs, fibres, smooth_noise
from napari_unet_nuclei.core.datasets.drawn.nuclei import place_nuclei

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.drawn.nuclei import Population, Scene

Rng = np.random.Generator
Shape = tuple[int, int]

_RED_CELL = np.array((0.16, 0.72, 0.62), np.float32)


@dataclass(frozen=True, kw_only=True)
class Tissue:
    """What lies around the nuclei, as densities of the second dye.

    Parameters
    ----------
    stroma : float
        Density of the ground and its fibres; 0 for cells on an empty slide.
    cytoplasm : float
        Density of the cells around their nuclei.
    lumen : float in [0, 1]
        Part of the area without tissue.
    vacuoles, red_cells : int
        How many are tried, in an image of 256 × 256 px.
    rim : float
        How much darker the membrane of a nucleus is than its middle.
    texture : float
        Contrast of the chromatin.
    positive : float in [0, 1]
        Part of the nuclei that take the second dye instead, as with antibodies.
    """

    stroma: float = 0.35
    cytoplasm: float = 0.35
    lumen: float = 0.12
    vacuoles: int = 12
    red_cells: int = 12
    rim: float = 0.3
    texture: float = 0.25
    positive: float = 0.0


def draw_stained(
    rng: Rng,
    shape: Shape,
    population: Population,
    tissue: Tissue,
    dyes: NDArray[np.float32],
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Draw nuclei and the tissue around them, in two dyes.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : (int, int), in px
        Height and width.
    population : Population
        What nuclei there are.
    tissue : Tissue
        What lies around them.
    dyes : (3, 3) ndarray of float32
        The nuclear dye and the other one in the first rows, as optical densities in
        R, G and B.

    Returns
    -------
    image : (Y, X, 3) ndarray of uint8
        Transmitted light.
    labels : (Y, X) ndarray of int32
        0 = background, then 1, 2, … without gaps.
    """
    size = population.diameter
    is_tissue = _tissue_mask(rng, shape, tissue.lumen, size)
    n_vacuoles = round(tissue.vacuoles * shape[0] * shape[1] / 256**2)
    vacuoles = blobs(rng, shape, n_vacuoles, (0.3 * size, 1.1 * size))
    allowed = (is_tissue > 0.7) & (vacuoles < -0.3 * size)
    scene = place_nuclei(rng, shape, population, allowed)
    inside = ndimage.gaussian_filter((scene.labels > 0).astype(np.float32), 0.6)

    body = _draw_body(rng, scene, tissue, size) * is_tissue
    body *= 1 - np.clip(vacuoles + 0.5, 0, 1)
    body += tissue.stroma * 0.5 * np.exp(-((vacuoles / 1.2) ** 2)) * is_tissue
    nuclear = _draw_chromatin(rng, scene, tissue, size)
    positive = rng.random(scene.is_mitosis.size) < tissue.positive
    takes_other = scene.of_each(positive * rng.uniform(0.6, 1.3, positive.size))
    other = body * (1 - 0.75 * inside) + nuclear * takes_other
    density = other[..., np.newaxis] * dyes[1]
    density += (nuclear * (1 - np.minimum(takes_other, 1)))[..., np.newaxis] * dyes[0]
    density += (0.18 * body * (1 - inside))[..., np.newaxis] * dyes[0]
    density += _draw_red_cells(rng, scene, tissue, size)[..., np.newaxis] * _RED_CELL
    return _record(rng, density), scene.labels


def _tissue_mask(
    rng: Rng, shape: Shape, lumen: float, size: float
) -> NDArray[np.float32]:
    """Draw where tissue is, 0 to 1, with smooth edges."""
    if lumen <= 0:
        return np.ones(shape, np.float32)
    field = smooth_noise(rng, shape, 2.2 * size) + 0.12 * smooth_noise(
        rng, shape, 0.3 * size
    )
    level = np.quantile(field, lumen)
    return np.asarray(np.clip((field - level) / 0.08, 0, 1), np.float32)


def _draw_body(
    rng: Rng, scene: Scene, tissue: Tissue, size: float
) -> NDArray[np.float32]:
    """Draw cytoplasm, borders of cells, and fibres where there are no cells."""
    shape = scene.labels.shape
    away, nearest = ndimage.distance_transform_edt(
        scene.labels == 0, return_indices=True
    )
    owner = scene.labels[tuple(nearest)]
    strength = rng.uniform(0.6, 1.4, scene.is_mitosis.size).astype(np.float32)[owner]
    reach = rng.uniform(0.35, 0.8) * size
    is_cell = 1 / (1 + np.exp((away - reach) / (0.08 * size)))
    border = ndimage.morphological_gradient(owner, 3) > 0
    border = ndimage.gaussian_filter(border.astype(np.float32), 0.8)
    grain = smooth_noise(rng, shape, 1.0), smooth_noise(rng, shape, 0.18 * size)
    cytoplasm = strength * (1 + 0.12 * grain[0] + 0.18 * grain[1])
    cytoplasm = cytoplasm * (1 + rng.uniform(-0.4, 0.8) * border)
    strands = fibres(rng, shape, scene.angle, rng.uniform(0.1, 0.22) * size)
    clouds = np.clip(1 + 0.35 * smooth_noise(rng, shape, 2 * size), 0.3, 2)
    ground = strands**1.3 * clouds * (1 + 0.1 * grain[0])
    mixed = tissue.cytoplasm * is_cell * cytoplasm
    mixed += tissue.stroma * (1 - is_cell) * 1.6 * ground
    return np.asarray(np.clip(mixed, 0, None), np.float32)


def _draw_chromatin(
    rng: Rng, scene: Scene, tissue: Tissue, size: float
) -> NDArray[np.float32]:
    """Draw the density of the nuclear dye: clumps, rims, nucleoli, pale nuclei."""
    shape = scene.labels.shape
    n_values = scene.is_mitosis.size
    level = rng.uniform(0.75, 1.25) * rng.lognormal(0, 0.25, n_values)
    level[scene.is_mitosis] *= 1.7
    paleness = rng.uniform(0, 1, n_values)
    clumps = sum(
        weight * smooth_noise(rng, shape, max(part * size, 0.6))
        for weight, part in ((0.6, 0.03), (0.8, 0.07), (0.5, 0.16))
    )
    rim = np.exp(-(((scene.depth - 0.8) / max(0.06 * size, 1.0)) ** 2))
    pale = scene.of_each(paleness) * tissue.rim
    density = scene.of_each(level) * np.exp(tissue.texture * np.asarray(clumps))
    density *= 1 - pale * scene.thickness + 1.2 * pale * rim
    nucleoli = smooth_noise(rng, shape, 0.07 * size)
    density *= 1 + 0.9 * pale * np.clip(nucleoli - 1.3, 0, 1.2)
    density = np.where(scene.labels > 0, density, 0)
    return np.asarray(ndimage.gaussian_filter(density, rng.uniform(0.6, 1.1)))


def _draw_red_cells(
    rng: Rng, scene: Scene, tissue: Tissue, size: float
) -> NDArray[np.float32]:
    """Draw the density of red cells: pale in their middle, none on a nucleus."""
    shape = scene.labels.shape
    where = smooth_noise(rng, shape, 1.5 * size) > 1.0
    n_tries = round(20 * tissue.red_cells * shape[0] * shape[1] / 256**2)
    depth = blobs(rng, shape, n_tries, (0.24 * size, 0.32 * size), where)
    inside = np.clip(depth + 0.5, 0, 1)
    hollow = np.clip(depth / (0.3 * size), 0, 1) ** 2
    red = rng.uniform(0.5, 1.1) * inside * (1 - 0.35 * hollow)
    red *= scene.labels == 0
    return np.asarray(ndimage.gaussian_filter(red, 0.7), np.float32)


def _record(rng: Rng, density: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return what a colour camera records of so much density."""
    shape = density.shape[:2]
    lamp = (
        rng.uniform(0.86, 1, 3)
        * np.exp(0.03 * smooth_noise(rng, shape, 150))[..., np.newaxis]
    )
    light = lamp * np.exp(-density)
    light += rng.normal(0, rng.uniform(0.004, 0.015), shape)[..., np.newaxis]
    light += rng.normal(0, 0.006, density.shape)
    return np.asarray(np.clip(np.rint(250 * light), 0, 255), np.uint8)
