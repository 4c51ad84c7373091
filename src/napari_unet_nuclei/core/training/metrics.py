"""What training watches: how well the foreground at probability .5 is found.

Sums over the pixels of a batch; the scores of whole nuclei on the held-out samples
are in :mod:`~napari_unet_nuclei.core.evaluation.scores`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import ops

if TYPE_CHECKING:
    from collections.abc import Callable

    Metric = Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]

_SMOOTH = 1.0


def foreground_dice(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    """Divide twice the common pixels by the pixels of both.

    Parameters
    ----------
    y_true, y_pred : tensor of float32, shape (batch, Y, X, maps), values in [0, 1]
        Targets and predictions; the first map is the foreground.

    Returns
    -------
    tensor of float32, scalar
        1 when nothing is found where nothing is.

    References
    ----------
    Dice: Measures of the amount of ecologic association between species, Ecology
    1945, doi:10.2307/1932409
    """
    truth, prediction = _foreground(y_true), _foreground(y_pred)
    total = ops.sum(truth) + ops.sum(prediction)
    return (2 * ops.sum(truth * prediction) + _SMOOTH) / (total + _SMOOTH)


def foreground_iou(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    """Divide the common pixels by the pixels of either; see :func:`foreground_dice`.

    References
    ----------
    Jaccard: The distribution of the flora in the alpine zone, New Phytologist 1912,
    doi:10.1111/j.1469-8137.1912.tb05611.x
    """
    truth, prediction = _foreground(y_true), _foreground(y_pred)
    common = ops.sum(truth * prediction)
    either = ops.sum(truth) + ops.sum(prediction) - common
    return (common + _SMOOTH) / (either + _SMOOTH)


def foreground_accuracy(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    """Count the part of the pixels told right; see :func:`foreground_dice`."""
    return ops.mean(
        ops.cast(_is_foreground(y_true) == _is_foreground(y_pred), "float32")
    )


def _is_foreground(maps: keras.KerasTensor) -> keras.KerasTensor:
    return maps[..., 0] > 0.5


def _foreground(maps: keras.KerasTensor) -> keras.KerasTensor:
    return ops.cast(_is_foreground(maps), "float32")


METRICS: dict[str, Metric] = {
    "dice": foreground_dice,
    "iou": foreground_iou,
    "accuracy": foreground_accuracy,
}
"""The metrics by the names they have in logs and events."""
