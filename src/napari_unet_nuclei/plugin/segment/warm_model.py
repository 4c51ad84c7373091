"""The model that was used last, kept for the next run.

The heavy modules are imported by the functions that use them, so that opening the
widget stays fast.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.segmentation.model import Model


class _Version(NamedTuple):
    """The file of a model, and when it was written, in ns."""

    path: Path
    written: int


class WarmModel:
    """The model that was used last, so that a second run need not load it.

    Parameters
    ----------
    prepare : callable
        Called before a model is loaded, for what also takes a while the first time.
    """

    def __init__(self, prepare: Callable[[], object] = lambda: None) -> None:
        self._prepare = prepare
        self._model: Model | None = None
        self._version: _Version | None = None

    def load(self, name: str) -> Model:
        """Load a model unless it is the one at hand and its file is the same.

        Parameters
        ----------
        name : str
            Name or path of a model.

        Returns
        -------
        Model
            Ready to segment.

        Raises
        ------
        ModelError, EngineError
            If there is no such model or it cannot be loaded.
        """
        from napari_unet_nuclei.core.segmentation.model import load_model

        version = _find_version(name)
        if self._model is None or self._version != version:
            _import_splitting()
            self._prepare()
            model = load_model(version.path, _choose_engine())
            self._model, self._version = model, version
        return self._model

    def is_warm(self, name: str) -> bool:
        """Whether a model need not be loaded."""
        return self._version == _find_version(name)


def _find_version(name: str) -> _Version:
    path = find_model(name)
    return _Version(path, path.stat().st_mtime_ns)


def _import_splitting() -> None:
    """Import what splitting needs, or it would be imported after the last tile."""
    import scipy.sparse.csgraph  # noqa: F401
    import skimage.segmentation  # noqa: F401


def _choose_engine() -> EngineName:
    """Keep TensorFlow away from Mesa's OpenGL: in one process the two crash."""
    return EngineName.OPENVINO if sys.platform == "linux" else EngineName.AUTO
