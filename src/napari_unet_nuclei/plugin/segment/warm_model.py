"""The model that was used last, kept for the next run.

The heavy modules are imported by the functions that use them, so that opening the
widget stays fast.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.segmentation.model import Model


class WarmModel:
    """The model that was used last, so that a second run need not load it.

    Parameters
    ----------
    prepare : callable
        Called before a model is loaded: what else takes a while the first time.
    """

    def __init__(self, prepare: Callable[[], object] = lambda: None) -> None:
        self._prepare = prepare
        self._model: Model | None = None
        self._key: tuple[Path, int] | None = None

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
        from napari_unet_nuclei.core.models.store import find_model
        from napari_unet_nuclei.core.segmentation.model import load_model

        path = find_model(name)
        key = path, path.stat().st_mtime_ns
        if self._model is None or self._key != key:
            _import_splitting()
            self._prepare()
            self._model, self._key = load_model(path, _choose_engine()), key
        return self._model

    def is_warm(self, name: str) -> bool:
        """Whether a model need not be loaded."""
        from napari_unet_nuclei.core.models.store import find_model

        path = find_model(name)
        return self._key == (path, path.stat().st_mtime_ns)


def _import_splitting() -> None:
    """Import what splitting needs and else imports when the tiles are done."""
    import scipy.sparse.csgraph  # noqa: F401
    import skimage.segmentation  # noqa: F401


def _choose_engine() -> EngineName:
    """Keep TensorFlow away from Mesa's OpenGL: in one process the two crash."""
    return EngineName.OPENVINO if sys.platform == "linux" else EngineName.AUTO
