"""How far maps are from the true ones, in numbers that change with every pixel.

A score counts nuclei, so that it knows only a few values where few nuclei are held out;
this one tells apart what they do not.  It is the usual loss of training, in NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps

_EPSILON = 1e-7  # as in Keras: no probability is 0 or 1
_SMOOTH = 1.0  # pixels; keeps the Dice of empty maps finite


def measure_loss(maps: Maps, targets: NDArray[np.float32]) -> float:
    """Measure binary cross-entropy plus (1 - Dice) of the maps of one image.

    Parameters
    ----------
    maps : Maps
        What a network predicts.
    targets : (Y, X, 3) ndarray of float32, values in [0, 1] or -1
        Output of
        :func:`~napari_unet_nuclei.core.training.crops.targets.make_targets`.

    Returns
    -------
    float
        Mean over the maps that are predicted and known somewhere; 0 where none is,
        infinite where a prediction is no number.
    """
    losses = [
        _measure_map(predicted, targets[..., index])
        for index, predicted in enumerate(maps.arrays)
    ]
    known = [loss for loss in losses if loss is not None]
    return float(np.mean(known)) if known else 0.0


def _measure_map(
    predicted: NDArray[np.float32], target: NDArray[np.float32]
) -> float | None:
    """Measure one map where it is known; ``None`` where it is known nowhere."""
    is_known = target >= 0
    if not is_known.any():
        return None
    true = target[is_known].astype(np.float64)
    found = np.clip(predicted[is_known].astype(np.float64), _EPSILON, 1 - _EPSILON)
    crossentropy = -np.mean(true * np.log(found) + (1 - true) * np.log(1 - found))
    total = np.sum(true**2) + np.sum(found**2)
    dice = (2 * np.sum(true * found) + _SMOOTH) / (total + _SMOOTH)
    loss = float(crossentropy + 1 - dice)
    return loss if np.isfinite(loss) else np.inf


def measure_nucleus_losses(
    maps: Maps, targets: NDArray[np.float32], labels: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Measure the same loss around each nucleus.

    Parameters
    ----------
    maps, targets
        As in :func:`measure_loss`.
    labels : (Y, X) ndarray of int32
        Nuclei of the same image.  A pixel that is known belongs to the nearest one.

    Returns
    -------
    (n,) ndarray of float64
        One loss for each nucleus, in the order of their numbers.
    """
    nearest = distance_transform_edt(
        labels <= 0, return_distances=False, return_indices=True
    )
    of_pixels = labels[tuple(nearest)]
    numbers = np.unique(labels[labels > 0])
    losses = np.empty(len(numbers))
    for index, number in enumerate(numbers):
        mine = np.where((of_pixels == number)[..., None], targets, np.float32(-1))
        losses[index] = measure_loss(maps, mine)
    return losses
