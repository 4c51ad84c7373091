"""Ways to double the resolution in a decoder."""

from __future__ import annotations

from enum import StrEnum

import keras

from napari_unet_nuclei.core.networks.blocks import apply_convolution


class Upsampling(StrEnum):
    """Ways to double the resolution in a decoder."""

    TRANSPOSED = "transposed"
    BILINEAR = "bilinear"
    NEAREST = "nearest"


def apply_upsampling(
    x: keras.KerasTensor, filters: int, *, name: str, upsampling: Upsampling
) -> keras.KerasTensor:
    """Double the resolution.

    Parameters
    ----------
    x : KerasTensor, shape (batch, Y, X, channels)
        Input.
    filters : int
        Output channels of a convolution; bilinear interpolation keeps the channels
        it is given.
    name : str
        Name of the layer.
    upsampling : Upsampling
        How to double: a transposed convolution, bilinear interpolation, or pixels
        repeated and convolved.

    Returns
    -------
    KerasTensor, shape (batch, 2 Y, 2 X, filters or channels)
        Output.

    References
    ----------
    Odena, Dumoulin, Olah: Deconvolution and checkerboard artifacts, Distill 2016,
    doi:10.23915/distill.00003
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
        case Upsampling.NEAREST:
            x = keras.layers.UpSampling2D(2, name=f"{name}_repeat")(x)
            return apply_convolution(
                x, filters, kernel_size=2, batch_normalization=False, name=name
            )


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


def apply_skip(
    x: keras.KerasTensor,
    skip: keras.KerasTensor,
    filters: int,
    *,
    name: str,
    upsampling: Upsampling,
) -> keras.KerasTensor:
    """Double the resolution and join what the encoder saw there.

    Parameters
    ----------
    x : KerasTensor, shape (batch, Y, X, channels)
        Input.
    skip : KerasTensor, shape (batch, 2 Y, 2 X, others)
        Features of the encoder.
    filters, upsampling
        As in :func:`apply_upsampling`.
    name : str
        Prefix of the layer names.

    Returns
    -------
    KerasTensor, shape (batch, 2 Y, 2 X, filters + others)
        Output.

    References
    ----------
    Ronneberger, Fischer, Brox: U-Net, MICCAI 2015,
    doi:10.1007/978-3-319-24574-4_28
    """
    x = apply_upsampling(x, filters, name=f"{name}_up", upsampling=upsampling)
    return keras.layers.Concatenate(name=f"{name}_skip")([x, skip])
