"""Single nuclei changed, or taken over from another image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.instances.labels import IGNORED, hide_ignored
from napari_unet_nuclei.core.training.crops.planes import resize, smooth
from napari_unet_nuclei.core.training.crops.targets import normalised_distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.training.crops.augmentation import PreparedSample

Rng = np.random.Generator

_WIDEST = 20.0  # the brightest nucleus may exceed the faintest by this factor
_FAINTEST = 0.15  # of the range: still seen after gamma and noise of augment_exposure
_ABOVE_NOISE = 4.0  # standard deviations
_WIDEST_STAINED = 2.0
_FAINTEST_STAINED = 0.25
_MOST_PASTED = 12
_MOST_COVERED = 0.25  # of a pasted nucleus
_SMALLEST = 30  # px², of a pasted nucleus


def vary_brightness(
    image: NDArray[np.float32], labels: NDArray[np.int32], rng: Rng
) -> NDArray[np.float32]:
    """Make some nuclei stronger than others, with their surroundings.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop.
    labels : (Y, X) ndarray of int32
        Its nuclei, 0 = background.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        Contrasts of nuclei over a factor of up to 20 where they are bright, of 2 where
        they are dark; bright ones may be saturated.  No nucleus gets fainter than is
        well visible above the noise, unless it was.
    """
    level = _background(image, labels)
    contrasts, index = _contrasts(image[..., 1] - level[1], labels)
    if contrasts.size == 0:
        return image
    factors = np.append(0, _draw_factors(contrasts, _noise(image, labels), rng))
    changed = image - level
    changed *= _spread_out(factors.astype(np.float32), index)[..., np.newaxis]
    changed += level
    return np.clip(changed, 0, 1, out=changed)


def _spread_out(
    factors: NDArray[np.float32], index: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Give each pixel its nucleus's factor, or that of nuclei close by, or 1.

    What lies around a nucleus is mostly its own light.
    """
    coarse = index[::2, ::2]
    none = np.float32(0.02)
    around = (smooth(factors[coarse], 2) + none) / (smooth(coarse > 0, 2) + none)
    field = resize(around[..., np.newaxis], index.shape)[..., 0]
    return np.where(index > 0, factors[index], field)


def _draw_factors(
    contrasts: NDArray[np.float64], noise: float, rng: Rng
) -> NDArray[np.float64]:
    """Draw what the contrast of each nucleus is multiplied by."""
    is_bright = float(np.median(contrasts)) > 0
    sizes = np.maximum(contrasts if is_bright else -contrasts, 1e-3)
    widest, faintest = (
        (_WIDEST, _FAINTEST) if is_bright else (_WIDEST_STAINED, _FAINTEST_STAINED)
    )
    # Half of the factor each way, around a brightness that is drawn for all.
    spread = 0.5 * np.log(rng.uniform(1, widest))
    wanted = sizes * np.exp(rng.uniform(-spread, spread, sizes.size))
    wanted *= np.exp(rng.uniform(-0.3, 0.3))
    visible = max(faintest, _ABOVE_NOISE * noise)
    factors: NDArray[np.float64] = np.maximum(wanted, np.minimum(sizes, visible))
    return factors / sizes


def _contrasts(
    difference: NDArray[np.float32], labels: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Measure by how much each nucleus differs from the background; number them."""
    labels = hide_ignored(labels)
    counts = np.bincount(labels.ravel())
    counts[0] = 0
    numbers = np.flatnonzero(counts)
    new = np.zeros(counts.size, np.int32)
    new[numbers] = np.arange(1, numbers.size + 1)
    sums = np.bincount(labels.ravel(), weights=difference.ravel())
    return sums[numbers] / counts[numbers], new[labels]


def _background(
    image: NDArray[np.float32], labels: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Find the typical colour of what is between the nuclei."""
    some, is_between = image[::3, ::3], labels[::3, ::3] == 0
    between = some[is_between] if is_between.any() else some.reshape(-1, 3)
    return np.asarray(np.median(between, axis=0), np.float32)


def _noise(image: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """Estimate the standard deviation of a pixel's noise between the nuclei."""
    green = image[::3, :, 1]
    steps = (green[:, 1::3] - green[:, :-1:3])[labels[::3, 1::3] == 0]
    if steps.size == 0:
        return 0.0
    return float(np.median(np.abs(steps)) * 1.4826 / np.sqrt(2))


def paste_nuclei(
    crop: PreparedSample, donor: PreparedSample, rng: Rng
) -> PreparedSample:
    """Add nuclei of another crop: light to light, or density to density.

    Parameters
    ----------
    crop, donor : PreparedSample
        Two crops of the same size and polarity; nuclei that the donor shows whole are
        taken over.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    PreparedSample
        With more nuclei, which lie behind those that were there: of each at most a
        quarter is covered, and what is seen of it is in one piece.  Nuclei that were
        there keep their labels, and none is added where nothing is annotated.
    """
    labels = _choose_nuclei(crop.labels, donor.labels, rng)
    chosen = labels > 0
    if not chosen.any():
        return crop
    is_whole = np.zeros(int(donor.labels.max()) + 1, bool)
    is_whole[labels[chosen]] = True
    is_whole[0] = False
    soft = smooth(is_whole[hide_ignored(donor.labels)], 1.2)
    channels = _blend(crop, donor, np.float32(rng.uniform(0.6, 1)) * soft)
    distance = (255 * normalised_distance(labels) + 0.5).astype(np.uint8)
    first = np.int32(crop.labels.max())
    return type(crop)(
        channels=channels,
        labels=np.where(chosen, labels + first, crop.labels),
        distance=np.where(chosen, distance, crop.distance),
        unknown=None if crop.unknown is None else np.where(chosen, 0, crop.unknown),
    )


def _blend(
    crop: PreparedSample, donor: PreparedSample, amount: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Add so much of the light, or of the density, of another crop."""
    ours = crop.channels.astype(np.float32)
    theirs = donor.channels.astype(np.float32)
    level = _background(theirs, donor.labels)
    amount = amount[..., np.newaxis]
    if level.mean() > 127:  # transmitted light passes through both
        passed = np.minimum(theirs / np.maximum(level, 25), 1)
        ours *= 1 - amount * (1 - passed)
    else:
        ours += amount * np.maximum(theirs - level, 0)
    return (np.minimum(ours, 255) + np.float32(0.5)).astype(np.uint8)


def _choose_nuclei(
    ours: NDArray[np.int32], theirs: NDArray[np.int32], rng: Rng
) -> NDArray[np.int32]:
    """Choose nuclei of another crop; return what of them is not covered."""
    chosen = np.zeros_like(theirs)
    height, width = theirs.shape
    found = [
        (number, box)
        for number, box in enumerate(ndimage.find_objects(theirs), start=1)
        if box is not None
        and min(side.start for side in box) > 0
        and box[0].stop < height
        and box[1].stop < width
    ]
    n_wanted = int(rng.integers(1, _MOST_PASTED + 1))
    for place in rng.permutation(len(found))[:n_wanted]:
        number, box = found[place]
        around = tuple(slice(side.start - 1, side.stop + 1) for side in box)
        if (theirs[around] == IGNORED).any():  # may go on there
            continue
        nucleus = theirs[box] == number
        seen = nucleus & (ours[box] == 0)
        n_seen, n_all = np.count_nonzero(seen), np.count_nonzero(nucleus)
        is_whole = n_seen >= max((1 - _MOST_COVERED) * n_all, _SMALLEST)
        if is_whole and ndimage.label(seen)[1] == 1:
            chosen[box][seen] = number
    return chosen
