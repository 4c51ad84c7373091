"""Layer plans of earlier projects, as arguments of the classic network.

Plain data: what the arguments mean is said in
:func:`~napari_unet_nuclei.core.networks.classic.ClassicShape`.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Plan(StrEnum):
    """Networks the classic one can be turned into; each predicts one map."""

    NUCLEI_128 = "nuclei-128"
    NUCLEI_256 = "nuclei-256"
    MEMBRANES = "membranes"
    NORMALISED = "normalised"


_PLAIN: Mapping[str, Any] = {
    "stem_stride": 1,
    "encoder_convolutions": 2,
    "decoder_convolutions": 2,
    "batch_normalization": False,
    "n_maps": 1,
}

PLANS: Mapping[Plan, Mapping[str, Any]] = MappingProxyType(
    {
        Plan.NUCLEI_128: {
            **_PLAIN,
            "widths": (16, 32, 64, 128, 256),
            "dropout": (0.1, 0.1, 0.2, 0.2, 0.3),
            "decoder_dropout": (0.1, 0.1, 0.2, 0.3),
            "dropout_after": 1,
            "upsampling_filters": (16, 32, 64, 32),
        },
        Plan.NUCLEI_256: {
            **_PLAIN,
            "widths": (32, 64, 128, 256),
            "bottleneck": False,
            "upsampling": "bilinear",
        },
        Plan.MEMBRANES: {
            **_PLAIN,
            "widths": (64, 128, 256, 512, 1024),
            "n_channels": 1,
            "dropout": (0, 0, 0, 0.5, 0.5),
            "upsampling": "nearest",
            "head_filters": 2,
        },
        Plan.NORMALISED: {
            **_PLAIN,
            "widths": (16, 32, 64, 128, 256),
            "batch_normalization": True,
            "dropout": 0.1,
            "decoder_dropout": 0.1,
        },
    }
)
"""Arguments of the classic network, by plan."""
