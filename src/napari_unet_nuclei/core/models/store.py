"""Where models are kept: those of the package, and the user's own."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.models.bundle import SUFFIX
from napari_unet_nuclei.core.settings.choices import DEFAULT_MODEL

FOLDER_VARIABLE = "NAPARI_UNET_NUCLEI_MODELS"
"""Environment variable that names the folder of the user's models."""


def shipped_models() -> dict[str, Path]:
    """List the models that come with the package.

    Returns
    -------
    dict of str to Path
        Path by name, the best first.
    """
    folder = Path(__file__).parents[2] / "weights"
    paths = {path.stem: path for path in folder.glob(f"*{SUFFIX}")}
    return dict(
        sorted(paths.items(), key=lambda item: (item[0] != DEFAULT_MODEL, item[0]))
    )


def user_model_folder() -> Path:
    """Say where models that users train are kept.

    Returns
    -------
    Path
        The folder that ``NAPARI_UNET_NUCLEI_MODELS`` names, else one of the user's own.
    """
    if folder := os.environ.get(FOLDER_VARIABLE):
        return Path(folder).expanduser()
    return user_data_path("napari-unet-nuclei", appauthor=False) / "models"


def user_models() -> dict[str, Path]:
    """List the models the user has trained.

    Returns
    -------
    dict of str to Path
        Path by name, sorted.
    """
    return {
        path.stem: path
        for path in sorted(user_model_folder().glob(f"*{SUFFIX}"))
        # Not half a model of a killed run, nor a pipe, which would never answer.
        if not path.name.startswith(".") and os.path.isfile(path)
    }


def find_model(model: str | Path) -> Path:
    """Turn a name or a path into the path of a bundle.

    Parameters
    ----------
    model : str or Path
        Name of a shipped or user model, or a path.

    Returns
    -------
    Path
        The bundle.

    Raises
    ------
    ModelError
        If nothing is found.
    """
    known = user_models() | shipped_models()
    if str(model) in known:
        return known[str(model)]
    path = Path(model)
    if os.path.isfile(path):
        return path
    raise ModelError(
        f"Expected the name of a model ({', '.join(known) or 'none is installed'}) "
        f"or a {SUFFIX} file. Received: {str(model)!r}"
    )
