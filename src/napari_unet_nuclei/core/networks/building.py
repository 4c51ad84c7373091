"""The networks, built from a name and arguments.

Another architecture is one file here, one member of
:class:`~napari_unet_nuclei.core.settings.choices.Architecture` and one match arm below.
"""

from __future__ import annotations

import textwrap
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.networks.classic import ClassicShape, build_classic
from napari_unet_nuclei.core.networks.ensemble import EnsembleShape, average_networks
from napari_unet_nuclei.core.networks.imported import ImportedShape, build_imported
from napari_unet_nuclei.core.networks.resnet import ResNetShape, build_resnet
from napari_unet_nuclei.core.networks.resnet50 import ResNet50Shape, build_resnet50
from napari_unet_nuclei.core.settings.choices import Architecture, parse_architecture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import keras


def build_model(
    architecture: Architecture | str,
    arguments: Mapping[str, Any] | None = None,
    *,
    pretrained: bool = False,
) -> keras.Model:
    """Build an untrained network.

    Parameters
    ----------
    architecture : Architecture
        Which network.
    arguments : mapping, optional
        Its shape, such as the fields of
        :class:`~napari_unet_nuclei.core.networks.classic.ClassicShape` by name; the
        defaults are the shipped shapes.
    pretrained : bool
        Fetch the weights that ``encoder_weights`` among the arguments asks for.  By
        default it says no more than how a training once began: the weights of a
        bundle are its own, and restoring one downloads nothing.

    Returns
    -------
    keras.Model
        From (batch, Y, X, 3) float32 in [0, 1] to (batch, Y, X, maps) float32.

    Raises
    ------
    SettingsError
        If there is no such architecture.
    ModelError
        If it does not take these arguments, or weights cannot be fetched.
    """
    make_shape, build = _family(architecture)
    kwargs = dict(arguments or {})
    if "encoder_weights" in kwargs and not pretrained:
        kwargs["encoder_weights"] = None
    try:
        return build(make_shape(**kwargs))
    except ModelError:
        raise
    except (LookupError, RecursionError, TypeError, ValueError) as error:
        raise ModelError(
            f"Cannot build the architecture {str(architecture)!r} with "
            f"{textwrap.shorten(str(kwargs), 300, placeholder=' …')}: {error}"
        ) from error


def complete_arguments(
    architecture: Architecture | str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Fill in the defaults of a shape, so that a bundle outlives changes of them.

    Parameters
    ----------
    architecture : Architecture
        Which network.
    arguments : mapping
        Fields of its shape that differ from the defaults.

    Returns
    -------
    dict
        All fields.
    """
    make_shape, _ = _family(architecture)
    return {field.name: field.default for field in fields(make_shape)} | dict(arguments)


def _family(
    architecture: Architecture | str,
) -> tuple[type[Any], Callable[[Any], keras.Model]]:
    """Return the class of a network's shape, and what builds the network from one."""
    match parse_architecture(architecture):
        case Architecture.CLASSIC:
            return ClassicShape, build_classic
        case Architecture.RESNET:
            return ResNetShape, build_resnet
        case Architecture.RESNET50:
            return ResNet50Shape, build_resnet50
        case Architecture.IMPORTED:
            return ImportedShape, build_imported
        case Architecture.ENSEMBLE:
            return EnsembleShape, _build_ensemble


def _build_ensemble(shape: EnsembleShape) -> keras.Model:
    """Build the parts and join them."""
    return average_networks(
        [build_model(part["architecture"], part["arguments"]) for part in shape.members]
    )
