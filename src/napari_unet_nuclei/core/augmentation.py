"""Random crops of annotated images: the variety a network is trained on.

NumPy and Pillow only, no Keras: this runs in background threads while the
network trains.  Which crops make a batch is decided in
:mod:`~napari_unet_nuclei.core.batches`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PIL import Image
from scipy import ndimage

from napari_unet_nuclei.core.deformation import deform, margin_around, random_mesh
from napari_unet_nuclei.core.images import intensity_limits, normalise, to_planes
from napari_unet_nuclei.core.settings import Augmentation
from napari_unet_nuclei.core.single_colour import single_colour_as_grey
from napari_unet_nuclei.core.targets import make_targets, normalised_distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.sample import Sample

Rng = np.random.Generator
Scalar = TypeVar("Scalar", bound=np.generic)

_SCALES = (0.5, 1.7)
_STAIN_SPREAD = 0.15
_INTENSITY_STEPS = (6, 40)
_CROP_TRIES = 3


@dataclass(frozen=True)
class PreparedSample:
    """A sample in the form crops are cut from.

    Parameters
    ----------
    planes : (Y, X, 3) ndarray of uint8
        The normalised image, 255 for 1.
    labels : (Y, X) ndarray of int32
        Nuclei, 0 = background.
    distance : (Y, X) ndarray of uint8
        Normalised distance map, 255 for 1.
    """

    planes: NDArray[np.uint8]
    labels: NDArray[np.int32]
    distance: NDArray[np.uint8]


def prepare_sample(sample: Sample) -> PreparedSample:
    """Normalise an image and measure its distance map, once.

    Parameters
    ----------
    sample : Sample
        Image and labels.

    Returns
    -------
    PreparedSample
        The same at eight bits.
    """
    planes = single_colour_as_grey(to_planes(sample.image))
    normalised = normalise(planes, intensity_limits(planes))
    return PreparedSample(
        planes=_to_bytes(normalised),
        labels=sample.labels,
        distance=_to_bytes(normalised_distance(sample.labels)),
    )


def _to_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (values * 255 + 0.5).astype(np.uint8)


def _from_bytes(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    return values.astype(np.float32) / np.float32(255)


def random_crop(
    sample: PreparedSample,
    crop_size: int,
    rng: Rng,
    augmentation: Augmentation = Augmentation.ALL,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cut one augmented crop.

    Parameters
    ----------
    sample : PreparedSample
        What to cut from.
    crop_size : int, in px
        Side of the crop.
    rng : numpy.random.Generator
        Source of randomness.
    augmentation : Augmentation
        How much is changed.

    Returns
    -------
    image : (crop_size, crop_size, 3) ndarray of float32, values in [0, 1]
        Augmented crop.
    targets : (crop_size, crop_size, 3) ndarray of float32, values in [0, 1]
        Foreground, boundary, distance.
    """
    match augmentation:
        case Augmentation.ALL:
            scale = np.exp(rng.uniform(*np.log(_SCALES)))
            crop = _turn(_cut(sample, crop_size, scale, rng), rng)
        case Augmentation.FLIPS:
            crop = _turn(_cut(sample, crop_size, 1.0, rng), rng)
        case Augmentation.ELASTIC:
            crop = _cut_deformed(sample, crop_size, rng)
        case Augmentation.NONE:
            crop = _cut(sample, crop_size, 1.0, rng)
    image = _from_bytes(crop.planes)
    if augmentation is Augmentation.ALL:
        image = augment_intensity(image, rng)
    if augmentation is Augmentation.ELASTIC:
        image = augment_exposure(image, rng)
    return image, make_targets(crop.labels, _from_bytes(crop.distance))


def _turn(crop: PreparedSample, rng: Rng) -> PreparedSample:
    """Flip and turn, each of the eight ways as likely."""
    flip, turns = rng.random() < 0.5, int(rng.integers(4))

    def turn(array: NDArray[Scalar]) -> NDArray[Scalar]:
        return np.rot90(array[:, ::-1] if flip else array, turns)

    return PreparedSample(turn(crop.planes), turn(crop.labels), turn(crop.distance))


def _cut_deformed(sample: PreparedSample, crop_size: int, rng: Rng) -> PreparedSample:
    """Cut a window from anywhere and bend it a little."""
    margin = margin_around(crop_size)
    crop = _cut(sample, crop_size + 2 * margin, 1.0, rng, margin)
    mesh = random_mesh(crop_size, rng)
    return PreparedSample(
        deform(crop.planes, mesh, crop_size, Image.Resampling.BILINEAR),
        deform(crop.labels, mesh, crop_size, Image.Resampling.NEAREST),
        deform(crop.distance, mesh, crop_size, Image.Resampling.BILINEAR),
    )


