"""The classic U-Net: two branches of plain convolutions with skip connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from napari_unet_nuclei.core.networks.blocks import (
    Upsampling,
    apply_convolution,
    apply_grey,
    apply_level,
    apply_maps,
    apply_upsampling,
    each_level,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def build_classic(
    *,
    widths: Sequence[int] = (32, 64, 96, 128),
    n_channels: int = 3,
    stem_stride: int = 2,
    encoder_convolutions: int = 2,
    decoder_convolutions: int = 1,
    bottleneck: bool = True,
    batch_normalization: bool = True,
    dropout: float | Sequence[float] = 0.0,
    decoder_dropout: float | Sequence[float] = 0.0,
    dropout_after: int | None = None,
    upsampling: str = "transposed",
    upsampling_filters: Sequence[int] | None = None,
    head_filters: int = 0,
    n_maps: int = 3,
) -> keras.Model:
    """Build the U-Net of Ronneberger et al. with same padding.

    Whatever is given for each level is given finest level first.

    Parameters
    ----------
    widths : sequence of int
        Filters of each level; its length is the depth.
    n_channels : {1, 3}
        Channels the first convolution sees: the image's three, or their mean.
    stem_stride : {1, 2}
        Step of the very first convolution.  With 2 no layer but the last works
        at full resolution, which doubles the speed.
    encoder_convolutions, decoder_convolutions : int
        Convolutions a level.
    bottleneck : bool
        Take the deepest level for the bottleneck, which has no skip connection.
        Without one every level is pooled, and nothing lies below the last pooling.
    batch_normalization : bool
        Normalise after each convolution.
    dropout, decoder_dropout : float in [0, 1), or one for each level
        Dropped part of the features on the way down and on the way up.
    dropout_after : int, optional
        Convolutions of a level that come before its dropout; all by default.
    upsampling : {"transposed", "bilinear", "nearest"}
        How the decoder doubles the resolution.
    upsampling_filters : sequence of int, optional
        Filters of the up-sampling to each level of the decoder, its width by
        default; bilinear interpolation has none.
    head_filters : int
        Filters of one more convolution before the maps, 0 for none.
    n_maps : int
        Number of output maps.

    Returns
    -------
    keras.Model
        From (batch, Y, X, 3) float32 in [0, 1] to (batch, Y, X, n_maps)
        float32 in (0, 1); Y and X are multiples of ``stem_stride`` times 2 to the
        number of poolings.

    Raises
    ------
    ValueError
        If an argument contradicts another.

    References
    ----------
    Ronneberger, Fischer, Brox: U-Net, MICCAI 2015,
    doi:10.1007/978-3-319-24574-4_28
    """
    how = Upsampling(upsampling)
    if n_channels not in (1, 3):
        raise ValueError(f"n_channels must be 1 or 3. Received: {n_channels}")
    n_ups = len(widths) - 1 if bottleneck else len(widths)
    down_rates = each_level(dropout, len(widths), "dropout")
    up_rates = each_level(decoder_dropout, n_ups, "decoder_dropout")
    up_filters = widths if upsampling_filters is None else upsampling_filters
    if upsampling_filters is not None and len(up_filters) != n_ups:
        raise ValueError(
            f"upsampling_filters must be one for each of the {n_ups} levels of the "
            f"decoder. Received: {list(up_filters)}"
        )
    image = keras.Input((None, None, 3), name="image")
    x = image if n_channels == 3 else apply_grey(image)
    skips = []
    for level, (filters, rate) in enumerate(zip(widths, down_rates, strict=True)):
        if level > 0:
            x = keras.layers.MaxPooling2D(2, name=f"encoder{level}_pool")(x)
        x = apply_level(
            x,
            filters,
            n_convolutions=encoder_convolutions,
            strides=stem_stride if level == 0 else 1,
            batch_normalization=batch_normalization,
            dropout=rate,
            dropout_after=dropout_after,
            name=f"encoder{level}",
        )
        skips.append(x)
    if bottleneck:
        skips.pop()
    else:
        x = keras.layers.MaxPooling2D(2, name="bottleneck_pool")(x)
    for level in reversed(range(n_ups)):
        x = apply_upsampling(
            x, up_filters[level], name=f"decoder{level}_up", upsampling=how
        )
        x = keras.layers.Concatenate(name=f"decoder{level}_skip")([x, skips[level]])
        x = apply_level(
            x,
            widths[level],
            n_convolutions=decoder_convolutions,
            batch_normalization=batch_normalization,
            dropout=up_rates[level],
            dropout_after=dropout_after,
            name=f"decoder{level}",
        )
    if head_filters:
        x = apply_convolution(
            x, head_filters, batch_normalization=batch_normalization, name="head"
        )
    maps = apply_maps(x, n_maps, stem_stride=stem_stride)
    return keras.Model(image, maps, name="classic")
