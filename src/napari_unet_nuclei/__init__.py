"""U-Net segmentation of cell nuclei: the public interface, loaded on first use.

Importing this package imports nothing else, so that ``napari`` starts as fast
with the plugin as without it; each public name is fetched from its module when
it is first asked for.  Nothing is implemented here.

What is importable from here is public: the functions, what they take and return,
and the errors they raise.  Everything below is free to change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.errors import (
        DatasetError,
        EngineError,
        ImageError,
        LabelsError,
        ModelError,
        OutOfMemoryError,
        OutputError,
        SettingsError,
        TrainingError,
        UNetNucleiError,
    )
    from napari_unet_nuclei.core.evaluation.intervals import Interval
    from napari_unet_nuclei.core.evaluation.scores import Scores, evaluate
    from napari_unet_nuclei.core.images.calibration import Calibration
    from napari_unet_nuclei.core.images.lazy import ArrayLike
    from napari_unet_nuclei.core.instances.annotation import annotated_area
    from napari_unet_nuclei.core.instances.doubts.finding import (
        DoubtfulNuclei,
        DoubtfulSpot,
        find_doubtful_nuclei,
    )
    from napari_unet_nuclei.core.instances.doubts.reasons import DoubtReason, Suspicion
    from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
    from napari_unet_nuclei.core.instances.measurements import measure_nuclei
    from napari_unet_nuclei.core.linking.planes import link_planes
    from napari_unet_nuclei.core.linking.rule import LinkRule
    from napari_unet_nuclei.core.models.bundle import ModelBundle
    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.proposals.proposing import ProposedTile, propose_tiles
    from napari_unet_nuclei.core.segmentation.model import Model, load_model, segment
    from napari_unet_nuclei.core.settings.choices import (
        Annotated,
        Architecture,
        Augmentation,
        EngineName,
        Link,
        Measurement,
        Monitor,
        Schedule,
        Stain,
    )
    from napari_unet_nuclei.core.settings.measurements import MeasurementSettings
    from napari_unet_nuclei.core.settings.segmentation import (
        SegmentationOptions,
        SegmentationSettings,
    )
    from napari_unet_nuclei.core.settings.training import TrainingSettings
    from napari_unet_nuclei.core.training.loop import train
    from napari_unet_nuclei.core.training.mixture import TrainingSet
    from napari_unet_nuclei.core.training.steps import TrainingReport
    from napari_unet_nuclei.core.training.verdict import HeldOutComparison

__version__ = "0.1.0"

__all__ = [
    "Annotated",
    "Architecture",
    "ArrayLike",
    "Augmentation",
    "Calibration",
    "DatasetError",
    "DoubtReason",
    "DoubtfulNuclei",
    "DoubtfulSpot",
    "Engine",
    "EngineError",
    "EngineName",
    "HeldOutComparison",
    "ImageError",
    "Interval",
    "LabelsError",
    "Link",
    "LinkRule",
    "Maps",
    "Measurement",
    "MeasurementSettings",
    "Model",
    "ModelBundle",
    "ModelConfig",
    "ModelError",
    "Monitor",
    "OutOfMemoryError",
    "OutputError",
    "ProposedTile",
    "Sample",
    "Schedule",
    "Scores",
    "SegmentationOptions",
    "SegmentationSettings",
    "SettingsError",
    "SplittingParameters",
    "Stain",
    "Suspicion",
    "TrainingError",
    "TrainingReport",
    "TrainingSet",
    "TrainingSettings",
    "UNetNucleiError",
    "__version__",
    "annotated_area",
    "evaluate",
    "find_doubtful_nuclei",
    "link_planes",
    "load_model",
    "measure_nuclei",
    "propose_tiles",
    "segment",
    "train",
]

_MODULES = {
    "datasets.sample": "Sample",
    "engines.engine": "Engine",
    "errors": (
        "DatasetError EngineError ImageError LabelsError ModelError OutOfMemoryError "
        "OutputError SettingsError TrainingError UNetNucleiError"
    ),
    "evaluation.intervals": "Interval",
    "evaluation.scores": "Scores evaluate",
    "images.calibration": "Calibration",
    "images.lazy": "ArrayLike",
    "instances.annotation": "annotated_area",
    "instances.doubts.finding": "DoubtfulNuclei DoubtfulSpot find_doubtful_nuclei",
    "instances.doubts.reasons": "DoubtReason Suspicion",
    "instances.maps": "Maps SplittingParameters",
    "instances.measurements": "measure_nuclei",
    "linking.planes": "link_planes",
    "linking.rule": "LinkRule",
    "models.bundle": "ModelBundle",
    "models.config": "ModelConfig",
    "proposals.proposing": "ProposedTile propose_tiles",
    "segmentation.model": "Model load_model segment",
    "settings.choices": (
        "Annotated Architecture Augmentation EngineName Link Measurement Monitor "
        "Schedule Stain"
    ),
    "settings.measurements": "MeasurementSettings",
    "settings.segmentation": "SegmentationOptions SegmentationSettings",
    "settings.training": "TrainingSettings",
    "training.loop": "train",
    "training.mixture": "TrainingSet",
    "training.steps": "TrainingReport",
    "training.verdict": "HeldOutComparison",
}
_HOMES = {
    name: f"{__name__}.core.{module}"
    for module, names in _MODULES.items()
    for name in names.split()
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
