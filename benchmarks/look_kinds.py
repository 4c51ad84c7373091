"""Forty images of forty kinds, as ``benchmarks/looks.py`` segments them.

Made of what is on any machine: nuclei that are drawn, whose truth is known, and
pictures that scikit-image and napari bring along.  The drawn images show how a
staining or a fault of the camera looks; a score on them says little about a score on
tissue.  What reads data sets belongs in ``look_samples``.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

SHAPE = (384, 384)
HAEMATOXYLIN, EOSIN, DAB = (0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78)
GIEMSA, PURPLE = (0.60, 0.75, 0.20), (0.45, 0.85, 0.25)
COUNTERSTAIN = (0.12, 0.14, 0.10)
NO_NUCLEI = np.zeros((1, 1), np.int32)


class Look(NamedTuple):
    """An image of one kind; ``truth`` is None where nobody knows it."""

    name: str
    image: NDArray[Any]
    truth: NDArray[np.int32] | None = None


def iter_looks() -> Iterator[Look]:
    """Make the forty images."""
    yield from _fluorescence()
    yield from _other_shapes()
    yield from _stained()
    yield from _pictures()


def _fluorescence() -> Iterator[Look]:
    """Yield one drawing as many cameras would record it."""
    image, truth = draw_nuclei(1, SHAPE, 45)
    light, rng = image.astype(np.float32), np.random.default_rng(1)
    y, x = (np.linspace(0, 1, n, dtype=np.float32) for n in SHAPE)
    ramp = y[:, np.newaxis] * x
    dim = light * _factor_of_each(rng, truth, 20)
    faults: dict[str, Any] = {
        "fluorescence": image,
        "16 bit, hot pixels": _hot_pixels(rng, light),
        "low contrast": 100 + light / 12,
        "saturated": light * 5,
        "much noise": light / 3 + rng.normal(0, 25, SHAPE) + 30,
        "out of focus": ndimage.gaussian_filter(light, 4),
        "haze": light / 2 + ndimage.gaussian_filter(light, 25) * 1.5,
        "uneven light": light * (0.1 + ramp) + 120 * ramp**2,
        "unequal brightness": dim,
        "strong JPEG": _as_jpeg(_bytes(light), 8),
        "scan lines": light + 25 * (np.arange(SHAPE[0]) % 4 == 0)[:, np.newaxis],
        "inverted": 255 - image,
        "blue on black": np.stack([light * 0, light * 0.1, light], axis=-1),
    }
    for name, pixels in faults.items():
        yield Look(name, pixels if name == "16 bit, hot pixels" else _bytes(pixels),
                   truth)  # fmt: skip
    cytoplasm = (
        ndimage.gaussian_filter(1.0 * (truth > 0), 12) * 400 * _speckle(rng, 1.5)
    )
    membrane = ndimage.gaussian_filter(ndimage.laplace(cytoplasm), 1)
    outside = 1 - ndimage.gaussian_filter(0.8 * (truth > 0), 2)
    colours = [cytoplasm * outside / 2, np.abs(membrane) * 8, light * 1.5]
    yield Look("three fluorescences", _bytes(np.stack(colours, axis=-1)), truth)
    around = np.where(truth > 0, 20, cytoplasm)
    yield Look("cytoplasm only", _bytes(around), NO_NUCLEI)


def _other_shapes() -> Iterator[Look]:
    """Yield fluorescent nuclei of other sizes, shapes and densities."""
    yield Look("tiny nuclei", *draw_nuclei(2, SHAPE, 500, diameter=8))
    yield Look("huge nuclei", *draw_nuclei(3, (768, 768), 12, diameter=170))
    image, truth = draw_nuclei(4, (128, 128), 16, diameter=22)
    yield Look("enlarged four times", _scaled(image, 4), _scaled_labels(truth, 4))
    yield Look("very dense", *draw_nuclei(5, SHAPE, 700, diameter=16, touching=1))
    image, truth = draw_nuclei(6, (SHAPE[0], 128), 45, diameter=16)
    wide = _scaled(image, (1, 3)), _scaled_labels(truth, (1, 3))
    yield Look("elongated", *wide)
    image, truth = draw_nuclei(7, SHAPE, 40, diameter=32, touching=0.1)
    hollow = 1 - 0.85 * np.clip(_depth(truth) * 1.6 - 0.5, 0, 1)
    yield Look("rings", _bytes(image * hollow), truth)
    image, truth = draw_nuclei(8, SHAPE, 30, diameter=36)
    grey = 128 + 1.5 * (image - ndimage.gaussian_filter(image.astype(float), 6))
    yield Look("like phase contrast", _bytes(grey), truth)


def _stained() -> Iterator[Look]:
    """Yield tissue in two dyes."""
    recipes: dict[str, Callable[[np.random.Generator], Look]] = {
        "H&E": lambda rng: _tissue(rng, 24, 80),
        "H&E, pale": lambda rng: _tissue(rng, 24, 80, strength=0.35),
        "H&E, dense and small": lambda rng: _tissue(rng, 11, 700, strength=0.9),
        "H&E, enlarged, JPEG": lambda rng: _enlarged_jpeg(_tissue(rng, 20, 60)),
        "purple tissue": lambda rng: _tissue(rng, 22, 90, PURPLE, GIEMSA),
        "DAB in some nuclei": lambda rng: _tissue(rng, 20, 110, other=None, brown=0.4),
        "DAB in the cytoplasm": lambda rng: _tissue(rng, 20, 110, other=DAB),
        "like a blood smear": _blood_smear,
    }
    for seed, (name, draw) in enumerate(recipes.items()):
        yield draw(np.random.default_rng(seed))._replace(name=name)


def _pictures() -> Iterator[Look]:
    """Yield pictures, one with nuclei and nine without."""
    from napari import resources
    from skimage import data

    figure = Path(resources.__file__).parent / "multichannel_cells.png"
    noise = np.random.default_rng(9).normal(120, 30, SHAPE)
    yield Look("immunohistochemistry (real)", data.immunohistochemistry())
    yield Look("even", np.full(SHAPE, 90, np.uint8), NO_NUCLEI)
    yield Look("noise", _bytes(noise), NO_NUCLEI)
    yield Look("a cell without staining", _middle(data.cell()))
    with Image.open(figure) as picture:
        yield Look("figure of cells", np.asarray(picture.convert("RGB")))
    yield Look("retina", _middle(data.retina()[::2, ::2]), NO_NUCLEI)
    yield Look("photograph", _middle(data.astronaut()), NO_NUCLEI)
    yield Look("text", data.page(), NO_NUCLEI)
    yield Look("gravel", _middle(data.gravel()), NO_NUCLEI)
    yield Look("galaxies", _middle(data.hubble_deep_field()), NO_NUCLEI)


def _tissue(  # the parameters of a drawing
    rng: np.random.Generator,
    diameter: float,
    n_nuclei: int,
    dye: tuple[float, ...] = HAEMATOXYLIN,
    other: tuple[float, ...] | None = EOSIN,
    *,
    strength: float = 1.0,
    brown: float = 0.0,
) -> Look:
    """Draw nuclei in one dye over fibres, gaps and cytoplasm in another."""
    image, truth = draw_nuclei(
        int(rng.integers(99)), SHAPE, n_nuclei, diameter=diameter, touching=0.3
    )
    nuclear = image / np.percentile(image[truth > 0], 75) * (truth > 0)
    nuclear = ndimage.gaussian_filter(nuclear, 0.8) * _factor_of_each(rng, truth, 3)
    is_tissue = ndimage.gaussian_filter(rng.standard_normal(SHAPE), 35) > -0.004
    around = is_tissue * _speckle(rng, (1.2, 6)) * (1 - 0.7 * np.clip(nuclear, 0, 1))
    density = np.zeros((*SHAPE, 3))
    is_brown = rng.random(truth.max() + 1) < brown
    for part, vector in ((~is_brown, dye), (is_brown, DAB)):
        density += (nuclear * part[truth])[..., np.newaxis] * _batch(rng, vector)
    density += 0.45 * around[..., np.newaxis] * _batch(rng, other or COUNTERSTAIN)
    light = np.array([243, 240, 244]) * np.exp(-1.3 * strength * density)
    return Look("", _bytes(light + rng.normal(0, 2, light.shape)), truth)


def _blood_smear(rng: np.random.Generator) -> Look:
    """Draw red cells without a nucleus and a few white ones with one."""
    _, red = draw_nuclei(12, SHAPE, 90, diameter=34, touching=0.5)
    image, truth = draw_nuclei(13, SHAPE, 6, diameter=44, touching=0)
    disc = ndimage.gaussian_filter((red > 0).astype(float), 1)
    density = (disc * (1.1 - 0.6 * _depth(red)))[..., np.newaxis] * (0.1, 0.45, 0.3)
    density[truth > 0] = (image / 90)[truth > 0, np.newaxis] * (0.9, 1.2, 0.4)
    light = np.array([238, 232, 228]) * np.exp(-density)
    return Look("", _bytes(light + rng.normal(0, 2, light.shape)), truth)


def _enlarged_jpeg(look: Look) -> Look:
    image = _as_jpeg(_scaled(look.image[:256, :256], 2), 35)
    return Look("", image, _scaled_labels(look.truth[:256, :256], 2))


def _batch(rng: np.random.Generator, dye: tuple[float, ...]) -> NDArray[np.float64]:
    """Change a dye as much as it differs between labs."""
    return np.clip(dye + rng.normal(0, 0.1, 3), 0.02, None)


def _factor_of_each(
    rng: np.random.Generator, truth: NDArray[np.int32], ratio: float
) -> NDArray[np.float64]:
    """Give each nucleus a brightness of its own, up to a ratio below 1."""
    factors = ratio ** -rng.random(truth.max() + 1)
    factors[0] = factors.mean()
    return factors[truth]


def _hot_pixels(
    rng: np.random.Generator, light: NDArray[np.float32]
) -> NDArray[np.uint16]:
    image = (light * 3 + 300).astype(np.uint16)
    image[rng.random(image.shape) > 0.9999] = 65535
    return image


def _depth(truth: NDArray[np.int32]) -> NDArray[np.float64]:
    """How deep in its nucleus each pixel lies, 1 at the deepest place."""
    edges = ndimage.maximum_filter(truth, 3) != ndimage.minimum_filter(truth, 3)
    distance = ndimage.distance_transform_edt((truth > 0) & ~edges)
    deepest = ndimage.maximum(distance, truth, np.arange(truth.max() + 1))
    return distance / np.maximum(deepest[truth], 1)


def _speckle(
    rng: np.random.Generator, sigma: float | tuple[float, float]
) -> NDArray[np.float64]:
    """Smoothed noise with mean 1."""
    noise = ndimage.gaussian_filter(rng.standard_normal(SHAPE), sigma)
    return np.clip(1 + 0.4 * noise / noise.std(), 0.1, None)


def _bytes(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _as_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    stored = io.BytesIO()
    Image.fromarray(image).save(stored, format="JPEG", quality=quality)
    return np.asarray(Image.open(stored))


def _scaled(
    image: NDArray[np.uint8], scale: float | tuple[int, int]
) -> NDArray[np.uint8]:
    height, width = np.multiply(image.shape[:2], scale)
    picture = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _scaled_labels(
    truth: NDArray[np.int32], scale: int | tuple[int, int]
) -> NDArray[np.int32]:
    down, across = (scale, scale) if isinstance(scale, int) else scale
    return truth.repeat(down, axis=0).repeat(across, axis=1)


def _middle(image: NDArray[np.uint8], side: int = 512) -> NDArray[np.uint8]:
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side]
