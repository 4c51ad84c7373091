"""Random crops of annotated images: the variety a network is trained on.

NumPy and Pillow only, no Keras: this runs in background threads while the
network trains.  Which crops make a batch is decided in
:mod:`~napari_unet_nuclei.core.training.crops.batches`; how they look, in
:mod:`~napari_unet_nuclei.core.training.crops.intensities`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from PIL import Image

from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.images.single_colour import single_colour_as_grey
from napari_unet_nuclei.core.settings.choices import Augmentation
from napari_unet_nuclei.core.training.crops.changes import (
    ALL_CHANGES,
    Change,
    change_file,
    change_scene,
    draw_changes,
)
from napari_unet_nuclei.core.training.crops.deformation import (
    deform,
    margin_around,
    random_mesh,
)
from napari_unet_nuclei.core.training.crops.intensities import (
    augment_exposure,
    augment_intensity,
)
from napari_unet_nuclei.core.training.crops.nuclei import paste_nuclei
from napari_unet_nuclei.core.training.crops.targets import (
    find_unknown_distances,
    make_targets,
    normalised_distance,
)
from napari_unet_nuclei.core.training.crops.windows import draw_window, find_annotated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample

    Resampler = Callable[[NDArray[Any], Image.Resampling], NDArray[Any]]

Rng = np.random.Generator
Scalar = TypeVar("Scalar", bound=np.generic)

_SCALES = (0.5, 1.7)
_LOG_ELONGATION = 0.35  # up to twice as long as wide


@dataclass(frozen=True)
class PreparedSample:
    """A sample in the form crops are cut from.

    Parameters
    ----------
    channels : (Y, X, 3) ndarray of uint8
        The normalised image, 255 for 1.
    labels : (Y, X) ndarray of int32
        Nuclei, 0 = background, -1 = not annotated.
    distance : (Y, X) ndarray of uint8
        Normalised distance map, 255 for 1.
    unknown : (Y, X) ndarray of uint8, optional
        255 where the distance is not known, and more than 0 where it was mixed with
        such pixels; ``None`` where everything is annotated.
    """

    channels: NDArray[np.uint8]
    labels: NDArray[np.int32]
    distance: NDArray[np.uint8]
    unknown: NDArray[np.uint8] | None = None

    def map(self, change: Resampler) -> PreparedSample:
        """Return the sample with each of its planes moved in the same way."""
        bilinear = Image.Resampling.BILINEAR
        return PreparedSample(
            change(self.channels, bilinear),
            change(self.labels, Image.Resampling.NEAREST),
            change(self.distance, bilinear),
            None if self.unknown is None else change(self.unknown, bilinear),
        )

    @cached_property
    def places(self) -> NDArray[np.intp] | None:
        """Where it is annotated, as from `find_annotated`; looked for once."""
        return None if self.unknown is None else find_annotated(self.labels)

    @property
    def targets(self) -> NDArray[np.float32]:
        """The maps to be learned, as from :func:`make_targets`."""
        unknown = None if self.unknown is None else self.unknown > 0
        return make_targets(self.labels, _from_bytes(self.distance), unknown)


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
    channels = single_colour_as_grey(to_channels(sample.image))
    normalised = normalise(channels, intensity_limits(channels))
    unknown = find_unknown_distances(sample.labels)
    return PreparedSample(
        channels=_to_bytes(normalised),
        labels=sample.labels,
        distance=_to_bytes(normalised_distance(sample.labels)),
        unknown=None if unknown is None else np.uint8(255) * unknown,
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
    *,
    donor: PreparedSample | None = None,
    changes: Collection[Change] = ALL_CHANGES,
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
    donor : PreparedSample, optional
        A sample of the same staining, whose nuclei strong augmentation may paste.
    changes : collection of Change
        Kinds of strong augmentation that may be made, to judge each alone.

    Returns
    -------
    image : (crop_size, crop_size, 3) ndarray of float32, values in [0, 1]
        Augmented crop.
    targets : (crop_size, crop_size, 3) ndarray of float32, values in [0, 1]
        Foreground, boundary, distance; -1 where they are not known.
    """
    change: Callable[[NDArray[np.float32], Rng], NDArray[np.float32]] | None = None
    match augmentation:
        case Augmentation.ALL:
            scale = np.exp(rng.uniform(*np.log(_SCALES)))
            crop = _turn(_cut(sample, crop_size, scale, rng), rng)
            change = augment_intensity
        case Augmentation.STRONG:
            return _strong_crop(sample, crop_size, rng, donor, changes)
        case Augmentation.FLIPS:
            crop = _turn(_cut(sample, crop_size, 1.0, rng), rng)
        case Augmentation.ELASTIC:
            crop = _cut_deformed(sample, crop_size, rng)
            change = augment_exposure
        case Augmentation.NONE:
            crop = _cut(sample, crop_size, 1.0, rng)
    image = _from_bytes(crop.channels)
    if change is not None:
        image = change(image, rng)
    return image, crop.targets


