"""The networks, built from a name and arguments.

Another architecture is one file here, one member of
:class:`~napari_unet_nuclei.core.settings.choices.Architecture` and one match arm below.
"""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.networks.classic import build_classic
from napari_unet_nuclei.core.networks.ensemble import average_networks
from napari_unet_nuclei.core.networks.imported import build_imported
from napari_unet_nuclei.core.networks.resnet import build_resnet
from napari_unet_nuclei.core.networks.resnet50 import build_resnet50
from napari_unet_nuclei.core.settings.choices import Architecture, parse_architecture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import keras

_MAX_MEMBERS = 16  # of an ensemble


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
        Keyword arguments of its builder; the defaults are the shipped shapes.
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
    build = _builder(architecture)
    kwargs = dict(arguments or {})
    if "encoder_weights" in kwargs and not pretrained:
        kwargs["encoder_weights"] = None
    try:
        return build(**kwargs)
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
        case Architecture.RESNET50:
            return build_resnet50
        case Architecture.IMPORTED:
            return build_imported
        case Architecture.ENSEMBLE:
            return _build_ensemble


def _build_ensemble(*, members: Sequence[Mapping[str, Any]] = ()) -> keras.Model:
    """Build networks and join them.

    Parameters
    ----------
    members : sequence of mapping
        ``"architecture"`` and ``"arguments"`` of each.

    Returns
    -------
    keras.Model
        See :func:`~napari_unet_nuclei.core.networks.ensemble.average_networks`.

    Raises
    ------
    ValueError
        If there are too many, or one is described by anything else or is an
        ensemble itself.
    """
    if len(members) > _MAX_MEMBERS:
        raise ValueError(
            f"there may be {_MAX_MEMBERS} members. Received: {len(members)}"
        )
    networks = []
    for member in members:
        if set(member) != {"architecture", "arguments"}:
            raise ValueError(f"a member is described by {list(member)}")
        if member["architecture"] == Architecture.ENSEMBLE:
            raise ValueError("no member may be an ensemble")
        networks.append(build_model(member["architecture"], member["arguments"]))
    return average_networks(networks)
