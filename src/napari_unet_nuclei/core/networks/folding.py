"""Batch normalisation of a trained network becomes part of its convolutions.

Plain arithmetic on weights: the network computes the same, without the layers
that take more than half of a training step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.networks.blocks import BATCH_NORMALIZATION_EPSILON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.weights import Weights


def fold_batch_normalization(
    arguments: Mapping[str, Any], weights: Mapping[str, NDArray[np.floating]]
) -> tuple[dict[str, Any], Weights]:
    """Merge each normalisation into the convolution before it.

    Parameters
    ----------
    arguments : mapping
        Keyword arguments of the network's builder.
    weights : mapping of str to ndarray
        Weights by path, such as ``"stem_conv/kernel"`` and ``"stem_bn/gamma"``.

    Returns
    -------
    arguments : dict
        The same with ``batch_normalization`` off.
    weights : dict of str to ndarray of float32
        Kernels and biases of the network that these arguments build; it gives the
        same maps.

    References
    ----------
    Jacob et al.: Quantization and training of neural networks for efficient
    integer-arithmetic-only inference, CVPR 2018, doi:10.1109/CVPR.2018.00286
    """
    folded = {
        path: np.asarray(value, np.float32)
        for path, value in weights.items()
        if "_bn/" not in path
    }
    names = [path.removesuffix("_bn/gamma") for path in weights if "_bn/gamma" in path]
    for name in names:
        gamma, beta, mean, variance = (
            np.asarray(weights[f"{name}_bn/{part}"], np.float32)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + BATCH_NORMALIZATION_EPSILON)
        folded[f"{name}_conv/kernel"] = folded[f"{name}_conv/kernel"] * scale
        folded[f"{name}_conv/bias"] = beta - mean * scale
    return {**arguments, "batch_normalization": False}, folded
