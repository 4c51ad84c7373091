"""The errors this package raises on purpose.

Each message is one sentence: what was expected, what was received, what to do
next.  None derives from ``RuntimeError``, which napari's generator worker
swallows.
"""


class UNetNucleiError(Exception):
    """Base class of every error a user of this package can cause or meet."""


class SettingsError(UNetNucleiError, ValueError):
    """A setting is out of range or contradicts another."""


class ImageError(UNetNucleiError, ValueError):
    """An image cannot be read, or has a shape or type nothing here can use."""


class LabelsError(UNetNucleiError, ValueError):
    """A label image is not a (Y, X) array of non-negative integers."""


class DatasetError(UNetNucleiError, ValueError):
    """A data set or one of its samples is incomplete or contradictory."""


class ModelError(UNetNucleiError, ValueError):
    """A model bundle is missing, damaged, or made for something else."""


class OutputError(UNetNucleiError, OSError):
    """A result cannot be written where or how it was asked for."""


class EngineError(UNetNucleiError):
    """An inference engine is not available or failed."""


class OutOfMemoryError(EngineError):
    """An inference engine found no memory for what it was given at once."""


class TrainingError(UNetNucleiError):
    """Training cannot start, or went wrong on the way."""
