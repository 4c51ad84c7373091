"""A U-Net whose encoder is the ResNet-50 of ``keras.applications``."""

from __future__ import annotations

import contextlib
import functools
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.networks.blocks import Level, apply_level, apply_maps
from napari_unet_nuclei.core.networks.upsampling import Upsampling, apply_skip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Last layer of each level of the encoder, the finest first.
_SKIPS = ("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out")
# What ImageNet's weights were trained on: red, green and blue on the scale to 255,
# less their means, in the order blue, green, red.
_IMAGENET_MEANS = (123.68, 116.779, 103.939)
_DOWNLOAD_TIMEOUT = 30.0  # seconds of silence


@dataclass(frozen=True, kw_only=True)
class ResNet50Shape:
    """Layers of a U-Net on top of a ResNet-50; bundles store these fields by name.

    Parameters
    ----------
    encoder_weights : {"imagenet"}, optional
        Weights the encoder starts with, downloaded once by Keras; random ones by
        default.
    widths : sequence of 4 int
        Filters of each level of the decoder, the finest first.
    decoder_convolutions : int
        Convolutions a level of the decoder.
    dropout : float in [0, 1)
        Dropped part of the features, after the first convolution of each level of
        the decoder.
    upsampling : {"transposed", "bilinear", "nearest"}
        How the decoder doubles the resolution.
    n_maps : int
        Number of output maps.

    Raises
    ------
    ValueError
        If there are no such weights, or another number of widths.
    """

    encoder_weights: str | None = None
    widths: Sequence[int] = (32, 64, 128, 256)
    decoder_convolutions: int = 2
    dropout: float = 0.1
    upsampling: str = "transposed"
    n_maps: int = 3

    def __post_init__(self) -> None:
        Upsampling(self.upsampling)  # raises what it is instead
        if self.encoder_weights not in (None, "imagenet"):
            raise ValueError(
                "encoder_weights must be 'imagenet' or None. "
                f"Received: {self.encoder_weights!r}"
            )
        if len(self.widths) != len(_SKIPS):
            raise ValueError(
                f"widths must be {len(_SKIPS)} numbers, one for each level of the "
                f"decoder. Received: {list(self.widths)}"
            )


def build_resnet50(shape: ResNet50Shape) -> keras.Model:
    """Build a U-Net on top of a ResNet-50, with ELU in the decoder.

    Parameters
    ----------
    shape : ResNet50Shape
        Its layers.

    Returns
    -------
    keras.Model
        From (batch, Y, X, 3) float32 in [0, 1], red first, to (batch, Y, X, n_maps)
        float32 in (0, 1); Y and X are multiples of 32.

    Raises
    ------
    ModelError
        If ImageNet's weights can neither be downloaded nor found on this computer.

    References
    ----------
    Ronneberger, Fischer, Brox: U-Net, MICCAI 2015,
    doi:10.1007/978-3-319-24574-4_28; He, Zhang, Ren, Sun: Deep residual learning
    for image recognition, CVPR 2016, doi:10.1109/CVPR.2016.90; Clevert, Unterthiner,
    Hochreiter: Fast and accurate deep network learning by exponential linear units
    (ELUs), ICLR 2016, doi:10.48550/arXiv.1511.07289
    """
    image = keras.Input((None, None, 3), name="image")
    preprocessed = _apply_imagenet_preprocessing(image)
    encoder = _build_encoder(preprocessed, shape.encoder_weights)
    x, upsampling = encoder.output, Upsampling(shape.upsampling)
    for number in reversed(range(len(shape.widths))):
        filters, name = shape.widths[number], f"decoder{number}"
        skip = encoder.get_layer(_SKIPS[number]).output
        level = Level(
            filters=filters,
            n_convolutions=shape.decoder_convolutions,
            batch_normalization=False,
            activation="elu",
            dropout=shape.dropout,
            dropout_after=1,
        )
        x = apply_skip(x, skip, filters, upsampling=upsampling, name=name)
        x = apply_level(x, level, name=name)
    maps = apply_maps(x, shape.n_maps, stem_stride=2)
    return keras.Model(image, maps, name="resnet50")


def _apply_imagenet_preprocessing(image: keras.KerasTensor) -> keras.KerasTensor:
    """Bring red, green and blue in [0, 1] to what the encoder was trained on."""
    x = keras.layers.Rescaling(
        255.0,
        offset=[-mean for mean in _IMAGENET_MEANS],
        # Half precision would round away what little remains after subtraction.
        dtype="float32",
        name="imagenet_scale",
    )(image)
    return keras.ops.flip(x, axis=-1)


def _build_encoder(x: keras.KerasTensor, weights: str | None) -> keras.Model:
    build = functools.partial(
        keras.applications.ResNet50, include_top=False, input_tensor=x
    )
    if weights is None:
        encoder = build(weights=None)
    else:
        try:
            with _patient_download():
                encoder = build(weights=weights)
        except Exception as error:  # Keras raises a bare one when a download fails
            raise ModelError(
                "Expected ImageNet's weights for the encoder, from the network or from "
                f"Keras' folder of downloads. Received: {error}. Go online, or train "
                "without encoder weights."
            ) from error
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # Keras' .99 takes more steps to settle than a short training has.
            layer.momentum = 0.9
    return encoder


@contextlib.contextmanager
def _patient_download() -> Iterator[None]:
    """Keep Keras' progress bar off the output and a silent server from holding us."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        socket.setdefaulttimeout(before)
