"""The networks, built from a name and arguments.

A third architecture is one file here, one member of
:class:`~napari_unet_nuclei.core.settings.Architecture` and one match arm below.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.models.classic import build_classic
from napari_unet_nuclei.core.models.resnet import build_resnet
from napari_unet_nuclei.core.settings import Architecture, parse_architecture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import keras


def build_model(
    architecture: Architecture | str, arguments: Mapping[str, Any] | None = None
) -> keras.Model:
    """Build an untrained network.

    Parameters
    ----------
    architecture : Architecture
        Which network.
    arguments : mapping, optional
        Keyword arguments of its builder; the defaults are the shipped shapes.

    Returns
    -------
    keras.Model
        From (batch, Y, X, 3) float32 in [0, 1] to (batch, Y, X, maps) float32.

    Raises
    ------
    SettingsError
        If there is no such architecture.
    ModelError
        If it does not take these arguments.
    """
    build = _builder(architecture)
    kwargs = dict(arguments or {})
    try:
        return build(**kwargs)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"Cannot build the architecture {str(architecture)!r} with {kwargs}: "
            f"{error}"
        ) from error


def complete_arguments(
    architecture: Architecture | str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Fill in the defaults of a builder, so that a bundle outlives changes of them.

    Parameters
    ----------
    architecture : Architecture
        Which network.
    arguments : mapping
        Keyword arguments of its builder that differ from the defaults.

    Returns
    -------
    dict
        All of its keyword arguments.
    """
    parameters = inspect.signature(_builder(architecture)).parameters
    return {name: p.default for name, p in parameters.items()} | dict(arguments)


def _builder(architecture: Architecture | str) -> Callable[..., keras.Model]:
    match parse_architecture(architecture):
        case Architecture.CLASSIC:
            return build_classic
        case Architecture.RESNET:
            return build_resnet
