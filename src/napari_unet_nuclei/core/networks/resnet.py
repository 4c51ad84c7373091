"""The ResNet U-Net: encoder and decoder made of residual blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from napari_unet_nuclei.core.networks.blocks import (
    Upsampling,
    apply_convolution,
    apply_maps,
    apply_upsampling,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def apply_residual_block(
    x: keras.KerasTensor,
    filters: int,
    *,
    name: str,
    strides: int = 1,
    batch_normalization: bool = True,
) -> keras.KerasTensor:
    """Two convolutions beside a shortcut.

    Parameters
    ----------
    x : KerasTensor, shape (batch, Y, X, channels)
        Input.
    filters : int
        Output channels.
    name : str
        Prefix of the layer names.
    strides : int, in px
        Step of the first convolution and of the shortcut.
    batch_normalization : bool
        Normalise after each convolution.

    Returns
    -------
    KerasTensor, shape (batch, Y / strides, X / strides, filters)
        Output.

    References
    ----------
    He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR
    2016, doi:10.1109/CVPR.2016.90
    """
    shortcut = x
    if strides != 1 or x.shape[-1] != filters:
        shortcut = apply_convolution(
            x,
            filters,
            kernel_size=1,
            strides=strides,
            batch_normalization=batch_normalization,
            activation=None,
            name=f"{name}_shortcut",
        )
    x = apply_convolution(
        x,
        filters,
        strides=strides,
        batch_normalization=batch_normalization,
        name=f"{name}_0",
    )
    x = apply_convolution(
        x,
        filters,
        batch_normalization=batch_normalization,
        activation=None,
        name=f"{name}_1",
    )
    x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return keras.layers.Activation("relu", name=f"{name}_relu")(x)


def build_resnet(
    *,
    widths: Sequence[int] = (32, 64, 128, 256),
    stem_stride: int = 2,
    encoder_blocks: int | Sequence[int] = 1,
    decoder_blocks: int = 1,
    batch_normalization: bool = True,
    dropout: float = 0.0,
    upsampling: str = "transposed",
    n_maps: int = 3,
) -> keras.Model:
    """Build a U-Net whose encoder and decoder are residual blocks.

    Parameters
    ----------
    widths : sequence of int
        Filters of each level, finest first; its length is the depth.
    stem_stride : {1, 2}
        Step of the very first convolution.
    encoder_blocks : int or sequence of int
        Residual blocks a level, one number for all levels or one each.
    decoder_blocks : int
        Residual blocks a level on the way up.
    batch_normalization : bool
        Normalise after each convolution.
    dropout : float in [0, 1)
        Dropped part of the features at the deepest level.
    upsampling : {"transposed", "bilinear"}
        How the decoder doubles the resolution.
    n_maps : int
        Number of output maps.

    Returns
    -------
    keras.Model
        From (batch, Y, X, 3) float32 in [0, 1] to (batch, Y, X, n_maps)
        float32 in (0, 1); Y and X are multiples of
        ``stem_stride * 2 ** (len(widths) - 1)``.

    References
    ----------
    Ronneberger, Fischer, Brox: U-Net, MICCAI 2015,
    doi:10.1007/978-3-319-24574-4_28; He, Zhang, Ren, Sun: Deep residual
    learning for image recognition, CVPR 2016, doi:10.1109/CVPR.2016.90
    """
    how = Upsampling(upsampling)
    blocks = (
        [encoder_blocks] * len(widths)
        if isinstance(encoder_blocks, int)
        else list(encoder_blocks)
    )
    image = keras.Input((None, None, 3), name="image")
    x = apply_convolution(
        image,
        widths[0],
        strides=stem_stride,
        batch_normalization=batch_normalization,
        name="stem",
    )
    skips = []
    for level, (filters, n_blocks) in enumerate(zip(widths, blocks, strict=True)):
        for index in range(n_blocks):
            x = apply_residual_block(
                x,
                filters,
                strides=2 if level > 0 and index == 0 else 1,
                batch_normalization=batch_normalization,
                name=f"encoder{level}_{index}",
            )
        skips.append(x)
    if dropout:
        x = keras.layers.Dropout(dropout, name="bottleneck_dropout")(x)
    for level in range(len(widths) - 2, -1, -1):
        x = apply_upsampling(
            x, widths[level], name=f"decoder{level}_up", upsampling=how
        )
        x = keras.layers.Concatenate(name=f"decoder{level}_skip")([x, skips[level]])
        for index in range(decoder_blocks):
            x = apply_residual_block(
                x,
                widths[level],
                batch_normalization=batch_normalization,
                name=f"decoder{level}_{index}",
            )
    maps = apply_maps(x, n_maps, stem_stride=stem_stride)
    return keras.Model(image, maps, name="resnet")
