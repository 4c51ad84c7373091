"""What training minimises, on maps of shape (batch, Y, X, maps).

Maps may be soft, as the distance is: each loss is smallest where the prediction
equals the target.  Where a target is negative it is not annotated: nothing that is
predicted there changes a loss or its gradient, and where all is annotated, each loss is
to the bit what it would be without this rule.  A target that is no number is not
ignored: the loss is none either, so that it does not go unseen.  What training only
watches is in :mod:`~napari_unet_nuclei.core.training.metrics`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import ops

from napari_unet_nuclei.core.settings.choices import LossTerm, parse_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    LossFunction = Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]

_SMOOTH = 1.0
_PIXELS = (0, 1, 2)
_FALSE_POSITIVES, _FALSE_NEGATIVES = 0.3, 0.7


def soft_dice(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    """Overlap of predicted and true maps, per map over the whole batch.

    Parameters
    ----------
    y_true, y_pred : tensor of float32, shape (batch, Y, X, maps), values in [0, 1]
        Targets, -1 where nothing is annotated, and predictions.

    Returns
    -------
    tensor of float32, shape (maps,)
        Dice with squared denominators, 1 only where both agree, for soft
        targets too.

    References
    ----------
    Milletari, Navab, Ahmadi: V-Net, 3DV 2016, doi:10.1109/3DV.2016.79
    """
    y_true, y_pred = _hide_ignored(y_true, y_pred)
    overlap = ops.sum(y_true * y_pred, axis=_PIXELS)
    total = ops.sum(ops.square(y_true), axis=_PIXELS) + ops.sum(
        ops.square(y_pred), axis=_PIXELS
    )
    return (2 * overlap + _SMOOTH) / (total + _SMOOTH)


def tversky_index(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    """Overlap that weighs missed pixels more than spurious ones.

    Parameters
    ----------
    y_true, y_pred : tensor of float32, shape (batch, Y, X, maps), values in [0, 1]
        Targets, -1 where nothing is annotated, and predictions.

    Returns
    -------
    tensor of float32, shape (maps,)
        Tversky index per map over the whole batch, false positives weighted 0.3
        and false negatives 0.7.  The overlap of soft values is their minimum, so
        that it is 1 only where both agree.

    References
    ----------
    Salehi, Erdogmus, Gholipour: Tversky loss function for image segmentation using
    3D fully convolutional deep networks, MLMI 2017, doi:10.1007/978-3-319-67389-9_44
    """
    y_true, y_pred = _hide_ignored(y_true, y_pred)
    overlap = ops.sum(ops.minimum(y_true, y_pred), axis=_PIXELS)
    excess = ops.sum(ops.relu(y_pred - y_true), axis=_PIXELS)
    lack = ops.sum(ops.relu(y_true - y_pred), axis=_PIXELS)
    errors = _FALSE_POSITIVES * excess + _FALSE_NEGATIVES * lack
    return (overlap + _SMOOTH) / (overlap + errors + _SMOOTH)


def focal_crossentropy(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    """Binary cross-entropy, weighted by the square of how far off each pixel is.

    Parameters
    ----------
    y_true, y_pred : tensor of float32, shape (batch, Y, X, maps), values in [0, 1]
        Targets, -1 where nothing is annotated, and predictions.

    Returns
    -------
    tensor of float32, scalar
        Mean over all annotated pixels and maps; the focusing parameter γ is 2.

    References
    ----------
    Lin et al.: Focal loss for dense object detection, ICCV 2017,
    doi:10.1109/ICCV.2017.324; for soft targets: Li et al.: Generalized focal loss,
    NeurIPS 2020, doi:10.48550/arXiv.2006.04388
    """
    target, _ = _hide_ignored(y_true, y_pred)
    weight = ops.square(target - y_pred)
    return _mean_annotated(weight * _crossentropy(target, y_pred), y_true)


def _hide_ignored(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return targets and predictions that are 0 where nothing is annotated."""
    is_ignored = y_true < 0
    return tuple(
        ops.where(is_ignored, ops.zeros_like(maps), maps) for maps in (y_true, y_pred)
    )


def _mean_annotated(
    values: keras.KerasTensor, y_true: keras.KerasTensor
) -> keras.KerasTensor:
    """Mean over what is annotated; 0 where nothing is."""
    is_annotated = ops.logical_not(y_true < 0)  # what is no number shows in the loss
    part = ops.mean(ops.cast(is_annotated, values.dtype))
    mean = ops.mean(ops.where(is_annotated, values, ops.zeros_like(values)))
    return mean / ops.where(part > 0, part, ops.ones_like(part))


def _crossentropy(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    """Binary cross-entropy of each pixel; no number where the prediction is none.

    The prediction has to be as the network returned it: Keras takes the logits that it
    was computed from where it finds them.
    """
    if keras.backend.backend() != "torch":
        return ops.binary_crossentropy(y_true, y_pred)
    # PyTorch's own takes down a GPU's process when a prediction is no number.
    epsilon = keras.config.epsilon()
    clipped = ops.clip(y_pred, epsilon, 1 - epsilon)
    return -(y_true * ops.log(clipped) + (1 - y_true) * ops.log(1 - clipped))


def _mean_crossentropy(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    target, _ = _hide_ignored(y_true, y_pred)
    return _mean_annotated(_crossentropy(target, y_pred), y_true)


def _lack_of_dice(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    return 1 - ops.mean(soft_dice(y_true, y_pred))


def _lack_of_tversky(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> keras.KerasTensor:
    return 1 - ops.mean(tversky_index(y_true, y_pred))


_FUNCTIONS: dict[LossTerm, LossFunction] = {
    LossTerm.BINARY_CROSSENTROPY: _mean_crossentropy,
    LossTerm.DICE: _lack_of_dice,
    LossTerm.TVERSKY: _lack_of_tversky,
    LossTerm.FOCAL: focal_crossentropy,
}


class SummedLoss(keras.losses.Loss):  # type: ignore[misc]
    """Sum of losses, each a mean over the maps.

    Parameters
    ----------
    terms : sequence of LossTerm
        What to add up.
    """

    def __init__(self, terms: Sequence[LossTerm]) -> None:
        super().__init__(name="_".join(terms), reduction=None)
        self._functions = [_FUNCTIONS[term] for term in terms]

    def call(
        self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Loss of a batch, a scalar."""
        return sum(function(y_true, y_pred) for function in self._functions)


def make_loss(name: str) -> SummedLoss:
    """Build a loss from its name.

    Parameters
    ----------
    name : str
        A :class:`LossTerm`, or several joined by ``+``.

    Returns
    -------
    SummedLoss
        The loss.

    Raises
    ------
    SettingsError
        If there is no loss of one of these names.
    """
    return SummedLoss(parse_loss(name))
