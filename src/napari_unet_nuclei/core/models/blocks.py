"""The layers both networks are made of, as small functions on Keras tensors.

Nothing here knows a whole network; nothing here holds state.  Every layer gets
a systematic name, so that weights can be matched by name.
"""

from __future__ import annotations

from enum import StrEnum

import keras


class Upsampling(StrEnum):
    """Ways to double the resolution in a decoder."""

    TRANSPOSED = "transposed"
    BILINEAR = "bilinear"


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
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    if activation is not None:
        x = keras.layers.Activation(activation, name=f"{name}_{activation}")(x)
    return x


def apply_upsampling(
    x: keras.KerasTensor, filters: int, *, name: str, upsampling: Upsampling
) -> keras.KerasTensor:
    """Double the resolution.

    Parameters
    ----------
    x : KerasTensor, shape (batch, Y, X, channels)
        Input.
    filters : int
        Output channels of a transposed convolution; bilinear interpolation
        keeps the channels it is given.
    name : str
        Name of the layer.
    upsampling : Upsampling
        How to double.

    Returns
    -------
    KerasTensor, shape (batch, 2 Y, 2 X, filters or channels)
        Output.
    """
    match upsampling:
        case Upsampling.TRANSPOSED:
            return keras.layers.Conv2DTranspose(
                filters,
                2,
                strides=2,
                padding="same",
                kernel_initializer="he_normal",
                name=name,
            )(x)
        case Upsampling.BILINEAR:
            return _apply_bilinear_upsampling(x, name=name)


def _apply_bilinear_upsampling(x: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
    """Double the resolution bilinearly, in steps that every export knows.

    ``UpSampling2D(interpolation="bilinear")`` cannot be exported with dynamic height
    and width.  Repeating each pixel and smoothing with (1, 2, 1) / 4, edges
    mirrored, gives the same values.
    """
    x = keras.layers.UpSampling2D(2, name=f"{name}_repeat")(x)
    x = keras.ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="symmetric")
    x = keras.layers.AveragePooling2D(2, strides=1, name=f"{name}_smooth0")(x)
    return keras.layers.AveragePooling2D(2, strides=1, name=name)(x)


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
