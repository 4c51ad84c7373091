"""The classic U-Net: two branches of plain convolutions with skip connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras

from napari_unet_nuclei.core.networks.blocks import (
    Level,
    apply_convolution,
    apply_grey,
    apply_level,
    apply_maps,
    each_level,
)
from napari_unet_nuclei.core.networks.upsampling import Upsampling, apply_skip

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class ClassicShape:
    """Layers of a classic U-Net; bundles store these fields by name.

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

    Raises
    ------
    ValueError
        If a field contradicts another.
    """

    widths: Sequence[int] = (32, 64, 96, 128)
    n_channels: int = 3
    stem_stride: int = 2
    encoder_convolutions: int = 2
    decoder_convolutions: int = 1
    bottleneck: bool = True
    batch_normalization: bool = True
    dropout: float | Sequence[float] = 0.0
    decoder_dropout: float | Sequence[float] = 0.0
    dropout_after: int | None = None
    upsampling: str = "transposed"
    upsampling_filters: Sequence[int] | None = None
    head_filters: int = 0
    n_maps: int = 3

    def __post_init__(self) -> None:
        Upsampling(self.upsampling)  # raises what it is instead
        if self.n_channels not in (1, 3):
            raise ValueError(f"n_channels must be 1 or 3. Received: {self.n_channels}")
        each_level(self.dropout, len(self.widths), "dropout")
        each_level(self.decoder_dropout, self._n_upsamplings, "decoder_dropout")
        filters = self.upsampling_filters
        if filters is not None and len(filters) != self._n_upsamplings:
            raise ValueError(
                f"upsampling_filters must be one for each of the {self._n_upsamplings} "
                f"levels of the decoder. Received: {list(filters)}"
            )

    @property
    def _n_upsamplings(self) -> int:
        return len(self.widths) - 1 if self.bottleneck else len(self.widths)

    @property
    def encoder(self) -> list[Level]:
        """Levels on the way down."""
        rates = each_level(self.dropout, len(self.widths), "dropout")
        return self._levels(self.encoder_convolutions, rates)

    @property
    def decoder(self) -> list[Level]:
        """Levels on the way up, those that have a skip connection."""
        rates = each_level(self.decoder_dropout, self._n_upsamplings, "decoder_dropout")
        return self._levels(self.decoder_convolutions, rates)

    def _levels(self, n_convolutions: int, rates: Sequence[float]) -> list[Level]:
        return [
            Level(
                filters=filters,
                n_convolutions=n_convolutions,
                batch_normalization=self.batch_normalization,
                dropout=rate,
                dropout_after=self.dropout_after,
            )
            for filters, rate in zip(self.widths, rates, strict=False)
        ]


def build_classic(shape: ClassicShape) -> keras.Model:
    """Build the U-Net of Ronneberger et al. with same padding.

    Parameters
    ----------
    shape : ClassicShape
        Its layers.

    Returns
    -------
    keras.Model
        From (batch, Y, X, 3) float32 in [0, 1] to (batch, Y, X, n_maps)
        float32 in (0, 1); Y and X are multiples of ``stem_stride`` times 2 to the
        number of poolings.

    References
    ----------
    Ronneberger, Fischer, Brox: U-Net, MICCAI 2015,
    doi:10.1007/978-3-319-24574-4_28
    """
    image = keras.Input((None, None, 3), name="image")
    x = image if shape.n_channels == 3 else apply_grey(image)
    x, skips = _apply_encoder(x, shape)
    x = _apply_decoder(x, skips, shape)
    if shape.head_filters:
        x = apply_convolution(
            x,
            shape.head_filters,
            batch_normalization=shape.batch_normalization,
            name="head",
        )
    maps = apply_maps(x, shape.n_maps, stem_stride=shape.stem_stride)
    return keras.Model(image, maps, name="classic")


def _apply_encoder(
    x: keras.KerasTensor, shape: ClassicShape
) -> tuple[keras.KerasTensor, list[keras.KerasTensor]]:
    """Go down to the bottleneck; what is on the way is for the skip connections."""
    skips = []
    for number, level in enumerate(shape.encoder):
        if number > 0:
            x = keras.layers.MaxPooling2D(2, name=f"encoder{number}_pool")(x)
        strides = shape.stem_stride if number == 0 else 1
        x = apply_level(x, level, strides=strides, name=f"encoder{number}")
        skips.append(x)
    if shape.bottleneck:
        skips.pop()
    else:
        x = keras.layers.MaxPooling2D(2, name="bottleneck_pool")(x)
    return x, skips


def _apply_decoder(
    x: keras.KerasTensor, skips: Sequence[keras.KerasTensor], shape: ClassicShape
) -> keras.KerasTensor:
    """Go up again."""
    filters = shape.upsampling_filters or shape.widths
    upsampling = Upsampling(shape.upsampling)
    for number, level in reversed(list(enumerate(shape.decoder))):
        name = f"decoder{number}"
        x = apply_skip(
            x, skips[number], filters[number], upsampling=upsampling, name=name
        )
        x = apply_level(x, level, name=name)
    return x