def _cut(
    sample: PreparedSample, crop_size: int, scale: float, rng: Rng, margin: int = 0
) -> PreparedSample:
    """Cut a window from anywhere, or from the margin, and bring it to the crop size."""
    window = round(crop_size / scale)
    padding = [
        (margin, max(margin, window - length - margin))
        for length in sample.labels.shape
    ]
    if np.any(padding):
        planes = np.pad(sample.planes, [*padding, (0, 0)], mode="reflect")
        labels = np.pad(sample.labels, padding, mode="reflect")
        distance = np.pad(sample.distance, padding, mode="reflect")
    else:
        planes, labels, distance = sample.planes, sample.labels, sample.distance
    height, width = labels.shape
    for _ in range(_CROP_TRIES):
        y = int(rng.integers(height - window + 1))
        x = int(rng.integers(width - window + 1))
        box = np.s_[y : y + window, x : x + window]
        if labels[box].any():
            break
    size = (crop_size, crop_size)
    return PreparedSample(
        np.asarray(
            Image.fromarray(planes[box]).resize(size, Image.Resampling.BILINEAR)
        ),
        np.asarray(Image.fromarray(labels[box]).resize(size, Image.Resampling.NEAREST)),
        np.asarray(
            Image.fromarray(distance[box]).resize(size, Image.Resampling.BILINEAR)
        ),
    )


def augment_intensity(image: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Change how an image looks, not what it shows.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop; may be overwritten.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        Channels shuffled or mixed to grey, stain changed, inverted, gamma,
        brightness and contrast changed, blurred, noise added, rounded to few
        levels, each with its own probability.
    """
    if rng.random() < 0.3:
        image = image[..., rng.permutation(3)]
    if rng.random() < 0.15:
        weights = rng.dirichlet(np.ones(3)).astype(np.float32)
        # Rounding may exceed 1, and inverting that be a negative base for gamma.
        grey = np.minimum(image @ weights, 1)
        image = np.repeat(grey[..., np.newaxis], 3, axis=-1)
    if rng.random() < 0.5:
        image = _change_stain(image, rng)
    if rng.random() < 0.33:
        image = 1 - image
    if rng.random() < 0.5:
        image = image ** np.float32(np.exp(rng.uniform(-0.6, 0.6)))
    if rng.random() < 0.5:
        per_channel = 3 if rng.random() < 0.4 else 1
        contrast = rng.uniform(0.7, 1.3, per_channel).astype(np.float32)
        brightness = rng.uniform(-0.1, 0.1, per_channel).astype(np.float32)
        image = (image - 0.5) * contrast + 0.5 + brightness
    if rng.random() < 0.2:
        sigma = rng.uniform(0.4, 1.5)
        image = ndimage.gaussian_filter(image, (sigma, sigma, 0))
    if rng.random() < 0.4:
        noise = rng.standard_normal((*image.shape[:2], 1), dtype=np.float32)
        image = image + noise * np.float32(rng.uniform(0.01, 0.08))
    if rng.random() < 0.1:  # as in a dim image, of which few of 256 levels are used
        steps = np.exp(rng.uniform(*np.log(_INTENSITY_STEPS))).astype(np.float32)
        image = np.round(image * steps) / steps
    return np.asarray(np.clip(image, 0, 1), np.float32)


def augment_exposure(image: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Change how brightly an image was taken, not what kind of image it is.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop; may be overwritten.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        Gamma, brightness and contrast changed and noise added, each with its own
        probability.
    """
    if rng.random() < 0.5:
        image = image ** np.float32(np.exp(rng.uniform(-0.5, 0.5)))
    if rng.random() < 0.5:
        contrast, brightness = rng.uniform(0.7, 1.4), rng.uniform(-0.1, 0.1)
        image = (image - 0.5) * np.float32(contrast) + np.float32(0.5 + brightness)
    if rng.random() < 0.2:
        sigma = rng.uniform(0.4, 1.0)
        image = ndimage.gaussian_filter(image, (sigma, sigma, 0))
    if rng.random() < 0.5:
        noise = rng.standard_normal((*image.shape[:2], 1), dtype=np.float32)
        image = image + noise * np.float32(rng.uniform(0.01, 0.08))
    return np.asarray(np.clip(image, 0, 1), np.float32)


def _change_stain(image: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Mix a little of each channel into the others, by optical density.

    White stays white and grey stays grey, as where another dye had been used.
    """
    density = 1 - image
    mixing = np.eye(3) + rng.normal(0, _STAIN_SPREAD, (3, 3))
    mixing /= mixing.sum(axis=0)
    mixed: NDArray[np.float32] = 1 - density @ mixing.astype(np.float32)
    return np.clip(mixed, 0, 1, out=mixed)
