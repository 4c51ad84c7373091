"""What tiling must know about a network: its stride and its receptive field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import keras


@dataclass(frozen=True)
class Geometry:
    """How a network sees its input.

    Parameters
    ----------
    stride : int, in px
        Height and width of the input must be multiples of this.
    margin : int, in px
        Input pixels further away than this cannot influence an output pixel.
    """

    stride: int
    margin: int


def measure_geometry(model: keras.Model) -> Geometry:
    """Walk the operations of a functional model from input to output.

    Parameters
    ----------
    model : keras.Model
        A fully convolutional functional model.

    Returns
    -------
    Geometry
        Stride and receptive radius; the radius is an upper bound.
    """
    # Per tensor: its pixel pitch in input pixels, and how far it sees.
    seen: dict[int, tuple[Fraction, Fraction]] = {
        id(tensor): (Fraction(1), Fraction(0)) for tensor in model.inputs
    }
    coarsest = Fraction(1)
    for operation in model.operations:
        for node in operation._inbound_nodes:
            sources = [seen[id(t)] for t in node.input_tensors if id(t) in seen]
            if not sources:
                continue
            pitch, radius = sources[0][0], max(radius for _, radius in sources)
            match operation:
                case keras.layers.Conv2DTranspose() | keras.layers.UpSampling2D():
                    pitch /= 2
                    radius += 2 * pitch
                case keras.layers.Conv2D():
                    size = operation.kernel_size[0]
                    # Same padding is lopsided for an even kernel or a step.
                    reach = size // 2 if operation.strides[0] == 1 else size - 1
                    radius += reach * pitch
                    pitch *= operation.strides[0]
                case keras.layers.MaxPooling2D() | keras.layers.AveragePooling2D():
                    radius += (operation.pool_size[0] - 1) * pitch
                    pitch *= operation.strides[0]
            coarsest = max(coarsest, pitch)
            for tensor in node.output_tensors:
                seen[id(tensor)] = (pitch, radius)
    return Geometry(
        stride=int(coarsest),
        margin=math.ceil(max(seen[id(tensor)][1] for tensor in model.outputs)),
    )
