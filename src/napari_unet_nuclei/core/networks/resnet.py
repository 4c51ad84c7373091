"""The ResNet U-Net: encoder and decoder made of residual blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras

from napari_unet_nuclei.core.networks.blocks import apply_convolution, apply_maps
from napari_unet_nuclei.core.networks.upsampling import Upsampling, apply_skip

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


@dataclass(frozen=True, kw_only=True)
class ResNetShape:
    """Layers of a residual U-Net; bundles store these fields by name.

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
    """

    widths: Sequence[int] = (32, 64, 128, 256)
    stem_stride: int = 2
    encoder_blocks: int | Sequence[int] = 1
    decoder_blocks: int = 1
    batch_normalization: bool = True
    dropout: float = 0.0
    upsampling: str = "transposed"
    n_maps: int = 3


def build_resnet(shape: ResNetShape) -> keras.Model:
    """Build a U-Net whose encoder and decoder are residual blocks.

    Parameters
    ----------
    shape : ResNetShape
        Its layers.

    Returns
    -------
    keras.Model
        From (batch, Y, X, 3) float32 in [0, 1] to (batch, Y, X, n_maps)
        float32 in (0, 1); Y and X are multiples of
        ``stem_stride * 2 ** (len(widths) - 1)``.

    Raises
    ------
    ValueError
        If there is no such up-sampling, or blocks are given for another depth.

    References
    ----------
    Ronneberger, Fischer, Brox: U-Net, MICCAI 2015,
    doi:10.1007/978-3-319-24574-4_28; He, Zhang, Ren, Sun: Deep residual
    learning for image recognition, CVPR 2016, doi:10.1109/CVPR.2016.90
    """
    image = keras.Input((None, None, 3), name="image")
    skips = _apply_encoder(image, shape)
    x = skips[-1]
    if shape.dropout:
        x = keras.layers.Dropout(shape.dropout, name="bottleneck_dropout")(x)
    x = _apply_decoder(x, skips[:-1], shape)
    maps = apply_maps(x, shape.n_maps, stem_stride=shape.stem_stride)
    return keras.Model(image, maps, name="resnet")


def _apply_encoder(
    image: keras.KerasTensor, shape: ResNetShape
) -> list[keras.KerasTensor]:
    """Return the features of each level, the finest first."""
    n_blocks = shape.encoder_blocks
    if isinstance(n_blocks, int):
        n_blocks = [n_blocks] * len(shape.widths)
    x = apply_convolution(
        image,
        shape.widths[0],
        strides=shape.stem_stride,
        batch_normalization=shape.batch_normalization,
        name="stem",
    )
    skips = []
    for level, (filters, n) in enumerate(zip(shape.widths, n_blocks, strict=True)):
        for index in range(n):
            x = apply_residual_block(
                x,
                filters,
                strides=2 if level > 0 and index == 0 else 1,
                batch_normalization=shape.batch_normalization,
                name=f"encoder{level}_{index}",
            )
        skips.append(x)
    return skips


def _apply_decoder(
    x: keras.KerasTensor, skips: Sequence[keras.KerasTensor], shape: ResNetShape
) -> keras.KerasTensor:
    """Go up again."""
    upsampling = Upsampling(shape.upsampling)
    for level, skip in reversed(list(enumerate(skips))):
        filters, name = shape.widths[level], f"decoder{level}"
        x = apply_skip(x, skip, filters, upsampling=upsampling, name=name)
        for index in range(shape.decoder_blocks):
            x = apply_residual_block(
                x,
                filters,
                batch_normalization=shape.batch_normalization,
                name=f"{name}_{index}",
            )
    return x
