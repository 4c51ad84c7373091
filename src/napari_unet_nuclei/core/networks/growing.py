"""A trained residual U-Net becomes deeper without computing anything else at first.

Plain arithmetic on arguments and weights: no Keras graph is built here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.settings.choices import Architecture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.weights import Weights


def add_residual_blocks(
    architecture: Architecture,
    arguments: Mapping[str, Any],
    weights: Mapping[str, NDArray[np.floating]],
    n_blocks: int,
    seed: int = 0,
) -> tuple[dict[str, Any], Weights]:
    """Add residual blocks at the end of every level of encoder and decoder.

    The last convolution of each new block is zero, so that the block returns what it
    gets: the grown network computes exactly the same maps, and learns from there.

    Parameters
    ----------
    architecture : Architecture
        What the weights belong to; only ``resnet`` can grow.
    arguments : mapping
        All keyword arguments of its builder, as from
        :func:`~napari_unet_nuclei.core.networks.building.complete_arguments`.
    weights : mapping of str to ndarray
        Weights by path, such as ``"encoder0_0_1_conv/kernel"``.
    n_blocks, seed : int
        Blocks to add to each level, and the seed of their first convolutions.

    Returns
    -------
    arguments, weights : dict
        Those of the grown network; weights that there were are the same arrays.

    Raises
    ------
    ModelError
        If the network has no residual blocks to add to.

    References
    ----------
    Chen, Goodfellow, Shlens: Net2Net, ICLR 2016, arXiv:1511.05641; a residual block
    that ends in zero: Goyal et al., arXiv:1706.02677

    Examples
    --------
    >>> from napari_unet_nuclei.core.networks.building import complete_arguments
    >>> arguments = complete_arguments("resnet", {"widths": (4, 8)})
    >>> arguments, weights = add_residual_blocks(Architecture.RESNET, arguments, {}, 1)
    >>> arguments["encoder_blocks"], arguments["decoder_blocks"]
    ([2, 2], 2)
    """
    levels = _list_levels(architecture, arguments, n_blocks)
    rng = np.random.default_rng(seed)
    grown = dict(weights)
    for name, width, n_before in levels:
        for index in range(n_before, n_before + n_blocks):
            is_normalised = arguments["batch_normalization"]
            grown |= _make_idle_block(f"{name}_{index}", width, rng, is_normalised)
    return {
        **arguments,
        "encoder_blocks": [n + n_blocks for name, _, n in levels if "encoder" in name],
        "decoder_blocks": arguments["decoder_blocks"] + n_blocks,
    }, grown


def _list_levels(
    architecture: Architecture, arguments: Mapping[str, Any], n_blocks: int
) -> list[tuple[str, int, int]]:
    """Return name, width and number of blocks of each level, all of which can grow."""
    if architecture is not Architecture.RESNET:
        raise ModelError(
            "Expected a model that residual blocks can be added to, a resnet. "
            f"Received: {str(architecture)!r}; start from another model, or leave out "
            "{grow}.",
            grow=n_blocks,
        )
    widths = list(arguments["widths"])
    encoder, n_decoder = arguments["encoder_blocks"], arguments["decoder_blocks"]
    n_each = [encoder] * len(widths) if isinstance(encoder, int) else list(encoder)
    if min(*n_each, n_decoder) < 1:
        # The first block of a level changes its width or resolution: it is never idle.
        raise ModelError(
            "Expected a residual block at each level, to add others behind it. "
            f"Received: {encoder} in the encoder and {n_decoder} in the decoder; start "
            "from another model, or leave out {grow}.",
            grow=n_blocks,
        )
    down = [
        (f"encoder{level}", width, n)
        for level, (width, n) in enumerate(zip(widths, n_each, strict=True))
    ]
    up = [(f"decoder{i}", width, n_decoder) for i, width in enumerate(widths[:-1])]
    return down + up


def _make_idle_block(
    name: str, width: int, rng: np.random.Generator, is_normalised: bool
) -> Weights:
    """Return the weights of a block that adds nothing to what it gets.

    What it gets has passed a ReLU, so the one at its end changes nothing either.
    """
    shape = (3, 3, width, width)
    spread = np.sqrt(2 / (9 * width))  # as He et al. begin
    kernels = {
        f"{name}_0": rng.normal(0, spread, shape).astype(np.float32),
        f"{name}_1": np.zeros(shape, np.float32),
    }
    block: Weights = {}
    for convolution, kernel in kernels.items():
        block[f"{convolution}_conv/kernel"] = kernel
        if not is_normalised:
            block[f"{convolution}_conv/bias"] = np.zeros(width, np.float32)
            continue
        for part in ("gamma", "moving_variance"):
            block[f"{convolution}_bn/{part}"] = np.ones(width, np.float32)
        for part in ("beta", "moving_mean"):
            block[f"{convolution}_bn/{part}"] = np.zeros(width, np.float32)
    return block
