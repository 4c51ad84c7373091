"""The layers both networks are made of, as small functions on Keras tensors.

Nothing here knows a whole network; nothing here holds state.  Every layer gets
a systematic name, so that weights can be matched by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH_NORMALIZATION_EPSILON = 1e-3


def each_level(
    value: float | Sequence[float], n_levels: int, name: str
) -> tuple[float, ...]:
    """Spell out a setting that may be one number for all levels or one for each.

    Parameters
    ----------
    value : float or sequence of float
        The setting.
    n_levels : int
        Levels there are.
    name : str
        What the setting is called.

    Returns
    -------
    tuple of float
        One number per level.

    Raises
    ------
    ValueError
        If there are more or fewer numbers than levels.
    """
    if isinstance(value, (int, float)):
        return (value,) * n_levels
    if len(value) != n_levels:
        raise ValueError(
            f"{name} must be one number or one for each of the {n_levels} levels. "
            f"Received: {list(value)}"
        )
    return tuple(value)


def apply_grey(x: keras.KerasTensor) -> keras.KerasTensor:
    """Average the channels: networks for grey images are fed three equal ones.

    Parameters
    ----------
    x : KerasTensor, shape (batch, Y, X, channels)
        Input.

    Returns
    -------
    KerasTensor, shape (batch, Y, X, 1)
        Mean over the channels.
    """
    return keras.ops.mean(x, axis=-1, keepdims=True)


def apply_convolution(
    x: keras.KerasTensor,
    filters: int,
    *,
    name: str,
    kernel_size: int = 3,
    strides: int = 1,
    batch_normalization: bool = True,
    activation: str | None = "relu",
) -> keras.KerasTensor:
    """Convolution with same padding, then normalisation, then activation.

    Parameters
    ----------
    x : KerasTensor, shape (batch, Y, X, channels)
        Input.
    filters : int
        Output channels.
    name : str
        Prefix of the layer names.
    kernel_size, strides : int, in px
        Size and step of the kernel.
    batch_normalization : bool
        Normalise before the activation; the convolution then has no bias.
    activation : str, optional
        Keras name of the activation, ``None`` for none.

    Returns
    -------
    KerasTensor, shape (batch, Y / strides, X / strides, filters)
        Output.
    """
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=not batch_normalization,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    if batch_normalization:
        x = keras.layers.BatchNormalization(
            momentum=0.9, epsilon=BATCH_NORMALIZATION_EPSILON, name=f"{name}_bn"
        )(x)
    if activation is not None:
        x = keras.layers.Activation(activation, name=f"{name}_{activation}")(x)
    return x


@dataclass(frozen=True, kw_only=True)
class Level:
    """The convolutions of one level of a U-Net.

    Parameters
    ----------
    filters : int
        Output channels of each convolution.
    n_convolutions : int
        How many there are; without any, the input is the output.
    batch_normalization : bool
        Normalise after each.
    activation : str
        Keras name of the activation.
    dropout : float in [0, 1)
        Dropped part of the features.
    dropout_after : int, optional
        Convolutions before the dropout; all by default, and at most.
    """

    filters: int
    n_convolutions: int
    batch_normalization: bool = True
    activation: str = "relu"
    dropout: float = 0.0
    dropout_after: int | None = None


def apply_level(
    x: keras.KerasTensor, level: Level, *, name: str, strides: int = 1
) -> keras.KerasTensor:
    """Apply the convolutions of one level and, after some or all of them, dropout.

    Parameters
    ----------
    x : KerasTensor, shape (batch, Y, X, channels)
        Input.
    level : Level
        What to apply.
    name : str
        Prefix of the layer names.
    strides : int, in px
        Step of the first convolution.

    Returns
    -------
    KerasTensor, shape (batch, Y / strides, X / strides, filters)
        Output.
    """
    dropout_after = level.n_convolutions
    if level.dropout_after is not None:
        dropout_after = min(level.dropout_after, dropout_after)
    for index in range(level.n_convolutions):
        x = apply_convolution(
            x,
            level.filters,
            strides=strides if index == 0 else 1,
            batch_normalization=level.batch_normalization,
            activation=level.activation,
            name=f"{name}_{index}",
        )
        if level.dropout and index + 1 == dropout_after:
            x = keras.layers.Dropout(level.dropout, name=f"{name}_dropout")(x)
    return x


def apply_maps(
    x: keras.KerasTensor, n_maps: int, *, stem_stride: int
) -> keras.KerasTensor:
    """Turn decoder features into output maps at the input's resolution.

    Parameters
    ----------
    x : KerasTensor, shape (batch, Y / stem_stride, X / stem_stride, channels)
        Features of the last decoder level.
    n_maps : int
        Number of output maps.
    stem_stride : {1, 2}
        What the stem divided the resolution by.

    Returns
    -------
    KerasTensor of float32, shape (batch, Y, X, n_maps), values in (0, 1)
        Sigmoid maps.
    """
    if stem_stride == 2:
        x = keras.layers.Conv2DTranspose(
            n_maps, 2, strides=2, padding="same", name="maps_logits"
        )(x)
    else:
        x = keras.layers.Conv2D(n_maps, 1, name="maps_logits")(x)
    return keras.layers.Activation("sigmoid", dtype="float32", name="maps")(x)
