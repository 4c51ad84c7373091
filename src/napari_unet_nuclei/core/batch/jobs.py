"""One image of a batch on its way through the stages, and what became of it."""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.batch.own_results import OwnResultError
from napari_unet_nuclei.core.errors import OutputError, UNetNucleiError
from napari_unet_nuclei.core.segmentation.memory import say_lack
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from napari_unet_nuclei.core.batch.inputs import NamedImage
    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.images.calibration import Calibration
    from napari_unet_nuclei.core.reports.image_summary import ImageSummary
    from napari_unet_nuclei.core.segmentation.seen_planes import Segmentation


@dataclass(frozen=True, kw_only=True)
class ImageDone:
    """What became of one image.

    Parameters
    ----------
    name : str
        Name of the image.
    n_nuclei : int
        Nuclei found; 0 when there was an error.
    seconds : float
        Time for reading, segmenting and writing.
    is_rescaled : bool
        Whether the network saw the image, or a plane of it, at another size because
        of the size of its nuclei.
    signal : Stain
        What of the image the network saw, unless the settings say what to see.
    error : str, optional
        Why there is no result.
    notes : tuple of str
        Sentences on what was not read, or was read in another way than asked for.
    warnings : tuple of str
        Sentences on why the result should be checked, and what to do.
    cause : UNetNucleiError, optional
        The error behind that sentence.
    summary : ImageSummary, optional
        What a report says of its nuclei, if there is to be one.
    """

    name: str
    n_nuclei: int
    seconds: float
    is_rescaled: bool = False
    signal: Stain = Stain.NONE
    error: str | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cause: UNetNucleiError | None = None
    summary: ImageSummary | None = None

    @property
    def is_own_result(self) -> bool:
        """Whether this is no image but a result of an earlier batch, and skipped."""
        return isinstance(self.cause, OwnResultError)


@dataclass(eq=False)
class Job:
    """One image, as far as it has come.

    Parameters
    ----------
    image : NamedImage
        What to read.

    Attributes
    ----------
    stack, axes, calibration, channels
        What was read; of the stage that reads.
    steps : generator
        What segments the stack; the network has seen all of it once its stage is over.
    is_over : Event
        Set when pixels and maps have been given up.
    """

    image: NamedImage
    axes: str | None = field(init=False)
    stack: PlaneStack = field(init=False)
    calibration: Calibration = field(init=False)
    channels: Mapping[str, PlaneStack] = field(default_factory=dict)
    steps: Generator[object, None, Segmentation] = field(init=False)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    n_nuclei: int = 0
    is_rescaled: bool = False
    signal: Stain = Stain.NONE
    seconds: float = 0.0
    error: str | None = None
    cause: UNetNucleiError | None = None
    summary: ImageSummary | None = None
    is_over: Event = field(default_factory=Event)

    def advance(self, stage: Callable[[Job], None]) -> Job:
        """Do a stage, unless an earlier one failed.

        Raises
        ------
        OutputError
            If no other image could be written either.
        """
        if self.error is not None:
            return self
        start = time.perf_counter()
        try:
            stage(self)
        except UNetNucleiError as error:
            if _ends_batch(error):
                raise
            self.error, self.cause = str(error), error
        except MemoryError as error:
            self.error = say_lack(error)
        finally:
            self.seconds += time.perf_counter() - start
        return self

    def end(self) -> None:
        """Release pixels and maps, which may take much memory."""
        if "steps" in vars(self):
            self.steps.close()
        for name in ("stack", "steps", "channels"):
            vars(self).pop(name, None)
        self.is_over.set()

    def report(self) -> ImageDone:
        """Report what became of the image."""
        return ImageDone(
            name=self.image.name,
            n_nuclei=0 if self.error else self.n_nuclei,  # found, but not written
            seconds=self.seconds,
            is_rescaled=self.is_rescaled,
            signal=self.signal,
            error=self.error,
            notes=self.notes,
            warnings=self.warnings,
            cause=self.cause,
            summary=self.summary,
        )


def _ends_batch(error: Exception) -> bool:
    """Whether the next image would fail for the same reason, as on a full disk."""
    cause = error.__cause__
    return (
        isinstance(error, OutputError)
        and isinstance(cause, OSError)
        and cause.errno not in (errno.ENAMETOOLONG, errno.EINVAL)
    )
