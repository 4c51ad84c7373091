"""U-Net segmentation of cell nuclei: the public interface, loaded on first use.

Importing this package imports nothing else, so that ``napari`` starts as fast
with the plugin as without it; each public name is fetched from its module when
it is first asked for.  Nothing is implemented here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet_nuclei.core.evaluation.scores import evaluate
    from napari_unet_nuclei.core.segmentation.model import load_model, segment
    from napari_unet_nuclei.core.training.loop import train

__version__ = "0.1.0"

__all__ = ["__version__", "evaluate", "load_model", "segment", "train"]

_HOMES = {
    "evaluate": "napari_unet_nuclei.core.evaluation.scores",
    "load_model": "napari_unet_nuclei.core.segmentation.model",
    "segment": "napari_unet_nuclei.core.segmentation.model",
    "train": "napari_unet_nuclei.core.training.loop",
}


def __getattr__(name: str) -> object:
    """Return a public name from its module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, those not loaded yet included."""
    return sorted({*globals(), *__all__})