def _strong_crop(
    sample: PreparedSample,
    crop_size: int,
    rng: Rng,
    donor: PreparedSample | None,
    changes: Collection[Change],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cut a crop whose scene, exposure and file are changed, in this order."""
    drawn = draw_changes(rng, changes)
    crop = _cut_elongated(sample, crop_size, rng, drawn.get(Change.ELONGATION))
    pasting = drawn.get(Change.PASTED_NUCLEI)
    if donor is not None and pasting is not None:
        other = _cut_elongated(donor, crop_size, pasting, None)
        crop = paste_nuclei(crop, other, pasting)
    image = change_scene(_from_bytes(crop.channels), crop.labels, drawn)
    image = change_file(augment_intensity(image, rng), drawn)
    return image, crop.targets


def _cut_elongated(
    sample: PreparedSample, crop_size: int, rng: Rng, elongating: Rng | None
) -> PreparedSample:
    """Cut a window of any scale, perhaps drawn out along one axis, and turn it."""
    scale = np.exp(rng.uniform(*np.log(_SCALES)))
    elongation = 1.0
    if elongating is not None:
        elongation = np.exp(elongating.uniform(0, _LOG_ELONGATION))
    longer = min(scale * elongation, _SCALES[1])
    return _turn(_cut(sample, crop_size, (longer, longer / elongation**2), rng), rng)


def _turn(crop: PreparedSample, rng: Rng) -> PreparedSample:
    """Flip and turn, each of the eight ways as likely."""
    flip, turns = rng.random() < 0.5, int(rng.integers(4))

    def turn(array: NDArray[Scalar], _: Image.Resampling) -> NDArray[Scalar]:
        return np.rot90(array[:, ::-1] if flip else array, turns)

    return crop.map(turn)


def _cut_deformed(sample: PreparedSample, crop_size: int, rng: Rng) -> PreparedSample:
    """Cut a window from anywhere and bend it a little."""
    margin = margin_around(crop_size)
    crop = _cut(sample, crop_size + 2 * margin, 1.0, rng, margin)
    mesh = random_mesh(crop_size, rng)
    return crop.map(lambda array, how: deform(array, mesh, crop_size, how))


def _cut(
    sample: PreparedSample,
    crop_size: int,
    scale: float | tuple[float, float],
    rng: Rng,
    margin: int = 0,
) -> PreparedSample:
    """Cut a window from anywhere and bring it to the crop size, at one scale or two."""
    scales = scale if isinstance(scale, tuple) else (scale, scale)
    height, width = (round(crop_size / each) for each in scales)
    window = draw_window(sample.labels, sample.places, (height, width), rng, margin)

    def cut(array: NDArray[Scalar], resampling: Image.Resampling) -> NDArray[Scalar]:
        image = Image.fromarray(window.take(array))
        return np.asarray(image.resize((crop_size, crop_size), resampling))

    return sample.map(cut)
