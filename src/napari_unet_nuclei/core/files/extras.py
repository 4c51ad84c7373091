"""Packages that only the extra ``big`` installs, and what to say where they are not."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import ImageError

if TYPE_CHECKING:
    from types import ModuleType


def import_extra(name: str, purpose: str) -> ModuleType:
    """Import a package of the extra ``big``.

    Parameters
    ----------
    name : str
        The module, such as ``"zarr"``.
    purpose : str
        What it is needed for, such as ``"OME-Zarr"``.

    Returns
    -------
    module
        The module.

    Raises
    ------
    ImageError
        If it is not installed.

    Examples
    --------
    >>> import_extra("json", "examples").dumps({})
    '{}'
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ImageError(
            f"Expected the package {name.partition('.')[0]}, which {purpose} needs. "
            "Received: none; install it with `pip install "
            "'napari-unet-nuclei[big]'`."
        ) from error
