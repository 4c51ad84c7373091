"""What training minimises and watches, on maps of shape (batch, Y, X, maps)."""

from __future__ import annotations

import keras
from keras import ops

_SMOOTH = 1.0


def soft_dice(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    """Overlap of predicted and true maps, per map over the whole batch.

    Parameters
    ----------
    y_true, y_pred : tensor of float32, shape (batch, Y, X, maps), values in [0, 1]
        Targets and predictions.

    Returns
    -------
    tensor of float32, shape (maps,)
        Dice with squared denominators, 1 only where both agree, for soft
        targets too.

    References
    ----------
    Milletari, Navab, Ahmadi: V-Net, 3DV 2016, doi:10.1109/3DV.2016.79
    """
    axes = (0, 1, 2)
    overlap = ops.sum(y_true * y_pred, axis=axes)
    total = ops.sum(ops.square(y_true), axis=axes) + ops.sum(
        ops.square(y_pred), axis=axes
    )
    return (2 * overlap + _SMOOTH) / (total + _SMOOTH)


class BinaryCrossentropyDice(keras.losses.Loss):  # type: ignore[misc]
    """Binary cross-entropy plus one minus Dice, averaged over the maps."""

    def __init__(self, name: str = "binary_crossentropy_dice") -> None:
        super().__init__(name=name, reduction=None)

    def call(
        self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Loss of a batch, a scalar."""
        crossentropy = ops.mean(ops.binary_crossentropy(y_true, y_pred))
        return crossentropy + 1 - ops.mean(soft_dice(y_true, y_pred))


def foreground_dice(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    """Dice of the foreground at probability .5, a scalar: the training metric."""
    truth = ops.cast(y_true[..., 0] > 0.5, "float32")
    prediction = ops.cast(y_pred[..., 0] > 0.5, "float32")
    total = ops.sum(truth) + ops.sum(prediction)
    return (2 * ops.sum(truth * prediction) + _SMOOTH) / (total + _SMOOTH)
