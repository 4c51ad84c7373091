"""What training watches: how well the foreground at probability .5 is found.

Sums over the annotated pixels of a batch, whose targets are not negative; the scores of
whole nuclei on the held-out samples are in
:mod:`~napari_unet_nuclei.core.evaluation.scores`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import ops

if TYPE_CHECKING:
    from collections.abc import Callable

    Metric = Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]

_SMOOTH = 1.0
_SMALLEST_PART = 1e-9  # less than one pixel of any batch


def foreground_dice(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    """Divide twice the common pixels by the pixels of both.

    Parameters
    ----------
    y_true, y_pred : tensor of float32, shape (batch, Y, X, maps), values in [0, 1]
        Targets, -1 where nothing is annotated, and predictions; the first map is the
        foreground.

    Returns
    -------
    tensor of float32, scalar
        1 when nothing is found where nothing is.

    References
    ----------
    Dice: Measures of the amount of ecologic association between species, Ecology
    1945, doi:10.2307/1932409
    """
    truth, prediction = _foregrounds(y_true, y_pred)
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
    truth, prediction = _foregrounds(y_true, y_pred)
    common = ops.sum(truth * prediction)
    either = ops.sum(truth) + ops.sum(prediction) - common
    return (common + _SMOOTH) / (either + _SMOOTH)


def foreground_accuracy(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    """Count the part of the pixels told right; see :func:`foreground_dice`."""
    is_annotated = _is_annotated(y_true)
    is_right = _is_foreground(y_true) == _is_foreground(y_pred)
    part = ops.mean(ops.cast(is_annotated, "float32"))
    right = ops.mean(ops.cast(ops.logical_and(is_right, is_annotated), "float32"))
    return ops.where(part > 0, right / ops.maximum(part, _SMALLEST_PART), 1.0)


def _is_foreground(maps: keras.KerasTensor) -> keras.KerasTensor:
    return maps[..., 0] > 0.5


def _is_annotated(y_true: keras.KerasTensor) -> keras.KerasTensor:
    return y_true[..., 0] >= 0


def _foregrounds(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return 1 for annotated pixels of the foreground, true and predicted."""
    predicted = ops.logical_and(_is_foreground(y_pred), _is_annotated(y_true))
    return ops.cast(_is_foreground(y_true), "float32"), ops.cast(predicted, "float32")


METRICS: dict[str, Metric] = {
    "dice": foreground_dice,
    "iou": foreground_iou,
    "accuracy": foreground_accuracy,
}
"""The metrics by the names they have in logs and events."""
