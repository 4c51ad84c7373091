"""The classic U-Net: two branches of plain convolutions with skip connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from napari_unet_nuclei.core.models.blocks import (
    Upsampling,
    apply_convolution,
    apply_maps,
    apply_upsampling,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def build_classic(
    *,
    widths: Sequence[int] = (32, 64, 96, 128),
    stem_stride: int = 2,
    encoder_convolutions: int = 2,
    decoder_convolutions: int = 1,
    batch_normalization: bool = True,
    dropout: float = 0.0,
    upsampling: str = "transposed",
    n_maps: int = 3,
) -> keras.Model:
    """Build the U-Net of Ronneberger et al. with same padding.

    Parameters
    ----------
    widths : sequence of int
        Filters of each level, finest first; its length is the depth.
    stem_stride : {1, 2}
        Step of the very first convolution.  With 2 no layer but the last works
        at full resolution, which doubles the speed.
    encoder_convolutions, decoder_convolutions : int
        Convolutions a level.
    batch_normalization : bool
        Normalise after each convolution.
    dropout : float in [0, 1)
        Dropped part of the features at the end of each encoder level.
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
    doi:10.1007/978-3-319-24574-4_28
    """
    how = Upsampling(upsampling)
    image = keras.Input((None, None, 3), name="image")
    x = image
    skips = []
    for level, filters in enumerate(widths):
        if level > 0:
            x = keras.layers.MaxPooling2D(2, name=f"encoder{level}_pool")(x)
        for index in range(encoder_convolutions):
            x = apply_convolution(
                x,
                filters,
                strides=stem_stride if level == index == 0 else 1,
                batch_normalization=batch_normalization,
                name=f"encoder{level}_{index}",
            )
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"encoder{level}_dropout")(x)
        skips.append(x)
    for level in range(len(widths) - 2, -1, -1):
        x = apply_upsampling(
            x, widths[level], name=f"decoder{level}_up", upsampling=how
        )
        x = keras.layers.Concatenate(name=f"decoder{level}_skip")([x, skips[level]])
        for index in range(decoder_convolutions):
            x = apply_convolution(
                x,
                widths[level],
                batch_normalization=batch_normalization,
                name=f"decoder{level}_{index}",
            )
    maps = apply_maps(x, n_maps, stem_stride=stem_stride)
    return keras.Model(image, maps, name="classic")
