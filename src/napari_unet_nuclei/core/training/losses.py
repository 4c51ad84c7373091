"""What training minimises, on maps of shape (batch, Y, X, maps).

Maps may be soft, as the distance is: each loss is smallest where the prediction
equals the target.  Where a target is negative it is not annotated: nothing that is
predicted there changes a loss or its gradient, and where all is annotated, each loss is
to the bit what it would be without this rule.  A target that is no number is not
ignored: the loss is none either, so that it does not go unseen.  A replayed crop counts
as much as three to be learned, however little of these is annotated.  What training
only watches is in :mod:`~napari_unet_nuclei.core.training.metrics`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import ops

from napari_unet_nuclei.core.settings.choices import LossTerm, parse_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    Weight: TypeAlias = keras.KerasTensor | float
    LossFunction = Callable[
        [keras.KerasTensor, keras.KerasTensor, Weight], keras.KerasTensor
    ]

_SMOOTH = 1.0
_PIXELS = (0, 1, 2)
_FALSE_POSITIVES, _FALSE_NEGATIVES = 0.3, 0.7
_REPLAY_WEIGHT = 3.0  # of a replayed crop, so that half of a batch is worth more


def soft_dice(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor, weight: Weight = 1.0
) -> keras.KerasTensor:
    """Overlap of predicted and true maps, per map over the whole batch.

    Parameters
    ----------
    y_true, y_pred : tensor of float32, shape (batch, Y, X, maps), values in [0, 1]
        Targets, -1 where nothing is annotated, and predictions.
    weight : tensor of float32, shape (batch, 1, 1, 1), or float
        How much the pixels of each crop count.

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
    overlap = ops.sum(weight * y_true * y_pred, axis=_PIXELS)
    total = ops.sum(weight * ops.square(y_true), axis=_PIXELS) + ops.sum(
        weight * ops.square(y_pred), axis=_PIXELS
    )
    return (2 * overlap + _SMOOTH) / (total + _SMOOTH)


def tversky_index(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor, weight: Weight = 1.0
) -> keras.KerasTensor:
    """Overlap that weighs missed pixels more than spurious ones.

    Parameters
    ----------
    y_true, y_pred : tensor of float32, shape (batch, Y, X, maps), values in [0, 1]
        Targets, -1 where nothing is annotated, and predictions.
    weight : tensor of float32, shape (batch, 1, 1, 1), or float
        How much the pixels of each crop count.

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
    overlap = ops.sum(weight * ops.minimum(y_true, y_pred), axis=_PIXELS)
    excess = ops.sum(weight * ops.relu(y_pred - y_true), axis=_PIXELS)
    lack = ops.sum(weight * ops.relu(y_true - y_pred), axis=_PIXELS)
    errors = _FALSE_POSITIVES * excess + _FALSE_NEGATIVES * lack
    return (overlap + _SMOOTH) / (overlap + errors + _SMOOTH)


def focal_crossentropy(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor, weight: Weight = 1.0
) -> keras.KerasTensor:
    """Binary cross-entropy, weighted by the square of how far off each pixel is.

    Parameters
    ----------
    y_true, y_pred : tensor of float32, shape (batch, Y, X, maps), values in [0, 1]
        Targets, -1 where nothing is annotated, and predictions.
    weight : tensor of float32, shape (batch, 1, 1, 1), or float
        How much the pixels of each crop count.

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
    focus = ops.square(target - y_pred)
    return _mean_annotated(focus * _crossentropy(target, y_pred), y_true, weight)


def _hide_ignored(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return targets and predictions that are 0 where nothing is annotated."""
    is_ignored = y_true < 0
    return tuple(
        ops.where(is_ignored, ops.zeros_like(maps), maps) for maps in (y_true, y_pred)
    )


def _mean_annotated(
    values: keras.KerasTensor, y_true: keras.KerasTensor, weight: Weight
) -> keras.KerasTensor:
    """Weighted mean over what is annotated; 0 where nothing is."""
    counted = weight * _annotated(y_true, values.dtype)
    mean = ops.mean(ops.where(counted > 0, weight * values, ops.zeros_like(values)))
    return mean / _or_one(ops.mean(counted))


def _annotated(y_true: keras.KerasTensor, dtype: str) -> keras.KerasTensor:
    """1 where a map is annotated, also with no number, which shows in the loss."""
    return ops.cast(ops.logical_not(y_true < 0), dtype)


def _or_one(part: keras.KerasTensor) -> keras.KerasTensor:
    """Return what to divide by, where nothing may be annotated."""
    return ops.where(part > 0, part, ops.ones_like(part))


def _weigh_crops(y_true: keras.KerasTensor, n_replayed: int) -> Weight:
    """Weigh crops to be learned, and replayed ones, however little is annotated.

    Every pixel of a replayed crop is known, but of one to be learned perhaps a tenth,
    which would have only a tenth of the say.
    """
    if not n_replayed:
        return 1.0
    learned, replayed = y_true[:-n_replayed], y_true[-n_replayed:]
    weights = []
    for crops, weight in ((learned, 1.0), (replayed, _REPLAY_WEIGHT)):
        part = ops.mean(_annotated(crops, y_true.dtype))
        weights.append(weight * ops.ones_like(crops[:, :1, :1, :1]) / _or_one(part))
    return ops.concatenate(weights)


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
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor, weight: Weight
) -> keras.KerasTensor:
    target, _ = _hide_ignored(y_true, y_pred)
    return _mean_annotated(_crossentropy(target, y_pred), y_true, weight)


def _lack_of_dice(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor, weight: Weight
) -> keras.KerasTensor:
    return 1 - ops.mean(soft_dice(y_true, y_pred, weight))


def _lack_of_tversky(
    y_true: keras.KerasTensor, y_pred: keras.KerasTensor, weight: Weight
) -> keras.KerasTensor:
    return 1 - ops.mean(tversky_index(y_true, y_pred, weight))


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
    n_replayed : int
        Crops at the end of each batch that are replayed.
    """

    def __init__(self, terms: Sequence[LossTerm], n_replayed: int = 0) -> None:
        super().__init__(name="_".join(terms), reduction=None)
        self._functions = [_FUNCTIONS[term] for term in terms]
        self._n_replayed = n_replayed

    def call(
        self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Loss of a batch, a scalar."""
        weight = _weigh_crops(y_true, self._n_replayed)
        return sum(function(y_true, y_pred, weight) for function in self._functions)


def make_loss(name: str, n_replayed: int = 0) -> SummedLoss:
    """Build a loss from its name.

    Parameters
    ----------
    name : str
        A :class:`LossTerm`, or several joined by ``+``.
    n_replayed : int
        Crops at the end of each batch that are replayed.

    Returns
    -------
    SummedLoss
        The loss.

    Raises
    ------
    SettingsError
        If there is no loss of one of these names.
    """
    return SummedLoss(parse_loss(name), n_replayed)
